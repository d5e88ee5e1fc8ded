"""`history`: how a cell's number came to be what it is."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from benchmarks.collections.conventions import conventions_of
from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.errors import RecordError, UnknownName
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse

HELP = "what was accepted of a cell, when and why"


def add(parser: ArgumentParser) -> None:
    """Which cell."""
    parser.add_argument("spec", metavar="SPEC")
    parser.add_argument("collection", metavar="COLLECTION")
    options.seed(parser, 0, "the cell's seed (default: 0)")
    parser.add_argument("--measure", help="default: the collection's first")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it, too")
    options.results(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Print a line for each acceptance, the last of which is what is accepted now."""
    from benchmarks.records.store import Store
    from benchmarks.regressions.history import history

    store, spec = Store(args.results), str(canonical_spec(parse(args.spec)))
    now = store.find(spec, args.collection, args.seed)
    if now is None:
        seeds = sorted(
            one.seed for one in store.records() if (one.spec, one.collection) == (spec, args.collection)
        )
        others = f" with seed {args.seed}, but with --seed {', '.join(map(str, seeds))}" if seeds else ""
        raise RecordError(f"{spec} on {args.collection} has no accepted record in {args.results}{others}")
    measure = args.measure or conventions_of(args.collection).measures[0]
    if measure not in now.means:
        raise UnknownName(f"measure of {args.collection}", measure, now.means)
    found = history(store, spec, args.collection, args.seed)
    if args.json:
        print(
            json.dumps(
                {"measure": measure, "now": now.means, "accepted": [asdict(one) for one in found]}, indent=1
            )
        )
        return 0
    rows = [["before", _shown(found[0].before.get(measure)), "", ""]] if found and found[0].before else []
    for one in found:
        before, after = one.before.get(measure), one.after.get(measure)
        moved = f"{after - before:+.4f}" if before is not None and after is not None else ""
        rows.append([one.time, _shown(after), moved, one.reason])
    if rows:
        print(table(["ACCEPTED", measure, "CHANGE", "REASON"], rows))
    print(f"now {now.means[measure]:.4f}" + ("" if found else "; it was never changed through `accept`"))
    if args.svg:
        from benchmarks.rendering.plots import curve
        from benchmarks.storage.atomic import write_bytes

        values = [float(row[1]) for row in rows if row[1]] or [now.means[measure]]
        drawn = curve([*enumerate(values)], "acceptances", measure, f"{spec} on {args.collection}")
        write_bytes(args.svg, drawn.encode())
    return 0


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
