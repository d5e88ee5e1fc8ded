"""What an index loses: against exact search of the same encoder, counted by hand."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.records.store import Store
from benchmarks.rendering.board import Board
from benchmarks.rendering.indexes import index_losses
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
    *_, found = index_losses(board_of(bench.store), [WORLD], [EXACT, INDEX], "")
    head, _, row = found.splitlines()
    assert "nDCG@10 lost" in head
    assert f"| {sum(shares) / len(shares):.4f} | {lost:+.4f} | 0.50 | 1.25 |" in row
    assert sum(shares) / len(shares) < 1


def test_without_exact_search_there_is_nothing_to_lose(bench: Bench) -> None:
    """Nor for exact search itself."""
    run_cell(parse(INDEX), WORLD, bench)
    assert index_losses(board_of(bench.store), [WORLD], [INDEX], "") == []
