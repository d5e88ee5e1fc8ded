"""The test of a difference between two rank correlations with the same judgments, over several collections.

Sentence pairs have one correlation a collection, and nothing per query to exchange. Meng, Rosenthal and Rubin 1992
(Comparing Correlated Correlation Coefficients, equation 1) test two correlations that share one variable by Fisher's z;
for ranks its variance is 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957). The collections' z are added, each counting alike
(Stouffer).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.claims.testing import DETECTED, Tested
from benchmarks.interfaces import Run

_RANKS = 1.06


@dataclass(frozen=True)
class Correlations:
    """Of one collection: each side's correlation with the judgments, theirs with one another, and how many pairs."""

    better: float
    worse: float
    between: float
    pairs: int


def between(better: Run, worse: Run) -> tuple[float, int]:
    """The rank correlation of the scores that two runs give to the same pairs, and how many these are."""
    scores = [
        {
            (query, id): score
            for query, ranking in run.items()
            for id, score in zip(ranking.ids, ranking.scores.tolist(), strict=True)
        }
        for run in (better, worse)
    ]
    pairs = sorted(scores[0].keys() & scores[1].keys())
    both = [[side[pair] for pair in pairs] for side in scores]
    return float(stats.spearmanr(*both).statistic), len(pairs)


def examined_correlations(strata: Sequence[Correlations], below: float = 0.0) -> Tested:
    """The mean difference of correlations over collections, against `below`."""
    errors = [_error(one) for one in strata]
    # In Fisher's z a limit on the difference stands where the better side's correlation would be that much less.
    z = [
        (math.atanh(one.better - below) - math.atanh(one.worse)) / error
        for one, (error, _) in zip(strata, errors, strict=True)
    ]
    difference = float(np.mean([one.better - one.worse for one in strata]))
    spread = math.sqrt(sum(error**2 for _, error in errors)) / len(strata)
    return Tested(
        difference=difference,
        p_value=float(2 * stats.norm.sf(abs(sum(z)) / math.sqrt(len(z)))),
        interval=(difference - 1.959964 * spread, difference + 1.959964 * spread),
        detectable=DETECTED * spread,
        queries=sum(one.pairs for one in strata),
    )


def _error(one: Correlations) -> tuple[float, float]:
    """The standard errors of the difference: of the two z, and of the two correlations."""
    square = (one.better**2 + one.worse**2) / 2
    # Two runs that rank alike differ by nothing; rounding must not make that an error of nothing.
    apart = max(1 - one.between, 1e-9)
    factor = min(1.0, apart / (2 * (1 - square)))
    h = (1 - factor * square) / (1 - square)
    error = math.sqrt(2 * apart * h * _RANKS / (one.pairs - 3))
    return error, error * (1 - square)
