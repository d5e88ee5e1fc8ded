"""`export`: records in the forms that others read."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from benchmarks.commands import options
from benchmarks.errors import RecordError, UsageError
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse
from benchmarks.suites import suite

HELP = "records as MTEB or Hugging Face results, TREC runs, LaTeX or CSV"
FORMS = {
    "mteb": "MTEB's result files: a folder that mteb.ResultCache reads",
    "huggingface": "model cards with evaluation results, a file a variant",
    "trec": "runs as trec_eval reads them",
    "ir_metadata": "the same with ir_metadata in front",
    "latex": "a table of variants by collections (booktabs)",
    "csv": "a line for each cell, seed and measure",
}


def add(parser: ArgumentParser) -> None:
    """What, as what, and where to."""
    forms = "; ".join(f"{name}: {what}" for name, what in FORMS.items())
    parser.add_argument("form", choices=FORMS, metavar="FORM", help=forms)
    parser.add_argument("output", type=Path, metavar="PATH", help="a folder; for latex and csv a file")
    parser.add_argument("--suite", help="cells of this suite alone")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="SPEC", help="these alone; may be repeated"
    )
    parser.add_argument("--collection", action="append", default=[], metavar="ID", help="likewise")
    parser.add_argument(
        "--measure", default="", help="of a LaTeX table (default: each collection's main one)"
    )
    options.results(parser)


def run(args: Namespace) -> int:
    """Write, and say what."""
    from benchmarks.exports import huggingface, mteb, runs, tables

    store = Store(args.results)
    _check_output(args)
    records = _chosen(store, args)
    if args.form == "mteb":
        files, left = mteb.write_mteb(_first_seeds(records), args.output)
        print(f"{len(files)} files in {args.output}")
        if left:
            print(f"MTEB has no task for {', '.join(sorted({record.collection for record in left}))}")
        return 0 if files else 1
    if args.form == "huggingface":
        print(f"{len(huggingface.write_cards(_first_seeds(records), args.output))} cards in {args.output}")
    elif args.form in ("trec", "ir_metadata"):
        written = runs.write_runs(records, store, args.output, metadata=args.form == "ir_metadata")
        print(f"{len(written)} runs in {args.output}")
    elif args.form == "latex":
        tables.write_latex(_first_seeds(records), args.output, args.measure)
        print(args.output)
    else:
        tables.write_csv(records, args.output)
        print(args.output)
    return 0


def _check_output(args: Namespace) -> None:
    """Raise `UsageError` where a file is named for what writes a folder, or the other way round."""
    file_wanted = args.form in ("latex", "csv")
    if args.output.is_dir() if file_wanted else args.output.is_file():
        raise UsageError(f"{args.output}: {args.form} writes {'a file' if file_wanted else 'into a folder'}")


def _chosen(store: Store, args: Namespace) -> list[Record]:
    specs = {str(canonical_spec(parse(text))) for text in args.variant}
    cells = set(suite(args.suite).cells()) if args.suite else None
    found = [
        record for record in store.records()
        if (not specs or record.spec in specs) and (not args.collection or record.collection in args.collection)
        and (cells is None or (record.spec, record.collection) in cells)
    ]  # fmt: skip
    if not found:
        raise RecordError(f"{args.results} has no records of these, so nothing was exported")
    return found


def _first_seeds(records: Sequence[Record]) -> list[Record]:
    found: dict[tuple[str, str], Record] = {}
    for record in sorted(records, key=lambda record: record.seed):
        found.setdefault((record.spec, record.collection), record)
    return list(found.values())
