"""`verify`: recompute every number of every record and page, with no model."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.commands import options
from benchmarks.errors import RecordError
from benchmarks.records.store import Store

if TYPE_CHECKING:
    from benchmarks.records.verification import Verification

HELP = "recompute every number of records and reports from runs and judgments"


def add(parser: ArgumentParser) -> None:
    """Where to look, and whether missing judgments are a failure."""
    parser.add_argument("--strict", action="store_true", help="fail where judgments are not on this disk")
    options.results(parser)
    options.reports(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Check records, runs and pages."""
    store = Store(args.results)
    if not store.paths():
        raise RecordError(f"{args.results} holds no records, so nothing was verified")
    found = _verified(store, options.report_folder(args))
    passed = not found.problems and not (args.strict and found.not_recomputed)
    if args.json:
        print(json.dumps({**asdict(found), "passed": passed}, indent=1))
        return 0 if passed else 1
    for why, count in Counter(found.not_recomputed.values()).items():
        print(f"not recomputed: {count} record{'s' if count > 1 else ''}; {why}")
    for line in found.problems:
        print(f"wrong: {line}")
    done = found.records - len(found.not_recomputed)
    print(
        f"{found.numbers:,} numbers of {done} of {found.records} records recomputed; {len(found.problems)} problems"
    )
    return 0 if passed else 1


def _verified(store: Store, reports: Path) -> Verification:
    """Records and then pages, or, where there are many records, beside each other."""
    from benchmarks.records.verification import MANY, verify_records
    from benchmarks.rendering.reports import stale_reports

    # A damaged record cannot be rendered; it is told first.
    if len(store.paths()) < MANY:
        found = verify_records(store)
        if not found.problems:
            found.problems += stale_reports(store, reports)
        return found
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as beside:
        pages = beside.submit(stale_reports, store, reports)
        found = verify_records(store)
        if not found.problems:
            found.problems += pages.result()
    return found
