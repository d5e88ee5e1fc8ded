"""`verify`: recompute every number of every record and page, with no model."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import asdict

from benchmarks.commands import options
from benchmarks.errors import RecordError
from benchmarks.records.store import Store

HELP = "recompute every number of records and reports from runs and judgments"


def add(parser: ArgumentParser) -> None:
    """Where to look, and whether missing judgments are a failure."""
    parser.add_argument("--strict", action="store_true", help="fail where judgments are not on this disk")
    options.results(parser)
    options.reports(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Check records, runs and pages."""
    from benchmarks.records.verification import verify_records
    from benchmarks.rendering.reports import stale_reports

    store = Store(args.results)
    if not store.paths():
        raise RecordError(f"{args.results} holds no records, so nothing was verified")
    found = verify_records(store)
    if not found.problems:
        # A damaged record cannot be rendered; it is told first.
        found.problems += stale_reports(store, options.report_folder(args))
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
