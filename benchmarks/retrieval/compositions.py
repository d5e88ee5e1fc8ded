"""Retrievers made of retrievers: fusion and re-ranking.

They see rankings and scores only, and know nothing of what is inside their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.efficiency.stages import stage
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import FloatArray, Query, Ranking, Scorer, ScoringSearcher, Searcher

Fuse = Callable[[Sequence[Ranking]], dict[str, float]]


class Fusion:
    """The union of several retrievers' best documents under one score."""

    def __init__(
        self, parts: Sequence[Searcher], fuse: Fuse, settings: Mapping[str, Any], candidates: int = 0
    ) -> None:
        self.parts = tuple(parts)
        self._fuse = fuse
        self._settings = settings
        self._candidates = candidates

    @property
    def protocol(self) -> Mapping[str, Any]:
        """How it is fused, and what."""
        return {"kind": "fusion", **self._settings, "parts": [dict(part.protocol) for part in self.parts]}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Search with every part to `depth`, or to `candidates` where that is more; fuse, and cut at `depth`."""
        columns = [part.search(queries, max(depth, self._candidates)) for part in self.parts]
        with stage("fuse"):
            return [_ranked(self._fuse(rankings), depth) for rankings in zip(*columns, strict=True)]


class Union:
    """The union of several retrievers' best `candidates`, each document scored by every one of them.

    The hybrid of DPR (Karpukhin et al. 2020, section 5.1): BM25(q, p) + lambda sim(q, p).
    """

    def __init__(self, parts: Sequence[ScoringSearcher], weights: Sequence[float], candidates: int) -> None:
        self.parts = tuple(parts)
        self._weights, self._candidates = tuple(weights), candidates

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Weights, how many, and what."""
        return {
            "kind": "union", "weights": list(self._weights), "candidates": self._candidates,
            "parts": [dict(part.protocol) for part in self.parts],
        }  # fmt: skip

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Search with every part, score the union with every part, and cut at `depth`."""
        columns = [part.search(queries, self._candidates) for part in self.parts]
        found = [
            sorted({id for ranking in rankings for id in ranking.ids})
            for rankings in zip(*columns, strict=True)
        ]
        with stage("rerank"):
            scored = [part.score(queries, found) for part in self.parts]
            return [rank(ids, self._sum(scores), depth) for ids, *scores in zip(found, *scored, strict=True)]

    def _sum(self, scores: Sequence[FloatArray]) -> FloatArray:
        """The weighted sum of one query's scores, part by part, in float64 on the way."""
        total: FloatArray = (np.array(self._weights) @ np.stack(scores).astype(np.float64)).astype(np.float32)
        return total


class Reranking:
    """The first part's best `candidates` documents, ordered by the second part's score."""

    def __init__(self, first: Searcher, scorer: Scorer, candidates: int) -> None:
        self.parts = (first, scorer)
        self._candidates = candidates

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Who finds, who orders, and how many."""
        first, scorer = (dict(part.protocol) for part in self.parts)
        return {"kind": "re-ranking", "candidates": self._candidates, "first": first, "scorer": scorer}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Find with the first part, order with the second. At most `candidates` come back."""
        first, scorer = self.parts
        found = first.search(queries, self._candidates)
        with stage("rerank"):
            scores = scorer.score(queries, [ranking.ids for ranking in found])
            return [rank(ranking.ids, row, depth) for ranking, row in zip(found, scores, strict=True)]


def reciprocal_rank(k: float) -> Fuse:
    """Cormack, Clarke and Buettcher (SIGIR 2009): the sum over parts of 1 / (k + rank)."""

    def fuse(rankings: Sequence[Ranking]) -> dict[str, float]:
        fused: dict[str, float] = {}
        for ranking in rankings:
            for place, id in enumerate(ranking.ids, start=1):
                fused[id] = fused.get(id, 0.0) + 1.0 / (k + place)
        return fused

    return fuse


def weighted_sum(weights: Sequence[float]) -> Fuse:
    """The weighted sum of scores scaled to 0..1 within each query and part.

    A document that a part did not find gets that part's 0, the score of its last; a part whose
    scores are all equal gives 1 to each.
    """

    def fuse(rankings: Sequence[Ranking]) -> dict[str, float]:
        fused: dict[str, float] = {}
        for weight, ranking in zip(weights, rankings, strict=True):
            for id, score in zip(ranking.ids, _min_max(ranking.scores).tolist(), strict=True):
                fused[id] = fused.get(id, 0.0) + weight * score
        return fused

    return fuse


def raw_sum(weights: Sequence[float]) -> Fuse:
    """The weighted sum of the scores as they are.

    A document that a part did not find gets the lowest score of that part's list (Lin et al. 2021,
    section 4): nothing where the list is empty.
    """

    def fuse(rankings: Sequence[Ranking]) -> dict[str, float]:
        fused = dict.fromkeys((id for ranking in rankings for id in ranking.ids), 0.0)
        for weight, ranking in zip(weights, rankings, strict=True):
            scores = dict(zip(ranking.ids, ranking.scores.tolist(), strict=True))
            lowest = min(scores.values(), default=0.0)
            for id in fused:
                fused[id] += weight * scores.get(id, lowest)
        return fused

    return fuse


def _min_max(scores: FloatArray) -> Any:
    if not len(scores):
        return scores
    wide = scores.astype(np.float64)
    low, high = wide.min(), wide.max()
    return (wide - low) / (high - low) if high > low else np.ones_like(wide)


def _ranked(fused: Mapping[str, float], depth: int) -> Ranking:
    return rank(list(fused), np.fromiter(fused.values(), dtype=np.float32, count=len(fused)), depth)
