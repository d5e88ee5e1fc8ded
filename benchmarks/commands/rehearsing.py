"""`run --dry-run`: what a dry run found, and what the real grid would take here."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from benchmarks.commands.terminal import table
from benchmarks.efficiency.forecast import Forecast
from benchmarks.efficiency.foresight import room
from benchmarks.grid import Outcome
from benchmarks.progress import duration, gibibytes
from benchmarks.rehearsal import rehearse
from benchmarks.runner import Bench
from benchmarks.suites import Cell


def run_dry(cells: Sequence[Cell], documents: int, bench: Bench, as_json: bool) -> int:
    """Rehearse, print, and give the exit code: 1 when a variant failed, or none could run."""
    found = rehearse(cells, documents, bench)
    free = room(bench.cache)
    if as_json:
        print(json.dumps({
            "ran": [record.spec for record in found.outcome.records],
            "not_run": {spec: why for (spec, _), why in found.outcome.not_run.items()},
            "failed": {spec: why for (spec, _), why in found.outcome.failed.items()},
            "peak_bytes": found.peak_bytes,
            "forecast": [_as_json(forecast, free) for forecast in found.forecasts],
        }, indent=1))  # fmt: skip
        return _exit_code(found.outcome)
    for record in found.outcome.records:
        print(f"ran: {record.spec}")
    for heading, lost in (("not run", found.outcome.not_run), ("failed", found.outcome.failed)):
        for (spec, _), why in lost.items():
            print(f"{heading}: {spec}: {why}")
    print(f"peak memory above the start: {gibibytes(found.peak_bytes)}; nothing was kept\n")
    print(
        "Indexing at the real size, with a model of the real size, documents as long as the collection's where "
        f"that is known, and {found.words:.0f} words where it is not:"
    )
    heads = ["COLLECTION", "VARIANT", "DOCUMENTS", "TIME", "DISK", "MEMORY", "FITS HERE"]
    print(table(heads, [_row(forecast, free) for forecast in found.forecasts]))
    lacking = {forecast.spec: forecast.lacking for forecast in found.forecasts if forecast.lacking}
    for spec, why in lacking.items():
        print(f"drawn at random: {spec} {why}")
    return _exit_code(found.outcome)


def _exit_code(outcome: Outcome) -> int:
    return 1 if outcome.failed or not outcome.records else 0


def _row(forecast: Forecast, free: tuple[int, int]) -> list[str]:
    cost, documents = forecast.cost, forecast.documents
    seconds = cost.seconds + cost.once
    known = not math.isnan(cost.disk_bytes)
    return [
        forecast.collection,
        forecast.spec,
        f"{documents:,}" if documents else "?",
        "unknown" if math.isnan(seconds) else duration(seconds),
        gibibytes(cost.disk_bytes) if known else "?",
        "?" if math.isnan(cost.memory_bytes) else gibibytes(cost.memory_bytes),
        (forecast.shortage(*free) or "yes") if known else "?",
    ]


def _as_json(forecast: Forecast, free: tuple[int, int]) -> dict[str, Any]:
    cost = forecast.cost
    numbers = {
        "seconds": cost.seconds + cost.once, "disk_bytes": cost.disk_bytes, "memory_bytes": cost.memory_bytes,
    }  # fmt: skip
    return {
        "spec": forecast.spec, "collection": forecast.collection, "documents": forecast.documents,
        **{name: None if math.isnan(value) else round(value) for name, value in numbers.items()},
        "lacking": forecast.lacking, "shortage": forecast.shortage(*free),
    }  # fmt: skip
