"""Is a difference between two retrievers more than luck? Paired tests over queries.

The paired randomisation test (Fisher; for retrieval: Smucker, Allan and Carterette, CIKM 2007)
asks how often the mean difference would be as large if the two names were exchanged at random
within each query. The interval is the percentile bootstrap of the mean difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError

_ROUNDS = 10_000
_BLOCK = 500


@dataclass(frozen=True)
class Comparison:
    """Two retrievers on the same queries: B minus A."""

    queries: int
    mean_a: float
    mean_b: float
    p_value: float
    interval: tuple[float, float]
    wins: int
    losses: int

    @property
    def difference(self) -> float:
        """Mean of B minus mean of A."""
        return self.mean_b - self.mean_a


def compare(a: Mapping[str, float], b: Mapping[str, float], seed: int = 0) -> Comparison:
    """Compare scores per query. Raises `EvaluationError` unless both cover the same queries."""
    if a.keys() != b.keys():
        missing = sorted(a.keys() ^ b.keys())
        raise EvaluationError(
            f"the two do not cover the same queries ({len(missing)} differ, such as {missing[0]!r})"
        )
    if not a:
        raise EvaluationError("there are no queries to compare")
    queries = sorted(a)
    left = np.array([a[query] for query in queries])
    right = np.array([b[query] for query in queries])
    difference = right - left
    generator = np.random.default_rng(seed)
    return Comparison(
        queries=len(queries),
        mean_a=float(left.mean()),
        mean_b=float(right.mean()),
        p_value=randomisation_p_value(difference, generator),
        interval=bootstrap_interval(difference, generator),
        wins=int((difference > 0).sum()),
        losses=int((difference < 0).sum()),
    )


def randomisation_p_value(difference: NDArray[np.float64], generator: np.random.Generator) -> float:
    """Two-sided p-value of `difference` [queries], from 10,000 random sign flips.

    The observed assignment counts as one of them (Davison and Hinkley 1997, section 4.2), so
    that a p-value is never 0.
    """
    observed = abs(difference.sum())
    tolerance = 1e-12 * max(1.0, observed)
    extreme = 0
    for _ in range(_ROUNDS // _BLOCK):
        signs = generator.integers(0, 2, size=(_BLOCK, len(difference)), dtype=np.int8) * 2 - 1
        extreme += int((np.abs(signs @ difference) >= observed - tolerance).sum())
    return (extreme + 1) / (_ROUNDS + 1)


def bootstrap_interval(
    difference: NDArray[np.float64], generator: np.random.Generator, level: float = 0.95
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of `difference` [queries]."""
    low, high = np.quantile(resampled_means(difference, generator), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def resampled_means(difference: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """The means [10,000] of bootstrap samples of `difference` [queries]."""
    drawn = (
        difference[generator.integers(0, len(difference), size=(_BLOCK, len(difference)))].mean(axis=1)
        for _ in range(_ROUNDS // _BLOCK)
    )
    return np.concatenate(list(drawn))
