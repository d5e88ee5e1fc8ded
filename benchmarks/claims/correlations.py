"""The test of a difference between two rank correlations with the same judgments, over several collections.

Sentence pairs have one correlation a collection, and nothing per query to exchange. Meng, Rosenthal and Rubin 1992
(Comparing Correlated Correlation Coefficients, equation 1) test two correlations that share one variable by Fisher's z;
for ranks its variance is 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957). Its error, brought back to the scale of
correlations, is that of each collection's difference; what is tested is their mean.
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
    differences = [one.better - one.worse for one in strata]
    difference = float(np.mean(differences))
    spread = math.sqrt(sum(_error(one) ** 2 for one in strata)) / len(strata)
    return Tested(
        difference=difference,
        p_value=float(2 * stats.norm.sf(abs(difference - below) / spread)),
        interval=(difference - 1.959964 * spread, difference + 1.959964 * spread),
        detectable=DETECTED * spread,
        queries=sum(one.pairs for one in strata),
    )


def _error(one: Correlations) -> float:
    """The standard error of the difference: that of the two z, brought back to correlations."""
    square = (one.better**2 + one.worse**2) / 2
    # Two runs that rank alike differ by nothing; rounding must not make that an error of nothing.
    apart = max(1 - one.between, 1e-9)
    factor = min(1.0, apart / (2 * (1 - square)))
    h = (1 - factor * square) / (1 - square)
    return math.sqrt(2 * apart * h * _RANKS / (one.pairs - 3)) * (1 - square)
