"""Two correlations with the same judgments: calibrated, powerful as said, and blind to nothing but the order."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmarks.claims.correlations import Correlations, between, examined_correlations
from benchmarks.evaluation.ranking import rank

Floats = NDArray[np.float64]


def drawn(rng: np.random.Generator, pairs: int, better: float, worse: float, shared: float) -> Correlations:
    """Two systems that see the truth through noise of which they share some."""
    truth, common = rng.normal(size=pairs), rng.normal(size=pairs)
    sides = [
        truth + (1 / signal) * (np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=pairs))
        for signal in (better, worse)
    ]
    left, right = (float(stats.spearmanr(truth, side).statistic) for side in sides)
    return Correlations(left, right, float(stats.spearmanr(*sides).statistic), pairs)


def test_without_a_difference_one_in_twenty_is_called() -> None:
    """500 times two collections: at most 6 %, and not far fewer."""
    rng = np.random.default_rng(0)
    called = sum(
        examined_correlations([drawn(rng, 300, 1.2, 1.2, 0.6), drawn(rng, 800, 0.7, 0.7, 0.3)]).p_value < 0.05
        for _ in range(500)
    )
    assert 0.02 <= called / 500 <= 0.06


def test_the_detectable_difference_is_found_in_four_of_five() -> None:
    """Within five points, where the true difference is what is said."""
    rng = np.random.default_rng(1)
    found = [examined_correlations([drawn(rng, 400, 1.3, 1.115, 0.6)]) for _ in range(400)]
    true = float(np.mean([one.difference for one in found]))
    said = float(np.mean([one.detectable for one in found]))
    power = float(np.mean([one.p_value < 0.05 for one in found]))
    expected = float(stats.norm.sf(1.959964 - 2.801585 * true / said))
    assert power == pytest.approx(expected, abs=0.05)
    inside = np.mean([one.interval[0] <= true <= one.interval[1] for one in found])
    assert inside == pytest.approx(0.95, abs=0.03)


def test_the_correlation_between_two_runs_is_over_all_their_pairs() -> None:
    """In whatever order they lie."""
    rng = np.random.default_rng(2)
    ids = [f"p{n}" for n in range(50)]
    scores = rng.normal(size=(2, 50)).astype(np.float32)
    runs = [{"all": rank(ids, row)} for row in scores]
    found, pairs = between(*runs)
    assert found == pytest.approx(stats.spearmanr(*scores).statistic)
    assert pairs == 50


def test_sign_and_p_value_are_of_one_statistic() -> None:
    """A large uncertain difference and small certain ones the other way: what is said is of their mean, interval and all."""
    found = examined_correlations(
        [Correlations(0.75, 0.50, 0.6, 60), *[Correlations(0.70, 0.74, 0.9, 3000)] * 3]
    )
    assert found.difference == pytest.approx(0.0325)
    assert found.interval[0] < 0 < found.interval[1]
    assert found.p_value > 0.05


def test_a_bound_is_tested_where_it_lies() -> None:
    """Equal systems that rank nearly alike differ by less than a hundredth, surely; by less than nothing they do not."""
    alike = [Correlations(0.7, 0.7, 0.999, 2000)]
    assert examined_correlations(alike, below=0.01).p_value < 0.001
    assert examined_correlations(alike).p_value == pytest.approx(1.0)
