"""The page for whoever chooses a retriever: what each point of quality costs, collection by collection."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.collections.conventions import conventions_of
from benchmarks.protocol import from_candidates
from benchmarks.records.record import Record
from benchmarks.rendering import cells, ties
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import GENERATED, code, document, escape, link, table

BUDGETS = (1.0, 5.0, 20.0, 100.0)
"""Milliseconds that a query may take."""
_ABOUT = (
    "Of all retrievers that were measured and timed, on each collection: the best within a budget of time, by the median "
    "latency of one query, text in and ids out, on the machine named below. After ≈ the others within the budget that are not "
    "separable from it (paired randomisation over queries at 5 %, Holm), the fastest first. What asks a language model is left "
    "out: a request takes longer than any of these budgets, and the page of suite llm says what was timed. So is what was trained "
    "here, at the lab's size: its times are on the pages of experiments."
)
_FRONTS = (
    "All of them. A ● marks what no other beats on both, the measure and this cost: the front of latency, of the index on disk, of "
    "the peak of memory. In the tables' first column a link to the record."
)


def choosing_page(board: Board) -> str:
    """The best within each budget, then for each collection all retrievers with their costs."""
    chosen = {id: records for id in board.collections if len(records := timed(board, id)) > 1}
    if not chosen:
        return ""
    blocks = ["# Choosing a retriever", GENERATED, _ABOUT, _within(board, chosen)]
    blocks += [cells.machines(record for records in chosen.values() for record in records)]
    blocks += ["## What quality costs", _FRONTS]
    for id, records in chosen.items():
        blocks += [f"### {escape(id)} ({board.rung(id)})", _costs(board, id, records)]
    return document(*blocks)


def timed(board: Board, collection: str) -> list[Record]:
    """What was timed from the query's text on, all of it; the best first. The lab's own trainings are no retrievers to choose."""
    found = [
        record for spec in board.specs
        if (record := board.measured.get((spec, collection))) and "search" in record.efficiency
        and not (record.generation or record.training or from_candidates(record.protocol.retrieval))
    ]  # fmt: skip
    return sorted(found, key=lambda record: (-record.means[_measure(collection)], latency(record)))


def _measure(collection: str) -> str:
    return conventions_of(collection).measures[0]


def latency(record: Record) -> float:
    """The median of one query in milliseconds."""
    median: float = record.efficiency["search"]["p50_ms"]
    return median


def _within(board: Board, chosen: dict[str, list[Record]]) -> str:
    rows = []
    for id, records in chosen.items():
        previous = ""
        for budget in BUDGETS:
            affordable = [record for record in records if latency(record) <= budget]
            if not affordable or affordable[0].spec == previous:
                continue
            best = affordable[0]
            previous = best.spec
            standing = ties.standing(affordable, _measure(id), board.p_value)
            others = [one for one in affordable[1:] if one.spec in standing]
            named = [cells.record_link(board, code(best.spec), best, "../")]
            named += [code(one.spec) for one in sorted(others, key=latency)]
            rows.append([
                escape(id), f"{budget:g} ms", " ≈ ".join(named),
                f"{best.means[_measure(id)]:.4f} {escape(_measure(id))}", f"{latency(best):.2f}",
            ])  # fmt: skip
    head = ["collection", "within", "best, and what is not separable from it", "quality", "p50 ms"]
    return table(head, rows, text=(0, 1, 2))


def _costs(board: Board, collection: str, records: Sequence[Record]) -> str:
    measure = _measure(collection)
    standing = ties.standing(records, measure, board.p_value)
    kinds: tuple[Callable[[Record], float], ...] = (
        latency, lambda one: one.efficiency["build"]["index_bytes"], lambda one: one.efficiency["search"]["peak_bytes"],
    )  # fmt: skip
    fronts = [_front(records, measure, cost) for cost in kinds]
    rows = [
        [
            cells.record_link(board, code(record.spec), record, "../"),
            cells.marked(f"{record.means[measure]:.4f}", standing.get(record.spec, "")),
            *(
                f"{'● ' if record.spec in front else ''}{shown}"
                for front, shown in zip(fronts, _shown(record), strict=True)
            ),
            f"{record.efficiency['search']['batch_qps']:.0f}",
        ]
        for record in records
    ]
    return table(["variant", measure, "p50 ms", "index MiB", "peak MiB", "queries/s"], rows)


def _shown(record: Record) -> list[str]:
    sizes = (record.efficiency["build"]["index_bytes"], record.efficiency["search"]["peak_bytes"])
    return [f"{latency(record):.2f}", *map(cells.mebibytes, sizes)]


def _front(records: Sequence[Record], measure: str, cost: Callable[[Record], float]) -> set[str]:
    """The specs that none is better than without costing more: by cost upwards, each better than all before."""
    found, highest = set(), float("-inf")
    for record in sorted(records, key=lambda one: (cost(one), -one.means[measure])):
        if record.means[measure] > highest:
            highest = record.means[measure]
            found.add(record.spec)
    return found


def pointer() -> str:
    """For the front page."""
    return f"Which retriever to take, within so many milliseconds: {link('choosing a retriever', 'choosing.md')}."
