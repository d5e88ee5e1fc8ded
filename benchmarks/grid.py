"""A whole grid: every cell in turn, what cannot run said in one line, what fails told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.collections.conventions import missing
from benchmarks.errors import BenchError, MissingData, Unavailable
from benchmarks.records.record import Record
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.suites import Cell


@dataclass
class Outcome:
    """What became of the cells: records, and a reason for each that has none."""

    records: list[Record] = field(default_factory=list)
    not_run: dict[Cell, str] = field(default_factory=dict)
    failed: dict[Cell, str] = field(default_factory=dict)


def run_grid(cells: Sequence[Cell], bench: Bench) -> Outcome:
    """Run every cell. A collection or checkpoint that is not here skips its cells and no others."""
    outcome = Outcome()
    downloads = dict.fromkeys(id for _, id in cells if "downloads from" in missing(id))
    if downloads:
        bench.progress.say(f"not on disk, will be asked for over the network: {', '.join(downloads)}")
    bench.progress.grid(len(cells))
    unreachable: dict[str, str] = {}
    for cell in cells:
        spec, collection = cell
        if collection in unreachable:
            bench.progress.skip()
            outcome.not_run[cell] = unreachable[collection]
            continue
        bench.progress.cell(f"{spec} on {collection}")
        try:
            outcome.records.append(run_cell(parse(spec), collection, bench))
        except Unavailable as error:
            outcome.not_run[cell] = str(error)
            if isinstance(error, MissingData):
                unreachable[collection] = str(error)
            bench.progress.say(f"    not run: {error}")
        except BenchError as error:
            if error.exit_code == 2:
                raise
            outcome.failed[cell] = str(error)
            bench.progress.say(f"    failed: {error}")
    return outcome
