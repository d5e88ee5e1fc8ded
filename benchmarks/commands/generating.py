"""`generations`: take prompts to a language model elsewhere, and bring the answers back."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.errors import UsageError

HELP = "export prompts without an answer, import answers made elsewhere, show what is kept"

_EXPORT = """
Writes the prompts that have no answer yet, one JSON line each. An answer is a line with the same `id` and a `text`:

  {"id": "...", "text": "..."}
"""


def add(parser: ArgumentParser) -> None:
    """Three commands in one."""
    commands = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    export = commands.add_parser(
        "export",
        help="the prompts without an answer",
        description=_EXPORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _which(export)
    export.add_argument("--output", type=Path, required=True, metavar="FILE", help="where the prompts go")
    bring = commands.add_parser("import", help="answers to exported prompts")
    bring.add_argument("answers", type=Path, metavar="ANSWERS", help="JSON lines of `id` and `text`")
    bring.add_argument("--prompts", type=Path, required=True, metavar="FILE", help="what `export` wrote")
    bring.add_argument("--source", required=True, metavar="TEXT", help="who or what produced them, and when")
    stats = commands.add_parser("stats", help="what is kept, and what it took")
    for subparser in (export, bring, stats):
        options.results(subparser)


def run(args: Namespace) -> int:
    """Do one of the three."""
    if args.what == "export":
        return _export(args)
    if args.what == "import":
        return _import(args)
    return _stats(args)


def _which(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--variant", required=True, metavar="SPEC", help="a variant that asks a language model"
    )
    parser.add_argument("--collection", required=True, metavar="ID", help="the collection it is asked about")


def _export(args: Namespace) -> int:
    from benchmarks.generation.exchange import export
    from benchmarks.records.store import Store

    count = export(args.variant, args.collection, Store(args.results), args.output)
    if not count:
        print("every prompt is answered; nothing was written")
        return 0
    print(f"{args.output}: {count} prompts without an answer")
    return 0


def _import(args: Namespace) -> int:
    from benchmarks.generation.exchange import bring
    from benchmarks.records.store import Store

    if not args.source.strip():
        raise UsageError("--source says who or what produced the answers, and when")
    taken, known = bring(args.answers, args.prompts, args.source.strip(), Store(args.results))
    print(f"{taken} answers were taken" + (f", {known} were there already" if known else ""))
    return 0


def _stats(args: Namespace) -> int:
    from benchmarks.generation.exchange import statistics
    from benchmarks.records.store import Store

    rows = statistics(Store(args.results))
    if not rows:
        print(f"nothing is kept below {Store(args.results).generations}")
        return 0
    print(
        table(["GENERATOR", "FILE", "PROMPTS", "ANSWERS", "TOKENS IN", "TOKENS OUT", "USD", "SOURCES"], rows)
    )
    return 0
