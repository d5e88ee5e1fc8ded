"""The one ranking order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.ranking import rank, ranking_order, without

ids_and_scores = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6), st.integers(-3, 3)
    ),
    unique_by=lambda pair: pair[0],
)


@given(ids_and_scores, st.integers(0, 8))
def test_rank_is_sorting_by_score_then_id(pairs: list[tuple[str, int]], depth: int) -> None:
    """Score descending, id ascending, by code point: what Python's own sort says, ties and all."""
    expected = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:depth]
    ranking = rank([id for id, _ in pairs], np.array([score for _, score in pairs], dtype=np.float32), depth)
    assert ranking.ids == [id for id, _ in expected]
    assert ranking.scores.tolist() == [score for _, score in expected]


@given(ids_and_scores, st.randoms())
def test_the_order_of_the_input_does_not_matter(pairs: list[tuple[str, int]], random: object) -> None:
    """Any permutation of the same documents is the same ranking."""
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = (
        rank([i for i, _ in p], np.array([s for _, s in p], dtype=np.float32)) for p in (pairs, shuffled)
    )
    assert first.ids == second.ids


def test_half_precision_is_refused() -> None:
    """float16 makes ties that are none."""
    with pytest.raises(EvaluationError, match="float32 or wider"):
        ranking_order(np.zeros(3, dtype=np.float16), np.arange(3))


@pytest.mark.parametrize("scores", [[1.0, np.nan], [np.nan], [3.0, 2.0, np.nan, 1.0]])
def test_not_a_number_is_refused(scores: list[float]) -> None:
    """NaN has no place in an order, wherever it stands."""
    with pytest.raises(EvaluationError, match="not a number"):
        rank([str(i) for i in range(len(scores))], np.array(scores, dtype=np.float32))


def test_the_query_itself_is_dropped_and_the_depth_kept() -> None:
    """The self-match rule: one more is retrieved, the query's own document goes, the rest moves up."""
    ranking = rank(["a", "q", "b", "c"], np.array([4, 3, 2, 1], dtype=np.float32))
    assert without(ranking, "q", 3).ids == ["a", "b", "c"]
    assert without(ranking, "z", 3).ids == ["a", "q", "b"]
    assert without(ranking, "q", 3).scores.tolist() == [4, 2, 1]
