"""docTTTTTquery (Nogueira and Lin 2019): BM25 over passages with the questions a T5 would ask of them.

The expansions are the expensive part. A folder given with `--checkpoint` holds either the T5, or
`expansions.jsonl`, one line a document: {"id": "...", "queries": ["...", ...]}.
"""

from __future__ import annotations

from pathlib import Path

from baselines.doc2query_t5.retriever import ExpandedBM25
from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.variants import weighted
from benchmarks.registry import Baseline, Paper, Variant

# No revision of it was to be found in a source.
T5 = Checkpoint("castorini/doc2query-t5-base-msmarco", weights=PYTORCH, architecture="t5")


def _variant(k1: float, b: float, summary: str) -> Variant:
    return weighted(lambda setting: ExpandedBM25(T5, k1, b, setting), summary, T5)


baseline = Baseline(
    key="doc2query_t5",
    summary="BM25 over passages expanded with 40 predicted queries each",
    paper=Paper("Document Expansion by Query Prediction", "Nogueira et al.", 2019, "1904.08375"),
    variants={
        "t5-base": _variant(0.9, 0.4, "40 queries of a T5-base, k1 0.9, b 0.4"),
        "t5-base:0.82": _variant(0.82, 0.68, "the same, k1 0.82, b 0.68 (the original report)"),
        "t5-base:tuned": _variant(2.18, 0.86, "the same, k1 2.18, b 0.86 (tuned on expanded passages)"),
    },
    published=Path(__file__).with_name("published.toml"),
)
