"""Why a run may have changed: what the two protocols say, what the two environments say, and what the runs themselves show."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.environment import without_date
from benchmarks.interfaces import Run
from benchmarks.protocol import changes
from benchmarks.records.record import Record

_MOST = 6


def likely_causes(before: Record, after: Record, old: Run, new: Run) -> list[str]:
    """In words, the most telling first; never none."""
    found = [*_declared(before, after), *_shown(old, new)]
    if not found and (
        elsewhere := changes(without_date(before.environment), without_date(after.environment))
    ):
        named = _values(elsewhere)
        found = [f"the protocol is as it was, the environment is not: {named}"]
    return found or ["protocol and environment are as they were: the code has changed, or what it stored"]


def _declared(before: Record, after: Record) -> Iterator[str]:
    for section in ("collection", "retrieval", "evaluation"):
        moved = changes(getattr(before.protocol, section), getattr(after.protocol, section))
        if moved:
            yield f"the protocol's {section} differs: {_values(moved)}"


def _values(moved: list[tuple[str, object, object]]) -> str:
    shown = [f"{name} was {_short(old)}, is {_short(new)}" for name, old, new in moved[:_MOST]]
    left = len(moved) - _MOST
    return "; ".join([*shown, *([f"and {left} more"] if left > 0 else [])])


def _short(value: object) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _shown(old: Run, new: Run) -> Iterator[str]:
    """What the runs tell of a cause that no protocol does."""
    both = [id for id in old if id in new]
    itself = sum(id in new[id].ids and id not in old[id].ids for id in both)
    if itself:
        yield f"{itself} queries now find themselves: the self-match rule"
    if both and _float16(new) and not _float16(old):
        yield "all scores have become float16"
    changed = [id for id in both if old[id].ids != new[id].ids]
    displaced = [
        id for id in changed
        if len(old[id].ids) == len(new[id].ids) and np.allclose(old[id].scores, new[id].scores, rtol=1e-5, atol=1e-6)
    ]  # fmt: skip
    if 2 * len(displaced) > len(both):
        yield f"{len(displaced)} queries have their scores at each rank, under other ids: vectors and ids are out of step"


def _float16(run: Run) -> bool:
    scores = [ranking.scores for ranking in run.values() if len(ranking.ids)]
    return bool(scores) and all(bool(np.all(one == one.astype(np.float16))) for one in scores)
