"""Do scores follow gold similarities? Spearman's and Pearson's correlation, as the STS tasks report them.

The one place where scores themselves are looked at, and not ranks alone: Pearson's correlation is about
them, and in Spearman's equal scores share the average of their ranks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Ranking


@dataclass(frozen=True)
class Correlation:
    """`Spearman` or `Pearson`, over all judged items of one ranking."""

    name: str

    def score(self, ranking: Ranking, judged: Mapping[str, float], _hits: Sequence[bool]) -> float:
        """The correlation of the ranking's float32 scores with the grades, from -1 to 1.

        Raises `EvaluationError` unless every judged item has a score and neither side is constant.
        """
        from scipy import stats

        if set(ranking.ids) != judged.keys():
            raise EvaluationError(
                f"{len(ranking.ids)} pairs are scored and {len(judged)} judged; a correlation needs them all"
            )
        scores = ranking.scores.astype(np.float64)
        gold = np.array([judged[id] for id in ranking.ids], dtype=np.float64)
        if np.ptp(scores) == 0 or np.ptp(gold) == 0:
            raise EvaluationError(f"{self.name}: all pairs are equally alike; a correlation is not defined")
        test = stats.spearmanr if self.name == "Spearman" else stats.pearsonr
        return float(test(scores, gold).statistic)
