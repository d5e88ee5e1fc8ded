"""`accept`: what `regress` measured takes the place of the accepted records; the reason is kept."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.commands import options
from benchmarks.commands.regressing import FOLDER
from benchmarks.errors import UsageError
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse

HELP = "take what `regress` measured as the accepted results, with a reason"


def add(parser: ArgumentParser) -> None:
    """What, and why."""
    parser.add_argument(
        "--reason", required=True, help="why it is right that these numbers changed; kept in the history"
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        default=FOLDER / "results",
        metavar="DIR",
        help=f"default: {FOLDER / 'results'}",
    )
    parser.add_argument(
        "--variant", action="append", default=[], metavar="SPEC", help="these alone; may be repeated"
    )
    parser.add_argument("--collection", action="append", default=[], metavar="ID", help="likewise")
    options.results(parser)
    options.reports(parser)


def run(args: Namespace) -> int:
    """Accept, and render."""
    from benchmarks.records.store import Store
    from benchmarks.regressions.history import accept
    from benchmarks.rendering.reports import write_reports

    if not args.reason.strip():
        raise UsageError("--reason is empty; say in a sentence why the numbers changed")
    specs = [str(canonical_spec(parse(text))) for text in args.variant]
    fresh, accepted = Store(args.source), Store(args.results)
    taken = accept(fresh, accepted, args.reason.strip(), specs, args.collection)
    for one in taken:
        print(f"accepted: {one.spec} on {one.collection}" + (f", seed {one.seed}" if one.seed else ""))
    if not taken:
        print("every record is as it was; the timings were taken")
    write_reports(accepted, options.report_folder(args))
    return 0
