"""The test of one comparison: a mean difference over several collections, paired query by query.

The statistic is the mean over collections of the mean difference over their queries, so that a collection of many
queries counts no more than one of few. The paired randomisation test exchanges the two systems within each query
(Smucker, Allan and Carterette, CIKM 2007); the interval is a bootstrap within each collection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.significance import randomisation_p_value, resampled_means

DETECTED = 1.959964 + 0.841621
"""Standard errors that a difference must have to be found in four of five tests at the 5 % level."""


@dataclass(frozen=True)
class Tested:
    """A difference, its two-sided p-value, its 95 % interval, and the smallest that four of five such tests would find."""

    difference: float
    p_value: float
    interval: tuple[float, float]
    detectable: float
    queries: int


def examined(strata: Sequence[NDArray[np.float64]], below: float = 0.0) -> Tested:
    """The difference whose parts per query are `strata`, one array [queries] a collection, against `below`.

    `p_value` is that of the difference being `below`; the other figures are of the difference itself. The same
    strata give the same figures.
    """
    weights = [1 / (len(strata) * len(stratum)) for stratum in strata]
    generator = np.random.default_rng(0)
    moved = np.concatenate(
        [weight * (stratum - below) for weight, stratum in zip(weights, strata, strict=True)]
    )
    p_value = randomisation_p_value(moved, generator)
    means = np.mean([resampled_means(stratum, generator) for stratum in strata], axis=0)
    low, high = np.quantile(means, [0.025, 0.975])
    return Tested(
        difference=float(np.mean([stratum.mean() for stratum in strata])),
        p_value=p_value,
        interval=(float(low), float(high)),
        detectable=DETECTED * standard_error(strata),
        queries=sum(map(len, strata)),
    )


def standard_error(strata: Sequence[NDArray[np.float64]]) -> float:
    """That of the mean over strata; infinite for a stratum of one query."""
    if min(map(len, strata)) < 2:
        return math.inf
    variance = sum(float(stratum.var(ddof=1)) / len(stratum) for stratum in strata)
    return math.sqrt(variance) / len(strata)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted so that of all tests together one in twenty errs (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order.tolist()):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
