"""The page for whoever chooses: what is best within a budget, what is as good, and what lies on which front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.protocol import Protocol
from benchmarks.records.record import Record
from benchmarks.rendering.board import Board
from benchmarks.rendering.choosing import choosing_page
from benchmarks.rendering.ties import BEST, TIED, standing

WORLD = "synthetic/tiny"


def record(spec: str, scores: Sequence[float], p50: float = 1.0, index: int = 1, peak: int = 1) -> Record:
    """nDCG@10 of some queries, and a cost; sizes in MiB."""
    efficiency = {
        "build": {"index_bytes": index << 20, "seconds": {}},
        "search": {"p50_ms": p50, "peak_bytes": peak << 20, "batch_qps": 100.0},
    }
    named = {"nDCG@10": {f"q{n}": float(score) for n, score in enumerate(scores)}}
    counts = {"documents": 1, "queries": len(scores)}
    protocol = Protocol({"documents": "x"}, {"kind": spec}, {"measures": {}})
    return Record(
        spec, WORLD, "synthetic", protocol, counts, named, efficiency, {"machine": "a machine"}, 0, "0" * 64
    )


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    """Scores of 200 queries: a good one, one as good but for noise, and one that is surely worse."""
    rng = np.random.default_rng(0)
    good = rng.uniform(0.4, 1.0, size=200)
    noise = rng.normal(0.0, 0.1, size=200)
    return {"good": good, "like": good + noise - noise.mean() - 0.001, "worse": good - 0.2}


def p_value(a: Record, b: Record, measure: str) -> float:
    """As a board has it."""
    return Board([]).p_value(a, b, measure)


def test_the_best_and_what_is_not_separable_from_it(columns: dict[str, np.ndarray]) -> None:
    """The worse has no mark; nor has what was asked other queries; one record alone is no column."""
    column = [record(f"bm25:{name}", scores) for name, scores in columns.items()]
    found = standing(column, "nDCG@10", p_value)
    assert sorted(found.values()) == [BEST, TIED]
    assert found.keys() == {"bm25:good", "bm25:like"}
    strange = record("bm25:strange", columns["worse"][:100])
    assert "bm25:strange" not in standing([*column, strange], "nDCG@10", p_value)
    assert standing(column[:1], "nDCG@10", p_value) == {}
    assert standing(column, "RR@10", p_value) == {}


def test_the_page_answers_what_is_best_within_a_budget(columns: dict[str, np.ndarray]) -> None:
    """The worse one within a millisecond, the good one within five, with the other as good beside it."""
    page = choosing_page(
        Board([
            record("bm25:worse", columns["worse"], p50=0.5, index=1, peak=9),
            record("bm25:good", columns["good"], p50=3.0, index=5, peak=5),
            record("bm25:like", columns["like"], p50=4.0, index=9, peak=9),
        ])
    )  # fmt: skip
    within = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if " ms " in line and "|" in line
    ][1:]
    budgets = {row[1]: row[2].split(" ≈ ") for row in within if row[1].endswith("ms")}
    (only,) = budgets["1 ms"]
    best, tied = budgets["5 ms"]
    assert "bm25:worse" in only
    assert "bm25:good" in best
    assert "bm25:like" in tied
    assert "20 ms" not in budgets, "the best is the same, and a line says it once"
    marks = {
        name: line.count("●")
        for name in columns
        for line in page.splitlines()
        if line.startswith(f"| [`bm25:{name}`]")
    }
    assert marks == {"worse": 2, "good": 3, "like": 0}


def test_what_was_not_timed_is_not_offered(columns: dict[str, np.ndarray]) -> None:
    """Nor does a page of one retriever help anybody."""
    untimed = record("bm25:like", columns["like"]).with_efficiency({})
    assert choosing_page(Board([record("bm25:good", columns["good"]), untimed])) == ""


def test_what_asks_a_language_model_is_not_offered(columns: dict[str, np.ndarray]) -> None:
    """Its time is that of searching with answers that are there."""
    asked = replace(record("bm25:like", columns["like"]), generation={"answers": 200})
    page = choosing_page(
        Board([*(record(f"bm25:{name}", columns[name]) for name in ("good", "worse")), asked])
    )
    assert "bm25:good" in page
    assert "bm25:like" not in page
