"""`regress`: measure declared cells afresh, and say what moved against the accepted records."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.commands import options
from benchmarks.errors import UsageError
from benchmarks.progress import Progress
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse
from benchmarks.suites import suite

HELP = "measure declared cells afresh and compare them with the accepted records"
FOLDER = Path("build/regress")


def add(parser: ArgumentParser) -> None:
    """Which cells, against what."""
    parser.add_argument("--suite", default="regress", help="a named grid (default: regress)")
    parser.add_argument(
        "--variant", action="append", default=[], metavar="SPEC", help="narrows the suite; may be repeated"
    )
    parser.add_argument("--collection", action="append", default=[], metavar="ID", help="likewise")
    parser.add_argument("--no-speed", action="store_true", help="quality only")
    parser.add_argument(
        "--timings", type=Path, metavar="DIR",
        help="results whose timings are compared with, such as those of another commit on this machine (default: the accepted ones)",
    )  # fmt: skip
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help=f"fresh measurements; emptied first (default: {FOLDER})",
    )
    parser.add_argument("--comment", type=Path, metavar="FILE", help="write the Markdown here, too")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    options.results(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Measure, compare, print. 0 where something was compared and nothing is left to explain, else 1."""
    from benchmarks.records.store import Store
    from benchmarks.regressions.gate import run_gate
    from benchmarks.rendering.regressions import comment, to_json
    from benchmarks.storage.atomic import write_bytes

    variants = [str(canonical_spec(parse(text))) for text in args.variant]
    chosen = suite(args.suite)
    cells = [
        (spec, id) for spec, id in ((str(canonical_spec(parse(spec))), id) for spec, id in chosen.cells())
        if (not variants or spec in variants) and (not args.collection or id in args.collection)
    ]  # fmt: skip
    if not cells:
        raise UsageError(
            f"suite {chosen.name} has no cell of that variant and collection, so nothing would be compared; "
            f"retriever-bench list shows what it has"
        )
    if (args.folder / ".git").exists() or args.results.resolve().is_relative_to(args.folder.resolve()):
        raise UsageError(f"{args.folder} would be emptied; name a folder that holds nothing else")
    timings = None if args.no_speed else Store(args.timings or args.results)
    gate = run_gate(cells, Store(args.results), args.folder, timings, Progress(args.quiet))
    text = comment(gate)
    if args.comment:
        write_bytes(args.comment, text.encode())
    print(json.dumps(to_json(gate), indent=1) if args.json else text, end="" if not args.json else "\n")
    return 0 if gate.passed else 1
