"""Which of a column cannot be told from its best: paired randomisation tests over queries, Holm over the column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.claims.testing import holm
from benchmarks.records.record import Record

LEVEL = 0.05
BEST, TIED = "best", "tied"
PValue = Callable[[Record, Record, str], float]
"""Of two records and a measure: `Board.p_value`."""
LEGEND = (
    "Of a collection's main measure the best is bold, and ≈ marks what is not separable from it (paired randomisation over "
    "queries at 5 %, Holm over the column). A variant with † reads the judgments, and competes with none."
)


def standing(column: Sequence[Record], measure: str, p_value: PValue) -> dict[str, str]:
    """By spec, whether a record is the column's best, or not separable from it; others are left out.

    Nothing for fewer than two records, and for a measure that is one number a record; records of other queries
    than the best's are not compared.
    """
    having = [record for record in column if len(record.scores.get(measure, ())) > 1]
    if len(having) < 2:
        return {}
    best = max(having, key=lambda record: (record.means[measure], record.spec))
    queries = best.scores[measure].keys()
    others = [one for one in having if one is not best and one.scores[measure].keys() == queries]
    adjusted = holm([p_value(best, one, measure) for one in others])
    tied = (one.spec for one, p in zip(others, adjusted, strict=True) if p >= LEVEL)
    return {best.spec: BEST, **dict.fromkeys(tied, TIED)}
