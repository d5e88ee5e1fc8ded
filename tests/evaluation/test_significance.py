"""Paired tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.significance import compare, randomisation_p_value


@pytest.mark.parametrize("effect", [0.0, 0.02, 0.05])
def test_p_values_agree_with_scipy(effect: float) -> None:
    """The same as scipy's paired permutation test, within the error of 10,000 draws."""
    generator = np.random.default_rng(4)
    difference = generator.normal(effect, 0.2, size=80)
    theirs = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(5)
    ).pvalue
    assert randomisation_p_value(difference, np.random.default_rng(6)) == pytest.approx(theirs, abs=0.02)


def test_the_test_is_calibrated() -> None:
    """Without a difference at most 8 of 100 pairs are called at 0.05 (binomial, three standard errors of 200)."""
    generator = np.random.default_rng(0)
    called = sum(
        randomisation_p_value(generator.normal(0, 1, 40), np.random.default_rng(seed)) < 0.05
        for seed in range(200)
    )
    assert called <= 19


def test_a_comparison_counts_wins_and_covers_the_mean() -> None:
    """Difference, wins, losses and an interval around the difference."""
    a = {f"q{i}": 0.1 * (i % 3) for i in range(30)}
    b = {query: score + (0.1 if query != "q3" else -0.1) for query, score in a.items()}
    result = compare(a, b)
    assert (result.wins, result.losses, result.queries) == (29, 1, 30)
    assert result.interval[0] < result.difference < result.interval[1]
    assert result.p_value < 0.001
    assert compare(a, b) == result


def test_equal_runs_are_not_different() -> None:
    """p is 1 when nothing differs."""
    scores = {f"q{i}": float(i) for i in range(10)}
    assert compare(scores, scores).p_value == 1.0


def test_other_queries_cannot_be_compared() -> None:
    """Pairs are needed."""
    with pytest.raises(EvaluationError, match="same queries"):
        compare({"a": 1.0}, {"b": 1.0})
    with pytest.raises(EvaluationError, match="no queries"):
        compare({}, {})
