"""What language models wrote for a suite's cells: who, how much, at what cost, and what it adds to the latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.records.record import Record
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import code, escape, table

_HEAD = ["variant", "collection", "answers", "tokens in / out", "USD", "p50 ms", "with generation"]
_ABOUT = (
    "Latency elsewhere on this page is that of searching with answers that are there. Here the mean time of one request is "
    "added, as if all answers to a query were asked for at once; nothing is said where nobody took the time, or counted tokens."
)


def generations(board: Board, collections: Sequence[str], specs: Sequence[str]) -> list[str]:
    """The blocks of the section; none where no model was asked."""
    found = [
        record
        for id in collections
        for spec in specs
        if (record := board.measured.get((spec, id))) is not None and record.generation
    ]
    if not found:
        return []
    rows = [[code(record.spec), escape(record.collection), *_amounts(record)] for record in found]
    sources = dict.fromkeys(
        f"{one['model']}: {source}" for record in found for one in _asked(record) for source in one["sources"]
    )
    cut = sum(one.get("cut", 0) for record in found for one in _asked(record))
    origin = "\n".join(f"- {escape(line)}" for line in sources)
    shortened = f"{cut} queries were longer than a prompt takes, and cut." if cut else ""
    return [
        "## What language models wrote", _ABOUT, table(_HEAD, rows, text=(0, 1)), shortened,
        "Where the answers come from:", origin,
    ]  # fmt: skip


def _amounts(record: Record) -> list[str]:
    asked = list(_asked(record))
    answers, tokens_in, tokens_out = (
        sum(one.get(name, 0) for one in asked) for name in ("answers", "tokens_in", "tokens_out")
    )
    tokens = f"{tokens_in:,} / {tokens_out:,}" if tokens_in else ""
    usd = f"{sum(one['usd'] for one in asked):.4f}" if all("usd" in one for one in asked) else ""
    search = record.efficiency.get("search", {})
    timed = all("seconds_each" in one for one in asked)
    waited = 1000 * sum(one.get("seconds_each", 0.0) for one in asked)
    without = f"{search['p50_ms']:.2f}" if search else ""
    return [
        f"{answers:,}",
        tokens,
        usd,
        without,
        f"{search['p50_ms'] + waited:.0f}" if search and timed else "",
    ]


def _asked(record: Record) -> Iterator[Mapping[str, Any]]:
    """Each round of a record, or what it took as a whole."""
    yield from record.generation.get("parts", [record.generation])
