"""`report`: render the pages from the records that are there."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from benchmarks.commands import options
from benchmarks.errors import RecordError
from benchmarks.records.store import Store

HELP = "render reports from the records, without measuring anything"


def add(parser: ArgumentParser) -> None:
    """Where to read and where to write."""
    options.results(parser)
    options.reports(parser)


def run(args: Namespace) -> int:
    """Render."""
    from benchmarks.rendering.reports import write_reports

    store = Store(args.results)
    if not store.paths():
        raise RecordError(f"{args.results} holds no records; `retriever-bench run --suite demo` makes some")
    pages = write_reports(store, options.report_folder(args))
    print(
        f"{len(pages)} pages from {len(store.paths())} records\nreport: {options.report_folder(args) / 'README.md'}"
    )
    return 0
