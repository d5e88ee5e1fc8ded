"""The gate: declared cells measured afresh and set against what was accepted.

Afresh means with indexes built anew, in a folder that is emptied first. What the gate could not measure, or has nothing
accepted to compare with, has not passed; a gate that compared nothing fails.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.collections.collection import open_collection
from benchmarks.environment import describe
from benchmarks.errors import BenchError, RecordError
from benchmarks.grid import run_grid
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.registry import trained_leaves
from benchmarks.regressions import timing
from benchmarks.regressions.quality import Change, Side, compared
from benchmarks.runner import Bench
from benchmarks.spec import parse
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache
from benchmarks.suites import Cell


@dataclass
class Gate:
    """What became of the cells: changes, timings, and why something was not compared. `untimed` says why no timing was."""

    changes: dict[Cell, Change] = field(default_factory=dict)
    shifts: dict[Cell, list[timing.Shift]] = field(default_factory=dict)
    unmeasured: dict[Cell, str] = field(default_factory=dict)
    untimed: dict[Cell, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether something was compared, and nothing is left to explain."""
        return bool(self.changes) and not (self.moved or self.unmeasured)

    @property
    def moved(self) -> list[Cell]:
        """The cells of which something has to be explained."""
        called = {cell for cell, found in self.shifts.items() if any(one.called for one in found)}
        return [cell for cell, change in self.changes.items() if not change.passes or cell in called]


def run_gate(
    cells: Sequence[Cell], accepted: Store, folder: Path, timings: Store | None, progress: Progress
) -> Gate:
    """Measure the cells in `folder`, and compare; of `timings` the rounds that were accepted, or none are made.

    The fresh records, runs and timings stay in `folder`/results, for `accept`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    bench = Bench(
        Cache(folder / "cache"), Store(folder / "results"), efficiency=False, fresh=True, progress=progress
    )
    outcome = run_grid(cells, bench)
    gate = Gate(unmeasured={**outcome.not_run, **outcome.failed})
    # A record does not tell where a folder lies: the cell does.
    done = [id for spec, id in cells if (spec, id) not in gate.unmeasured]
    measured = list(zip(done, outcome.records, strict=True))
    for id, record in measured:
        cell = (record.spec, record.collection)
        try:
            gate.changes[cell] = _compared(record, id, accepted, bench)
        except BenchError as error:
            gate.unmeasured[cell] = str(error)
    if timings is not None:
        _time(measured, timings, bench, gate)
    return gate


def _compared(record: Record, collection: str, accepted: Store, bench: Bench) -> Change:
    before = accepted.find(record.spec, record.collection, record.seed)
    if before is None:
        raise RecordError("nothing was accepted yet; `retriever-bench accept` takes this measurement")
    seeds = accepted.seeds(record.spec, record.collection) if trained_leaves(parse(record.spec)) else []
    judgments = open_collection(collection, bench.cache).judgments()
    return compared(
        Side(before, accepted.run(before)), Side(record, bench.store.run(record)), judgments, seeds
    )


def _time(measured: Sequence[tuple[str, Record]], accepted: Store, bench: Bench, gate: Gate) -> None:
    """Rounds over all cells in turn, so that a slow minute falls on all of them."""
    rounds: dict[Cell, list[timing.Round]] = {}
    for number in range(timing.ROUNDS):
        bench.progress.say(f"timing, round {number + 1} of {timing.ROUNDS}")
        for id, record in measured:
            setting = Setting(seed=record.seed, generations=bench.store.generations)
            depth = record.protocol.evaluation["depth"]
            once = timing.one_round(record.spec, id, depth, setting, bench.cache.root)
            rounds.setdefault((record.spec, record.collection), []).append(once)
    machine = describe()["machine"]
    for cell, found in rounds.items():
        write_json(bench.store.timing_path(*cell), timing.to_json(machine, found))
        path = accepted.timing_path(*cell)
        where, before = timing.from_json(json.loads(path.read_text("utf-8"))) if path.exists() else ("", [])
        if not before:
            gate.untimed[cell] = "no timing was accepted yet"
        elif where != machine:
            gate.untimed[cell] = f"the accepted timing is of another machine ({where})"
        else:
            gate.shifts[cell] = timing.shifts(before, found)
