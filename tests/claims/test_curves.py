"""Curves of training as evidence: paired by how much of the training is done, tested stretch by stretch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.claims.claim import LOGARITHMS, VALUES
from benchmarks.claims.curves import curve_differences
from benchmarks.claims.testing import examined
from benchmarks.errors import EvaluationError
from benchmarks.protocol import Protocol
from benchmarks.records.record import Record


def record(values: list[float], seed: int = 0) -> Record:
    """With a curve named `norm`, a point every other step."""
    curve = [[2 * place, value] for place, value in enumerate(values, start=1)]
    return Record(
        "x:y", "synthetic/tiny", "lab", Protocol({}, {}, {}), {}, {}, {}, {}, seed, "0" * 64,
        training={"curves": {"norm": curve}},
    )  # fmt: skip


def test_stretches_are_means_of_equal_shares() -> None:
    """Whatever the number of points of each; seeds are averaged."""
    long, short = record([float(n // 5) for n in range(50)]), record([float(n) for n in range(10)])
    np.testing.assert_allclose(curve_differences([long], [short], "norm", VALUES), np.zeros(10))
    higher = curve_differences(
        [long, record([float(n // 5) + 2 for n in range(50)], 1)], [short], "norm", VALUES
    )
    np.testing.assert_allclose(higher, np.ones(10))


def test_logarithms_speak_of_ratios() -> None:
    """Ten times as much is one, at each stretch; what is not positive has none."""
    found = curve_differences([record([10.0, 20.0] * 5)], [record([1.0, 2.0] * 5)], "norm", LOGARITHMS)
    np.testing.assert_allclose(found, np.ones(10))
    with pytest.raises(EvaluationError, match="is not positive"):
        curve_differences([record([0.0] * 10)], [record([1.0] * 10)], "norm", LOGARITHMS)
    with pytest.raises(EvaluationError, match="9 points; a test wants 10"):
        curve_differences([record([1.0] * 9)], [record([1.0] * 10)], "norm", VALUES)


def test_it_is_the_exact_test_of_ten_pairs() -> None:
    """scipy's, over all 1,024 signs."""
    rng = np.random.default_rng(4)
    values = rng.normal(0.2, 0.4, size=10)
    exact = stats.permutation_test(
        (values, np.zeros(10)), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples",
        n_resamples=np.inf,
    )  # fmt: skip
    assert examined([values]).p_value == pytest.approx(exact.pvalue, abs=0.012)
