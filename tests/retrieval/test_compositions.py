"""Fusion and re-ranking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import UsageError
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import FloatArray, Query, Ranking, Setting
from benchmarks.retrieval.compositions import (
    Fusion,
    Reranking,
    Union,
    raw_sum,
    reciprocal_rank,
    weighted_sum,
)
from benchmarks.retrieval.resolve import resolve
from benchmarks.spec import parse

QUERY = [Query("q", "text")]
rankings = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-5, 5).map(float), max_size=8)


class Fixed:
    """A searcher with known scores."""

    def __init__(self, scores: Mapping[str, float]) -> None:
        self.scores = scores

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its scores."""
        return {"scores": dict(self.scores)}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The same for every query."""
        values = np.array(list(self.scores.values()), dtype=np.float32)
        return [rank(list(self.scores), values, depth) for _ in queries]

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """Scores of given documents."""
        return [
            np.array([self.scores.get(id, -np.inf) for id in ids], dtype=np.float32) for ids in candidates
        ]


@given(rankings, rankings)
def test_reciprocal_rank_fusion_is_its_formula(first: dict[str, float], second: dict[str, float]) -> None:
    """The sum over parts of 1 / (60 + rank), ranks by the ranking order, ties by id."""
    fused = Fusion([Fixed(first), Fixed(second)], reciprocal_rank(60.0), {}).search(QUERY, 20)[0]
    expected: dict[str, float] = {}
    for scores in (first, second):
        for place, id in enumerate(sorted(scores, key=lambda id: (-scores[id], id)), start=1):
            expected[id] = expected.get(id, 0) + 1 / (60 + place)
    assert dict(zip(fused.ids, fused.scores.tolist(), strict=True)) == pytest.approx(expected)


@given(rankings, rankings, st.floats(0.1, 0.9))
def test_weighted_sums_lie_between_zero_and_the_weights(
    first: dict[str, float], second: dict[str, float], weight: float
) -> None:
    """Min-max scaling within each part: the best of a part has 1, the last 0, strangers 0."""
    fused = Fusion([Fixed(first), Fixed(second)], weighted_sum([weight, 1 - weight]), {}).search(QUERY, 20)[0]
    assert set(fused.ids) == set(first) | set(second)
    for id, score in zip(fused.ids, fused.scores.tolist(), strict=True):
        expected = 0.0
        for share, scores in ((weight, first), (1 - weight, second)):
            if id in scores:
                low, high = min(scores.values()), max(scores.values())
                expected += share * ((scores[id] - low) / (high - low) if high > low else 1.0)
        assert score == pytest.approx(expected, abs=1e-6)


@given(rankings)
def test_fusing_one_ranking_with_itself_keeps_its_order(scores: dict[str, float]) -> None:
    """Nothing new, nothing moved."""
    part = Fixed(scores)
    alone = part.search(QUERY, 20)[0]
    assert Fusion([part, part], reciprocal_rank(60.0), {}).search(QUERY, 20)[0].ids == alone.ids


@given(rankings, rankings, st.integers(1, 8))
def test_re_ranking_reorders_the_candidates_and_adds_none(
    first: dict[str, float], second: dict[str, float], depth: int
) -> None:
    """The first stage's best, in the order of the second's scores; unknown documents go last."""
    found = Reranking(Fixed(first), Fixed(second), depth).search(QUERY, 20)[0]
    candidates = Fixed(first).search(QUERY, depth)[0].ids
    assert found.ids == sorted(candidates, key=lambda id: (-second.get(id, -np.inf), id))


def test_compositions_are_built_from_specs() -> None:
    """A spec becomes the parts it names; what cannot score cannot re-rank."""
    fused = resolve(parse("wsum(0.3*bm25:flat,0.7*rrf(bm25:tuned,lsa))"), Setting())
    assert isinstance(fused, Fusion)
    assert fused.protocol["weights"] == [0.3, 0.7]
    with pytest.raises(UsageError, match="cannot score given documents"):
        resolve(parse("rerank(bm25:flat,rrf(bm25:flat,lsa))"), Setting())
    with pytest.raises(UsageError, match="brings its own index"):
        resolve(parse("bm25:flat@HNSW32"), Setting())


@given(rankings, rankings, st.floats(0.01, 2))
def test_a_raw_sum_gives_what_was_not_found_the_lowest_score(
    left: dict[str, float], right: dict[str, float], weight: float
) -> None:
    """TCT-ColBERT's hybrid: alpha times one score plus the other, missing ones the minimum of their list."""
    [found] = Fusion([Fixed(left), Fixed(right)], raw_sum([weight, 1.0]), {}).search(QUERY, 100)
    expected = {
        id: weight * left.get(id, min(left.values(), default=0.0))
        + right.get(id, min(right.values(), default=0.0))
        for id in left.keys() | right.keys()
    }
    assert set(found.ids) == set(expected)
    for id, score in zip(found.ids, found.scores, strict=True):
        assert score == pytest.approx(expected[id], abs=1e-5)


@given(st.integers(1, 8), st.floats(0.1, 2))
def test_a_union_scores_every_document_with_every_part(depth: int, weight: float) -> None:
    """DPR's hybrid: BM25 + lambda sim over the union of the best, whoever found a document."""
    left = {id: float(score) for score, id in enumerate("abcdefgh")}
    right = {id: float((score * 5) % 8) for score, id in enumerate("abcdefgh")}
    [found] = Union([Fixed(left), Fixed(right)], [1.0, weight], depth).search(QUERY, 100)
    best = {id for part in (left, right) for id in sorted(part, key=lambda id: -part[id])[:depth]}
    expected = rank(
        sorted(best), np.array([left[id] + weight * right[id] for id in sorted(best)], dtype=np.float32)
    )
    assert found.ids == expected.ids
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)


def test_a_union_needs_parts_that_can_score() -> None:
    """A fusion cannot score given documents; it is named."""
    with pytest.raises(UsageError, match=r"rrf\(bm25,lsa\) cannot score given documents"):
        resolve(parse("union(1*bm25,2*rrf(bm25,lsa))"), Setting())


def test_a_sum_searches_its_parts_deep(tmp_path: Path) -> None:
    """Each part to `depth`, however few are asked for: the lowest score of a list depends on it."""
    depths = []

    class Deep(Fixed):
        """Notes how deep it was searched."""

        def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
            """As it is."""
            depths.append(depth)
            return super().search(queries, depth)

    Fusion([Deep({"a": 1.0}), Deep({"b": 1.0})], raw_sum([1, 1]), {}, 1000).search(QUERY, 10)
    assert depths == [1000, 1000]
