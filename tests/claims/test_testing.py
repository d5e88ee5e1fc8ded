"""The test of a difference: calibrated, as powerful as it says, and scipy's where there is one collection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.claims.testing import examined, holm, standard_error


def test_one_collection_is_scipys_permutation_test() -> None:
    """The paired randomisation of ten queries, against all 1,024 assignments of signs."""
    rng = np.random.default_rng(3)
    difference = rng.normal(0.3, 0.5, size=10)
    exact = stats.permutation_test(
        (difference, np.zeros(10)), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples",
        n_resamples=np.inf,
    )  # fmt: skip
    found = examined([difference])
    assert found.p_value == pytest.approx(exact.pvalue, abs=0.012)
    assert found.difference == pytest.approx(difference.mean())
    assert found.queries == 10


def test_collections_count_alike_whatever_their_queries() -> None:
    """A difference of 1 in a large collection and of 0 in a small one is one half."""
    found = examined([np.ones(1000), np.zeros(5)])
    assert found.difference == pytest.approx(0.5)


def test_without_a_difference_one_in_twenty_is_called() -> None:
    """500 pairs of two collections of unequal size and spread: at most 6 % have p < 0.05, and the interval misses as rarely."""
    rng = np.random.default_rng(0)
    called = missed = 0
    for _ in range(500):
        strata = [rng.laplace(0, 0.3, size=50), rng.normal(0, 0.1, size=300)]
        found = examined(strata)
        called += found.p_value < 0.05
        missed += not found.interval[0] <= 0 <= found.interval[1]
    assert called / 500 <= 0.06
    assert missed / 500 <= 0.085


def test_the_detectable_difference_is_found_in_four_of_five() -> None:
    """Where the true difference is as large as is said to be detectable, 80 % of tests find it, within 5 points."""
    rng = np.random.default_rng(1)
    spread = [0.3, 0.2]
    sizes = [60, 120]
    true = 2.801585 * float(np.sqrt(sum(s**2 / n for s, n in zip(spread, sizes, strict=True)))) / 2
    found, said = 0, []
    for _ in range(400):
        one = examined([rng.normal(true, s, size=n) for s, n in zip(spread, sizes, strict=True)])
        found += one.p_value < 0.05
        said.append(one.detectable)
    assert found / 400 == pytest.approx(0.8, abs=0.05)
    assert np.mean(said) == pytest.approx(true, rel=0.03)


def test_a_bound_is_tested_where_it_lies() -> None:
    """A difference that is surely below the margin is far from it; one at the margin is not."""
    rng = np.random.default_rng(2)
    surely = examined([rng.normal(0.0, 0.02, size=200)], below=0.01)
    hardly = examined([rng.normal(0.01, 0.02, size=200)], below=0.01)
    assert surely.p_value < 0.001
    assert hardly.p_value > 0.05
    assert surely.difference < 0.01


def test_one_query_has_no_error() -> None:
    """Or an infinite one: nothing can be detected."""
    assert standard_error([np.ones(1)]) == np.inf


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8, unique=True))
def test_holms_p_values_are_those_of_the_definition(p_values: list[float]) -> None:
    """The largest, over all p-values no larger, of (how many are no smaller) times it; at most 1."""
    expected = [
        min(1.0, max(sum(other >= p for other in p_values) * p for p in p_values if p <= one))
        for one in p_values
    ]
    assert holm(p_values) == pytest.approx(expected)


def test_equal_p_values_stay_equal() -> None:
    """However Holm's procedure orders them."""
    assert holm([0.02, 0.5, 0.02]) == pytest.approx([0.06, 0.5, 0.06])
