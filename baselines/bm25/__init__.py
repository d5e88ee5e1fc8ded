"""BM25 with Lucene's English analysis: the sparse reference of every paper here."""

from __future__ import annotations

from pathlib import Path

from benchmarks.interfaces import Retriever, Setting
from benchmarks.registry import Baseline, Variant


def _bm25(setting: Setting, k1: float, b: float, *fields: str) -> Retriever:
    from benchmarks.retrieval.bm25 import BM25Retriever

    return BM25Retriever(k1, b, fields, setting.language)


baseline = Baseline(
    key="bm25",
    summary="BM25 as Lucene and Anserini score it, on bm25s",
    variants={
        "flat": Variant(
            lambda setting: _bm25(setting, 0.9, 0.4, "contents"),
            "title and text in one field, k1 0.9, b 0.4 (Anserini's default)",
        ),
        "multifield": Variant(
            lambda setting: _bm25(setting, 0.9, 0.4, "title", "text"),
            "title and text as two fields of equal weight, k1 0.9, b 0.4",
        ),
        "tuned": Variant(
            lambda setting: _bm25(setting, 0.82, 0.68, "contents"),
            "one field, k1 0.82, b 0.68 (tuned on MS MARCO passages)",
        ),
    },
    published=Path(__file__).with_name("published.toml"),
)
