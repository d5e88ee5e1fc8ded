"""Records as a pandas table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.records.record import Record
from benchmarks.records.store import Store

_COLUMNS = (
    "spec", "collection", "seed", "rung", "measure", "mean", "queries", "documents", "fingerprint",
    "p50_ms", "p95_ms", "p99_ms", "batch_qps", "index_bytes",
)  # fmt: skip


def frame_of(folder: str | Path) -> pd.DataFrame:
    """One row for each cell, seed and measure. Raises `RecordError` for a record that does not fit the schema."""
    return frame_of_records(Store(Path(folder)).records())


def frame_of_records(records: Iterable[Record]) -> pd.DataFrame:
    """The same of records at hand."""
    return pd.DataFrame([row for record in records for row in _rows(record)], columns=list(_COLUMNS))


def _rows(record: Record) -> Iterator[dict[str, Any]]:
    search = record.efficiency.get("search", {})
    cost = {name: search.get(name) for name in ("p50_ms", "p95_ms", "p99_ms", "batch_qps")}
    cost["index_bytes"] = record.efficiency.get("build", {}).get("index_bytes")
    for measure, value in record.means.items():
        yield {
            "spec": record.spec, "collection": record.collection, "seed": record.seed, "rung": record.rung,
            "measure": measure, "mean": value, "queries": record.counts["queries"], "documents": record.counts["documents"],
            "fingerprint": record.protocol.fingerprint, **cost,
        }  # fmt: skip
