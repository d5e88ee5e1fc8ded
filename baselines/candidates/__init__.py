"""Candidates: the first stage that comes with a collection, to be re-ranked as its papers do.

`rerank(candidates:bm25,minilm,depth=100)` orders exactly the passages that published re-rankings
of that run have ordered. Which collections have one stands in `conventions.toml`.
"""

from __future__ import annotations

import functools

from benchmarks.interfaces import Retriever, Setting
from benchmarks.registry import Baseline, Variant


def _candidates(name: str, setting: Setting) -> Retriever:
    from benchmarks.retrieval.candidates import CandidateRetriever, RandomCandidates

    if setting.random_weights:
        return RandomCandidates(name)
    return CandidateRetriever(setting.collection, name)


def _variant(name: str, summary: str) -> Variant:
    return Variant(functools.partial(_candidates, name), summary)


baseline = Baseline(
    key="candidates",
    summary="the ranking that comes with a collection, made elsewhere",
    variants={
        "bm25": _variant("bm25", "BM25: MS MARCO's top 1000 passages, the top 100 of trec-dl-pool"),
        "indri": _variant("indri", "Indri's query likelihood: MS MARCO's top 100 documents"),
    },
)
