"""`compare`: two variants, query by query, with a paired test: of the first seed that both have."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.errors import UnknownName, UsageError
from benchmarks.evaluation.significance import compare
from benchmarks.protocol import differences
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse

HELP = "compare two variants per query, with a paired randomisation test; of several seeds the first that both have"
_SHOWN = 5


def add(parser: ArgumentParser) -> None:
    """The two, and on what."""
    parser.add_argument("a", metavar="A", help="a spec that has records")
    parser.add_argument("b", metavar="B", help="another")
    parser.add_argument(
        "--collection",
        action="append",
        default=[],
        metavar="ID",
        help="default: every collection both were measured on",
    )
    parser.add_argument("--measure", default="nDCG@10", help="default: nDCG@10")
    options.results(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Compare on each collection."""
    a, b = (_records(Store(args.results), text) for text in (args.a, args.b))
    for id in args.collection:
        if id not in a or id not in b:
            raise UnknownName("collection that both were measured on", id, a.keys() & b.keys())
    both = {
        id: _paired(a[id], b[id]) for id in a if id in b and (not args.collection or id in args.collection)
    }
    shared = {id: pair for id, pair in both.items() if all(args.measure in one.scores for one in pair)}
    if both and not shared:
        id, (first, _) = next(iter(both.items()))
        raise UnknownName(f"measure of {id}", args.measure, first.scores)
    if not shared:
        raise UsageError(
            f"{args.a} and {args.b} have no collection in common here; `retriever-bench run` measures them"
        )
    alone = [id for id, (first, _) in shared.items() if len(first.scores[args.measure]) < 2]
    if alone:
        raise UsageError(
            f"{args.measure} on {alone[0]} is one number a variant: there are no queries to compare over"
        )
    results = [_compared(*pair, args.measure) for pair in shared.values()]
    if args.json:
        print(json.dumps(results, indent=1))
        return 0
    for result in results:
        _print(result, args)
    return 0


def _records(store: Store, text: str) -> dict[str, dict[int, Record]]:
    """Those of a variant by collection and seed."""
    every = list(store.records())
    spec = str(parse(text))
    if spec not in {record.spec for record in every}:
        # What was imported is known to its records alone.
        spec = str(canonical_spec(parse(text)))
    found: dict[str, dict[int, Record]] = {}
    for record in every:
        if record.spec == spec:
            found.setdefault(record.collection, {})[record.seed] = record
    if not found:
        raise UnknownName("measured variant", spec, {record.spec for record in every})
    return found


def _paired(a: Mapping[int, Record], b: Mapping[int, Record]) -> tuple[Record, Record]:
    """Of the first seed that both have, or of each its first where they have none in common."""
    common = a.keys() & b.keys()
    return (a[min(common)], b[min(common)]) if common else (a[min(a)], b[min(b)])


def _compared(a: Record, b: Record, measure: str) -> dict[str, Any]:
    scores_a, scores_b = a.scores[measure], b.scores[measure]
    result = compare(scores_a, scores_b)
    moved = sorted(scores_a, key=lambda query: (scores_b[query] - scores_a[query], query))
    moved = [query for query in moved if scores_a[query] != scores_b[query]]
    extremes = moved if len(moved) <= 2 * _SHOWN else moved[:_SHOWN] + moved[-_SHOWN:]
    unlike = differences(
        {"c": a.protocol.collection, "e": a.protocol.evaluation, "r": {"seed": a.seed}},
        {"c": b.protocol.collection, "e": b.protocol.evaluation, "r": {"seed": b.seed}},
    )
    return {
        "collection": a.collection, "measure": measure, "seed_a": a.seed, "seed_b": b.seed, **asdict(result), "difference": result.difference,
        "protocol_differs_in": [name[2:] for name in unlike],
        "extremes": [{"query": q, "a": scores_a[q], "b": scores_b[q]} for q in extremes],
    }  # fmt: skip


def _print(result: dict[str, Any], args: Namespace) -> None:
    low, high = result["interval"]
    ties = result["queries"] - result["wins"] - result["losses"]
    print(f"{result['collection']}, {result['measure']}, {result['queries']} queries")
    for name, text in (("a", args.a), ("b", args.b)):
        print(f"  {name.upper()} {result[f'mean_{name}']:.4f}  {text}, seed {result[f'seed_{name}']}")
    print(
        f"  B - A {result['difference']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}, p = {result['p_value']:.4f} (paired randomisation)"
    )
    print(f"  B wins {result['wins']}, loses {result['losses']}, ties {ties}")
    if result["protocol_differs_in"]:
        print(f"  careful: the two were measured differently in {', '.join(result['protocol_differs_in'])}")
    rows = [
        [f"  {e['query']}", f"{e['a']:.4f}", f"{e['b']:.4f}", f"{e['b'] - e['a']:+.4f}"]
        for e in result["extremes"]
    ]
    if rows:
        print(table(["  QUERY", "A", "B", "B - A"], rows))
    print()
