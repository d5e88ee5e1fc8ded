"""What an index loses of what its encoder finds: beside exact search over the same vectors, on the same queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.collections.conventions import conventions_of
from benchmarks.interfaces import Run
from benchmarks.records.record import Record
from benchmarks.rendering import cells
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import code, escape, link, split_tables
from benchmarks.rendering.plots import Point, effectiveness_against_latency
from benchmarks.spec import IndexKey, Leaf, parse

_BEST = 10
_EXACT = (None, IndexKey("float32"), IndexKey("float16"))
"""The indexes that find what is nearest, all of it."""
_ABOUT = (
    "Beside exact search over the same encoder's vectors: how many of its ten best documents the index finds, what that costs of "
    "the measure, and what it saves. What the encoder itself misses is in the exact row of the tables above. Ratios of times "
    "and sizes are to the exact search's."
)
_FEWEST = 3
"""Points that a plot is drawn of."""


def index_losses(
    board: Board, collections: Sequence[str], specs: Sequence[str], up: str, plots: Mapping[str, str]
) -> list[str]:
    """The blocks of the section; none where no index stands beside its exact search. `plots` are paths by collection."""
    blocks = []
    for id in collections:
        rows = [
            _row(board, record, exact, up)
            for spec in specs
            if (record := board.measured.get((spec, id))) is not None
            and (exact := _exact(board, record)) is not None
        ]
        if rows:
            head = [f"of the exact {_BEST}", f"{_measure(id)} lost", "p50 ratio", "size ratio"]
            blocks += [f"### {escape(id)}, beside exact search", split_tables("index", head, rows)]
            alternative = f"the share of the exact {_BEST} best against median latency on {escape(id)}"
            blocks += [f"!{link(alternative, plots[id])}"] if id in plots else []
    return ["## What the index loses", _ABOUT, *blocks] if blocks else []


def found_against_latency(board: Board, collection: str, specs: Sequence[str]) -> str:
    """What each index finds of its encoder's ten best against its latency, exact searches included, as SVG.

    Nothing where fewer than three were timed.
    """
    points: dict[str, Point] = {}
    for spec in specs:
        record = board.measured.get((spec, collection))
        exact = _exact(board, record) if record else None
        if record is None or exact is None:
            continue
        for one in (record, exact):
            if milliseconds := one.efficiency.get("search", {}).get("p50_ms"):
                points[one.spec] = Point(one.spec, milliseconds, _found(board.run(one), board.run(exact)))
    if len(points) < _FEWEST:
        return ""
    encoders = {spec.partition("@")[0] for spec in points}
    # Of one encoder the title has the name, and a point that of its index.
    shared = encoders.pop() if len(encoders) == 1 else ""
    named = [
        replace(point, name=spec.removeprefix(shared).lstrip("@") or "exact")
        for spec, point in points.items()
    ]
    title = f"{f'{shared} on ' if shared else ''}{collection}, beside exact search"
    return effectiveness_against_latency(named, f"share of the exact {_BEST} best", title)


def _measure(collection: str) -> str:
    return conventions_of(collection).measures[0]


def _exact(board: Board, record: Record) -> Record | None:
    """The record of exact search with the same encoder, collection and seed, one that was timed if there is one.

    None for what is exact itself.
    """
    leaf = parse(record.spec)
    if not isinstance(leaf, Leaf) or leaf.index in _EXACT:
        return None
    named = [(str(replace(leaf, index=key)), record.collection) for key in _EXACT]
    twins = [found[record.seed] for cell in named if record.seed in (found := board.seeds.get(cell, {}))]
    return next((one for one in twins if one.efficiency), twins[0] if twins else None)


def _row(board: Board, record: Record, exact: Record, up: str) -> tuple[str, list[str]]:
    measure = _measure(record.collection)
    lost = round(exact.means[measure] - record.means[measure], 4) + 0.0  # never -0.0000
    found = _found(board.run(record), board.run(exact))
    return cells.record_link(board, code(record.spec), record, up), [
        f"{found:.4f}", f"{lost:+.4f}",
        _ratio(record, exact, "search", "p50_ms"), _ratio(record, exact, "build", "index_bytes"),
    ]  # fmt: skip


def _found(run: Run, exact: Run) -> float:
    """The share of each query's ten best that is among the other's ten best, averaged over queries."""
    shares = [
        len(set(ranking.ids[:_BEST]) & set(run[query].ids[:_BEST])) / len(ranking.ids[:_BEST])
        for query, ranking in exact.items()
        if ranking.ids
    ]
    return sum(shares) / len(shares)


def _ratio(record: Record, exact: Record, section: str, name: str) -> str:
    """How many times the exact search's; nothing where one was not measured."""
    both = [one.efficiency.get(section, {}).get(name) for one in (record, exact)]
    return f"{both[0] / both[1]:.2f}" if all(both) else ""
