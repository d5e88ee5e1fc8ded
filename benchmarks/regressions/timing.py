"""How long a search takes, in units of a calibration: rounds of fresh processes, interleaved over the cells.

Single queries on one thread; what they take is divided by what a fixed piece of work takes in the same process, between
one query and the next, so that a slow hour of a machine is not taken for a slow search. A change is called when
rounds before and after are told apart by a permutation test, and their medians differ by more than `FACTOR`, up or down:
a gain that nobody can explain is a defect too.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.efficiency.probe import THREAD_VARIABLES
from benchmarks.errors import BenchError
from benchmarks.interfaces import Setting

ROUNDS = 5
FACTOR = 1.2
"""Of the medians' ratio; for memory `MEMORY_FACTOR`."""
MEMORY_FACTOR = 1.15
LEVEL = 0.01
_SMALL = 32 << 20
"""Bytes, below which a change of memory says nothing."""


@dataclass(frozen=True)
class Round:
    """One process: the median search in milliseconds, the calibration in milliseconds, and the peak of memory."""

    search_ms: float
    calibration_ms: float
    peak_bytes: int

    @property
    def units(self) -> float:
        """Searches as multiples of the calibration."""
        return self.search_ms / self.calibration_ms


@dataclass(frozen=True)
class Shift:
    """Of what, before and after as medians, and whether it is called."""

    what: str
    before: float
    after: float
    p_value: float
    called: bool

    @property
    def ratio(self) -> float:
        """After to before."""
        return self.after / self.before if self.before else math.inf


def one_round(spec: str, collection: str, depth: int, setting: Setting, cache: Path) -> Round:
    """Time a cell in a process of its own. Raises `BenchError` where it cannot be."""
    task = {
        "spec": spec, "collection": collection, "depth": depth, "cache": str(cache), "seed": setting.seed,
        "generations": str(setting.generations),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.regressions.round"], input=json.dumps(task), capture_output=True, text=True,
        env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")}, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BenchError(f"timing {spec} on {collection} failed: {last}")
    return Round(**json.loads(done.stdout.splitlines()[-1]))


def shifts(before: Sequence[Round], after: Sequence[Round]) -> list[Shift]:
    """What became slower or faster, and what takes more or less memory; also what did not."""
    searches = ([one.units for one in side] for side in (before, after))
    memory = ([float(max(one.peak_bytes, _SMALL)) for one in side] for side in (before, after))
    return [_shift("search", FACTOR, *searches), _shift("memory", MEMORY_FACTOR, *memory)]


def _shift(what: str, factor: float, before: Sequence[float], after: Sequence[float]) -> Shift:
    middle = (median(before), median(after))
    ratio = middle[1] / middle[0]
    p_value = permutation_p_value(before, after)
    called = p_value < LEVEL and max(ratio, 1 / ratio) > factor
    return Shift(what, *middle, p_value, called)


def permutation_p_value(before: Sequence[float], after: Sequence[float]) -> float:
    """Two-sided: how many ways to name these rounds give a difference of mean logarithms as large."""
    logs = [math.log(value) for value in (*before, *after)]
    observed = abs(fmean(logs[: len(before)]) - fmean(logs[len(before) :]))
    total, extreme, count = sum(logs), 0, 0
    for chosen in itertools.combinations(range(len(logs)), len(before)):
        first = sum(logs[place] for place in chosen)
        difference = abs(first / len(before) - (total - first) / len(after))
        extreme += difference >= observed - 1e-12
        count += 1
    return extreme / count


def to_json(machine: str, rounds: Sequence[Round]) -> dict[str, Any]:
    """What is accepted of a cell's timing: the rounds, and on what machine they were."""
    return {"machine": machine, "rounds": [asdict(one) for one in rounds]}


def from_json(value: Mapping[str, Any]) -> tuple[str, list[Round]]:
    """The inverse."""
    return value["machine"], [Round(**one) for one in value["rounds"]]
