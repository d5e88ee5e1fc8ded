"""`run`: measure a suite, or chosen variants on chosen collections, and write the reports."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.commands import measuring
from benchmarks.errors import UsageError
from benchmarks.grid import run_plan
from benchmarks.rehearsal import DOCUMENTS
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse
from benchmarks.suites import suite

HELP = "measure variants on collections, and write records, runs and reports"


def add(parser: ArgumentParser) -> None:
    """What to measure, and how strictly."""
    parser.add_argument("--suite", help="a named grid (see `list`)")
    measuring.add(parser)
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="DIR",
        help="a folder of weights, for the one variant that is named",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="every variant on generated documents with random weights; keeps nothing, and says what the real grid takes",
    )
    parser.add_argument("--documents", type=int, metavar="N", help=f"of a dry run (default: {DOCUMENTS:,})")


def run(args: Namespace) -> int:
    """Run the cells, render, and say where the report lies."""
    variants = [str(canonical_spec(parse(text))) for text in args.variant]
    if not args.suite and not (variants and args.collection):
        raise UsageError(
            "name a --suite, or at least one --variant and one --collection; see `retriever-bench list`"
        )
    chosen = [suite(args.suite)] if args.suite else []
    plan = measuring.planned(chosen, variants, args.collection, args.seed)
    # All variants are measured with the first seed.
    first, cells = next(iter(plan.items()))
    if args.checkpoint and len({spec for spec, _ in cells}) != 1:
        raise UsageError("--checkpoint goes with exactly one --variant")
    if args.checkpoint and not args.checkpoint.is_dir():
        raise UsageError(f"--checkpoint {args.checkpoint}: there is no such folder")
    bench = measuring.bench_of(args, first, args.checkpoint)
    if args.dry_run:
        from benchmarks.commands.rehearsing import run_dry

        if args.checkpoint:
            raise UsageError("--dry-run draws its weights at random; leave out --checkpoint")
        documents = DOCUMENTS if args.documents is None else args.documents
        if documents < 1:
            raise UsageError("--documents is a number from 1 on")
        return run_dry(cells, documents, bench, args.json)
    if args.documents is not None:
        raise UsageError("--documents goes with --dry-run")
    measuring.check_results_folder(chosen, args, args.checkpoint)
    outcomes = run_plan(plan, bench)
    report = measuring.render(outcomes, args)
    if args.json:
        measuring.print_json(measuring.as_json(outcomes, report))
    else:
        measuring.show(outcomes, report)
    return measuring.exit_code(outcomes, args.strict)
