"""LaTeX and CSV: the numbers as a table for a paper, and all of them as one for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.collections.conventions import conventions_of
from benchmarks.errors import RecordError
from benchmarks.records.frame import frame_of_records
from benchmarks.records.record import Record
from benchmarks.storage.atomic import write_bytes


def write_csv(records: Sequence[Record], path: Path) -> None:
    """A line for each cell, seed and measure."""
    write_bytes(path, frame_of_records(records).to_csv(index=False).encode())


def write_latex(records: Sequence[Record], path: Path, measure: str = "") -> None:
    """Variants by collections, of the seed that comes first; best of a column in bold.

    Of each collection `measure`, or where none is asked for its main one, named in the head. Needs the package booktabs.
    Raises `RecordError` where no record has the measure.
    """
    columns: dict[str, dict[str, float]] = {}
    for record in sorted(records, key=lambda record: -record.seed):
        chosen = measure or conventions_of(record.collection).measures[0]
        if chosen in record.means:
            columns.setdefault(f"{record.collection} ({chosen})", {})[record.spec] = record.means[chosen]
    if not columns:
        raise RecordError(
            f"none of these records has {measure}; measures are named as in the reports: nDCG@10"
        )
    frame = pd.DataFrame(columns)
    styled = frame.style.format("{:.4f}", na_rep="", escape="latex").format_index(escape="latex")
    styled = styled.format_index(escape="latex", axis=1).highlight_max(axis=0, props="textbf:--rwrap")
    text = styled.to_latex(hrules=True, column_format="l" + "r" * len(frame.columns))
    write_bytes(path, text.encode())
