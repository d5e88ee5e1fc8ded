"""What moved between the accepted record of a cell and a fresh one, query by query.

A retriever gives the same run for the same protocol, weights and machine, so that any difference is a change. Two things
excuse one. On another machine, or with other libraries, sums round otherwise: documents whose scores were all but
equal may change places. And a model trained here is another one wherever its sums round otherwise: its mean may lie where
a further seed's would, as far as several accepted seeds tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from scipy import stats

from benchmarks.environment import without_date
from benchmarks.interfaces import FloatArray, Judgments, Ranking, Run
from benchmarks.records.record import Record
from benchmarks.regressions.causes import likely_causes

UNCHANGED, ROUNDING, NOISE, CHANGED = "unchanged", "rounding", "noise of seeds", "changed"
PASSING = (UNCHANGED, ROUNDING, NOISE)
SHOWN = 10
_ROUNDING = 1e-5
"""Of a score, what another machine's sums may differ by."""
_LEVEL = 0.95


@dataclass(frozen=True)
class Side:
    """One measurement of a cell."""

    record: Record
    run: Run


@dataclass(frozen=True)
class Moved:
    """A query whose score changed, with the rank of its first relevant document; 0 where none was found."""

    query: str
    before: float
    after: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True)
class Change:
    """What became of a cell: a word, means by measure, how many queries moved by `measure`, and those that moved most."""

    spec: str
    collection: str
    seed: int
    word: str
    before: dict[str, float]
    after: dict[str, float]
    measure: str = ""
    count: int = 0
    moved: tuple[Moved, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether nothing has to be explained. A gain has to be, as a loss."""
        return self.word in PASSING


def compared(accepted: Side, fresh: Side, judgments: Judgments, seeds: Sequence[Record]) -> Change:
    """The change of a cell; `seeds` are the accepted records of the cell with all its seeds, if it is trained here."""
    old, new = accepted.record, fresh.record
    word = _word(accepted, fresh, seeds)
    if word == UNCHANGED:
        return Change(new.spec, new.collection, new.seed, word, old.means, new.means)
    measure, moved = _moved(accepted, fresh, judgments)
    causes = () if word == ROUNDING else tuple(likely_causes(old, new, accepted.run, fresh.run))
    return Change(
        new.spec, new.collection, new.seed, word, old.means, new.means, measure, len(moved), tuple(moved[:SHOWN]), causes
    )  # fmt: skip


def _word(accepted: Side, fresh: Side, seeds: Sequence[Record]) -> str:
    old, new = accepted.record, fresh.record
    same = old.protocol == new.protocol
    if same and (old.run_sha256, old.scores) == (new.run_sha256, new.scores):
        return UNCHANGED
    elsewhere = without_date(old.environment) != without_date(new.environment)
    if same and elsewhere and _equal_but_for_rounding(accepted.run, fresh.run):
        return ROUNDING
    return NOISE if within_noise(new, seeds) else CHANGED


def within_noise(fresh: Record, seeds: Sequence[Record]) -> bool:
    """Whether all means lie in the 95 % prediction interval of one more seed. Three seeds are the fewest that tell."""
    if len(seeds) < 3:
        return False
    return all(_predicted(mean, [one.means[name] for one in seeds]) for name, mean in fresh.means.items())


def _predicted(mean: float, known: Sequence[float]) -> bool:
    count = len(known)
    reach = float(stats.t.ppf((1 + _LEVEL) / 2, count - 1)) * stdev(known) * math.sqrt(1 + 1 / count)
    return abs(mean - fmean(known)) <= reach


def _equal_but_for_rounding(before: Run, after: Run) -> bool:
    return before.keys() == after.keys() and all(_as_rounded(before[id], after[id]) for id in before)


def _as_rounded(before: Ranking, after: Ranking) -> bool:
    """Whether each rank has the score it had, and each document too, but for rounding.

    The last document may be another one of its score.
    """
    if len(before.ids) != len(after.ids) or not _close(before.scores, after.scores):
        return False
    had = dict(zip(before.ids, before.scores.tolist(), strict=True))
    last = float(before.scores[-1]) if before.ids else 0.0
    expected = np.array([had.get(id, last) for id in after.ids], dtype=np.float32)
    return _close(expected, after.scores)


def _close(a: FloatArray, b: FloatArray) -> bool:
    return bool(np.allclose(a, b, rtol=_ROUNDING, atol=_ROUNDING))


def _moved(accepted: Side, fresh: Side, judgments: Judgments) -> tuple[str, list[Moved]]:
    """The first measure that any query moved by, and those queries, the largest moves first."""
    old, new = accepted.record.scores, fresh.record.scores
    for measure in (name for name in new if name in old):
        before, after = old[measure], new[measure]
        queries = sorted(
            (id for id in before.keys() & after.keys() if before[id] != after[id]),
            key=lambda id: (-abs(after[id] - before[id]), after[id] - before[id], id),
        )
        if queries:
            return measure, [
                Moved(id, before[id], after[id], *(_rank(run, id, judgments) for run in (accepted.run, fresh.run)))
                for id in queries
            ]  # fmt: skip
    return "", []


def _rank(run: Run, query: str, judgments: Judgments) -> int:
    relevant = {id for id, grade in judgments.get(query, {}).items() if grade > 0}
    ids = run[query].ids if query in run else []
    return next((place for place, id in enumerate(ids, start=1) if id in relevant), 0)
