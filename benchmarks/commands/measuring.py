"""What `run` and `train` share: which cells, with which seeds, on which bench, and how the outcome is shown."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.collections.conventions import conventions_of
from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.errors import UsageError
from benchmarks.grid import Outcome
from benchmarks.progress import Progress
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.runner import Bench
from benchmarks.storage.cache import Cache
from benchmarks.suites import Cell, Plan, Suite

Outcomes = Mapping[int, Outcome]
"""What became of the cells, by seed."""


def add(parser: ArgumentParser) -> None:
    """What to measure, and how strictly."""
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="SPEC",
        help="a spec; may be repeated; narrows the suite or adds to it",
    )
    parser.add_argument(
        "--collection", action="append", default=[], metavar="ID", help="a collection; may be repeated"
    )
    options.seed(parser, None, "this one alone (default: the suite's, or 0)")
    parser.add_argument(
        "--no-efficiency", action="store_true", help="effectiveness only: no latency, no sizes"
    )
    parser.add_argument(
        "--strict", action="store_true", help="what cannot be reached or read whole is a failure"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="measure again what was measured before (indexes are kept)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options.results(parser)
    options.reports(parser)
    options.output(parser)


def planned(
    chosen: Sequence[Suite], variants: Sequence[str], collections: Sequence[str], seed: int | None
) -> Plan:
    """The cells of the suites, narrowed, or where there is none the product of what is named, by seed."""
    plan: Plan = {} if chosen else {0: [(variant, id) for id in collections for variant in variants]}
    for suite in chosen:
        for number, cells in suite.plan(variants, collections).items():
            plan[number] = list(dict.fromkeys([*plan.get(number, []), *cells]))
    if seed is None:
        return plan
    every = list(dict.fromkeys(cell for cells in plan.values() for cell in cells))
    return {seed: plan.get(seed, every)}


def check_results_folder(chosen: Sequence[Suite], args: Namespace, checkpoint: Path | None = None) -> None:
    """Raise `UsageError` where what no suite declares would lie among the results of the suites."""
    seeds = {seed for suite in chosen for seed in suite.seeds} or {0}
    own = checkpoint or (args.seed is not None and args.seed not in seeds)
    if own and args.results == Path("results"):
        raise UsageError(
            "--checkpoint and --seed measure something of your own; name a --results folder of its own for it"
        )


def bench_of(args: Namespace, seed: int, checkpoint: Path | None = None) -> Bench:
    """The bench that the arguments ask for."""
    if args.quiet:
        # ir-datasets draws bars of its own; tqdm reads this when it is first imported.
        os.environ["TQDM_DISABLE"] = "1"
    return Bench(
        Cache.default(), Store(args.results), checkpoint, seed, args.strict, not args.no_efficiency, args.fresh,
        progress=Progress(args.quiet),
    )  # fmt: skip


def render(outcomes: Outcomes, args: Namespace) -> str:
    """Write the reports where something was measured, and say where they lie."""
    folder = options.report_folder(args)
    if any(outcome.records for outcome in outcomes.values()):
        from benchmarks.rendering.reports import write_reports

        write_reports(Store(args.results), folder)
    return str(folder / "README.md")


def exit_code(outcomes: Outcomes, strict: bool) -> int:
    """1 when a cell failed, when nothing was measured, or when something was not run and that is no excuse.

    2 where nothing was asked for but what nobody could run anywhere.
    """
    found = outcomes.values()
    if found and all(one.useless for one in found):
        return 2
    if any(one.failed for one in found) or (strict and any(one.not_run for one in found)):
        return 1
    return 0 if any(one.records for one in found) else 1


def show(outcomes: Outcomes, report: str) -> None:
    """Print the scores, what is missing, and where the report lies."""
    records = [record for outcome in outcomes.values() for record in outcome.records]
    if records:
        print(_table(records))
    for heading in ("not_run", "failed"):
        lost = Counter(why for one in outcomes.values() for why in getattr(one, heading).values())
        for why, count in lost.items():
            print(f"{heading.replace('_', ' ')}: {why} ({count} cell{'s' if count > 1 else ''})")
    if records:
        print(f"\nreport: {report}")


def as_json(outcomes: Outcomes, report: str) -> dict[str, Any]:
    """The same as JSON values."""

    def lost(seed: int, reasons: Mapping[Cell, str]) -> list[dict[str, Any]]:
        return [
            {"spec": spec, "collection": id, "seed": seed, "why": why} for (spec, id), why in reasons.items()
        ]

    return {
        "cells": [
            {"spec": r.spec, "collection": r.collection, "seed": r.seed, "means": r.means,
             "efficiency": dict(r.efficiency)}
            for one in outcomes.values() for r in one.records
        ],
        "not_run": [entry for seed, one in outcomes.items() for entry in lost(seed, one.not_run)],
        "failed": [entry for seed, one in outcomes.items() for entry in lost(seed, one.failed)],
        "report": report,
    }  # fmt: skip


def print_json(value: Any) -> None:
    """One JSON value, for programs."""
    print(json.dumps(value, indent=1))


def _table(records: Sequence[Record]) -> str:
    measures = list(
        dict.fromkeys(m for r in records for m in (*conventions_of(r.collection).measures, *sorted(r.scores)))
    )
    seeded = len({record.seed for record in records}) > 1
    rows = []
    for record in records:
        search = record.efficiency.get("search")
        size = record.efficiency.get("build", {}).get("index_bytes")
        seed = [str(record.seed)] if seeded else []
        scores = [f"{record.means[m]:.4f}" if m in record.means else "" for m in measures]
        speed = (
            [f"{search['p50_ms']:.2f}", f"{search['batch_qps']:.0f}", f"{size / 2**20:.1f}"]
            if search
            else ["", "", ""]
        )
        rows.append([record.collection, record.spec, *seed, *scores, *speed])
    head = ["COLLECTION", "VARIANT", *(["SEED"] if seeded else []), *measures, "p50 ms", "QPS", "MiB"]
    return table(head, rows)
