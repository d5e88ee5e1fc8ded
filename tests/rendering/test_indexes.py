"""What an index loses: against exact search of the same encoder, counted by hand."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.records.store import Store
from benchmarks.rendering.board import Board
from benchmarks.rendering.indexes import found_against_latency, index_losses
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

WORLD = "synthetic/tiny/test"
EXACT, INDEX = "lsa:svd256", "lsa:svd256@[IVF8,Flat;nprobe=1]"


def board_of(store: Store) -> Board:
    """Both records, timed by hand."""
    sizes = {EXACT: (2.0, 400), INDEX: (1.0, 500)}
    records = [
        replace(
            record, efficiency={"search": {"p50_ms": sizes[record.spec][0]}, "build": {"index_bytes": sizes[record.spec][1]}}
        )
        for record in store.records()
    ]  # fmt: skip
    return Board(records, run=store.run)


def test_the_share_of_the_exact_ten_best(bench: Bench) -> None:
    """Query by query, as a loop counts it; with the difference of the measure and the ratios."""
    records = {spec: run_cell(parse(spec), WORLD, bench) for spec in (EXACT, INDEX)}
    runs = {spec: bench.store.run(record) for spec, record in records.items()}
    shares = []
    for query, ranking in runs[EXACT].items():
        best = ranking.ids[:10]
        shares.append(sum(id in runs[INDEX][query].ids[:10] for id in best) / len(best))
    lost = records[EXACT].means["nDCG@10"] - records[INDEX].means["nDCG@10"]
    *_, found = index_losses(board_of(bench.store), [WORLD], [EXACT, INDEX], "", {})
    head, _, row = found.splitlines()
    assert "nDCG@10 lost" in head
    assert f"| {sum(shares) / len(shares):.4f} | {lost:+.4f} | 0.50 | 1.25 |" in row
    assert sum(shares) / len(shares) < 1


def test_without_exact_search_there_is_nothing_to_lose(bench: Bench) -> None:
    """Nor for exact search itself."""
    run_cell(parse(INDEX), WORLD, bench)
    assert index_losses(board_of(bench.store), [WORLD], [INDEX], "", {}) == []


def test_what_is_found_is_drawn_against_latency(bench: Bench) -> None:
    """Each index once, and exact search at 1; two points are no curve."""
    other = "lsa:svd256@[IVF8,Flat;nprobe=4]"
    for spec in (EXACT, INDEX, other):
        run_cell(parse(spec), WORLD, bench)
    times = {EXACT: 4.0, INDEX: 1.0, other: 2.0}
    timed = [replace(r, efficiency={"search": {"p50_ms": times[r.spec]}}) for r in bench.store.records()]
    board = Board(timed, run=bench.store.run)
    drawn = found_against_latency(board, WORLD, list(times))
    assert f"{EXACT} on {WORLD}, beside exact search" in drawn
    assert "exact (on the front) 1.0000 at 4.00 ms" in drawn
    assert "[IVF8,Flat;nprobe=4] (on the front)" in drawn and drawn.count("nprobe=1]") >= 2
    assert found_against_latency(board, WORLD, [EXACT, INDEX]) == ""
    *_, image = index_losses(board, [WORLD], list(times), "", {WORLD: "late.svg"})
    assert image.startswith("![") and image.endswith("(late.svg)")
