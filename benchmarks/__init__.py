"""How any retriever is measured. Knows no paper: those are plugins (see `benchmarks.registry`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.interfaces import Answer, Document, Encoder, Query, Ranking, Reader, Retriever, Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = [
    "Answer", "Baseline", "Document", "Encoder", "Paper", "Query", "Ranking", "Reader", "Retriever", "Setting",
    "Variant", "load_results",
]  # fmt: skip


def load_results(folder: str | Path = "results") -> pd.DataFrame:
    """The records below `folder` as a table: one row for each cell and measure.

    Columns: spec, collection, rung, measure, mean, queries, documents, fingerprint, and where
    efficiency was measured p50_ms, p95_ms, p99_ms, batch_qps, index_bytes. Scores per query are
    in the records themselves.
    """
    from benchmarks.records.frame import frame_of

    return frame_of(folder)
