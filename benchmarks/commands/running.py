"""`run`: measure a suite, or chosen variants on chosen collections, and write the reports."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.collections.conventions import conventions_of
from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.errors import UsageError
from benchmarks.grid import Outcome, run_grid
from benchmarks.progress import Progress
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.rehearsal import DOCUMENTS
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.runner import Bench
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from benchmarks.suites import Cell, suite

HELP = "measure variants on collections, and write records, runs and reports"


def add(parser: ArgumentParser) -> None:
    """What to measure, and how strictly."""
    parser.add_argument("--suite", help="a named grid (see `list`)")
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
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="DIR",
        help="a folder of weights, for the one variant that is named",
    )
    parser.add_argument("--seed", type=int, default=0, help="for whatever draws at random (default: 0)")
    parser.add_argument(
        "--no-efficiency", action="store_true", help="effectiveness only: no latency, no sizes"
    )
    parser.add_argument(
        "--strict", action="store_true", help="what cannot be reached or read whole is a failure"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="measure again what was measured before (indexes are kept)"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="every variant on generated documents with random weights; keeps nothing, and says what the real grid takes",
    )
    parser.add_argument(
        "--documents", type=int, default=DOCUMENTS, metavar="N", help=f"of a dry run (default: {DOCUMENTS:,})"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options.results(parser)
    options.reports(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Run the cells, render, and say where the report lies."""
    if args.quiet:
        # ir-datasets draws bars of its own; tqdm reads this when it is first imported.
        os.environ["TQDM_DISABLE"] = "1"
    cells = _cells(args)
    if args.checkpoint and len({spec for spec, _ in cells}) != 1:
        raise UsageError("--checkpoint goes with exactly one --variant")
    if args.dry_run and args.checkpoint:
        raise UsageError("--dry-run draws its weights at random; leave out --checkpoint")
    if not args.dry_run and (args.checkpoint or args.seed) and args.results == Path("results"):
        raise UsageError(
            "--checkpoint and --seed measure something of your own; name a --results folder of its own for it"
        )
    bench = Bench(
        Cache.default(), Store(args.results), args.checkpoint, args.seed, args.strict,
        not args.no_efficiency, args.fresh, progress=Progress(args.quiet),
    )  # fmt: skip
    if args.dry_run:
        from benchmarks.commands.rehearsing import run_dry

        if args.documents < 1:
            raise UsageError("--documents is a number from 1 on")
        return run_dry(cells, args.documents, bench, args.json)
    outcome = run_grid(cells, bench)
    from benchmarks.rendering.reports import write_reports

    if outcome.records:
        write_reports(bench.store, options.report_folder(args))
    _print(outcome, args)
    if outcome.failed or (args.strict and outcome.not_run):
        return 1
    return 0 if outcome.records else 1


def _cells(args: Namespace) -> list[Cell]:
    variants = [str(canonical_spec(parse(text))) for text in args.variant]
    if args.suite:
        return suite(args.suite).cells(variants, args.collection)
    if not variants or not args.collection:
        raise UsageError(
            "name a --suite, or at least one --variant and one --collection; see `retriever-bench list`"
        )
    return [(variant, collection) for collection in args.collection for variant in variants]


def _print(outcome: Outcome, args: Namespace) -> None:
    report = str(options.report_folder(args) / "README.md")
    if args.json:
        print(json.dumps({**_as_json(outcome), "report": report}, indent=1))
        return
    if outcome.records:
        print(_table(outcome.records))
    for heading, lost in (("not run", outcome.not_run), ("failed", outcome.failed)):
        for why, count in Counter(lost.values()).items():
            print(f"{heading}: {why} ({count} cell{'s' if count > 1 else ''})")
    if outcome.records:
        print(f"\nreport: {report}")


def _as_json(outcome: Outcome) -> dict[str, Any]:
    def lost(reasons: dict[Cell, str]) -> list[dict[str, str]]:
        return [{"spec": spec, "collection": id, "why": why} for (spec, id), why in reasons.items()]

    cells = [
        {"spec": r.spec, "collection": r.collection, "means": r.means, "efficiency": dict(r.efficiency)}
        for r in outcome.records
    ]
    return {"cells": cells, "not_run": lost(outcome.not_run), "failed": lost(outcome.failed)}


def _table(records: list[Record]) -> str:
    measures = list(
        dict.fromkeys(m for r in records for m in (*conventions_of(r.collection).measures, *sorted(r.scores)))
    )
    rows = []
    for record in records:
        search = record.efficiency.get("search")
        size = record.efficiency.get("build", {}).get("index_bytes")
        scores = [f"{record.means[m]:.4f}" if m in record.means else "" for m in measures]
        speed = (
            [f"{search['p50_ms']:.2f}", f"{search['batch_qps']:.0f}", f"{size / 2**20:.1f}"]
            if search
            else ["", "", ""]
        )
        rows.append([record.collection, record.spec, *scores, *speed])
    return table(["COLLECTION", "VARIANT", *measures, "p50 ms", "QPS", "MiB"], rows)
