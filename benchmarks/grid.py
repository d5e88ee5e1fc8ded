"""A whole grid: every cell in turn, what cannot run said in one line, what fails told apart."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field, replace

from benchmarks.collections.collection import check_name
from benchmarks.collections.conventions import missing
from benchmarks.collections.reach import unavailable
from benchmarks.errors import BenchError, Unavailable, UsageError
from benchmarks.records.record import Record
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.suites import Cell, Plan


@dataclass
class Outcome:
    """What became of the cells: records, and a reason for each that has none."""

    records: list[Record] = field(default_factory=list)
    not_run: dict[Cell, str] = field(default_factory=dict)
    failed: dict[Cell, str] = field(default_factory=dict)
    misused: set[Cell] = field(default_factory=set)
    """Those of the failed that nobody could run anywhere."""

    @property
    def useless(self) -> bool:
        """Whether nothing was asked for but what nobody could run anywhere."""
        return bool(self.misused) and self.misused == set(self.failed) and not (self.records or self.not_run)


def run_grid(cells: Sequence[Cell], bench: Bench) -> Outcome:
    """Run every cell. Wrong names end it before it begins (`UsageError`).

    A collection or checkpoint that is not here skips its cells and no others.
    """
    check_names(cells)
    outcome = Outcome()
    lost = _lost({collection for _, collection in cells}, bench)
    outcome.not_run = {cell: lost[cell[1]] for cell in cells if cell[1] in lost}
    left = [cell for cell in cells if cell not in outcome.not_run]
    bench.progress.grid(len(left))
    for spec, collection in left:
        bench.progress.cell(f"{spec} on {collection}")
        try:
            outcome.records.append(run_cell(parse(spec), collection, bench))
        except Unavailable as error:
            outcome.not_run[spec, collection] = str(error)
            bench.progress.say(f"    not run: {error}")
        except BenchError as error:
            outcome.failed[spec, collection] = str(error)
            if isinstance(error, UsageError):
                outcome.misused.add((spec, collection))
            bench.progress.say(f"    failed: {error}")
    return outcome


def run_plan(plan: Plan, bench: Bench) -> dict[int, Outcome]:
    """Run a grid for each seed."""
    outcomes = {}
    for seed, cells in plan.items():
        if len(plan) > 1:
            bench.progress.say(f"seed {seed}")
        outcomes[seed] = run_grid(cells, replace(bench, seed=seed))
    return outcomes


def check_names(cells: Sequence[Cell]) -> None:
    """Raise `UsageError` for a cell that nobody could run anywhere."""
    for spec, collection in cells:
        canonical_spec(parse(spec))
        check_name(collection)


def _lost(collections: Set[str], bench: Bench) -> dict[str, str]:
    """The collections that cannot be had, with the reason; tells of them, and of downloads to come."""
    lost = {id: why for id in sorted(collections) if (why := unavailable(id))}
    downloads = [id for id in sorted(collections) if id not in lost and missing(id)]
    if downloads:
        bench.progress.say(f"will be downloaded: {', '.join(downloads)}")
    if lost:
        bench.progress.say(f"cannot be had from here: {', '.join(lost)}")
    return lost
