"""The section on language models: what was asked, what it cost, where it comes from."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.rendering.board import Board
from benchmarks.rendering.generations import generations
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

WORLD = "synthetic/tiny/test"


def board_of(bench: Bench, **generation: object) -> Board:
    """One cell whose record says that of its answers."""
    record = run_cell(parse("bm25:flat"), WORLD, bench)
    return Board([replace(record, generation=generation, efficiency={"search": {"p50_ms": 2.0}})])


def section(bench: Bench, **generation: object) -> str:
    """The text of the section."""
    return "\n".join(generations(board_of(bench, **generation), [WORLD], ["bm25:flat"]))


def test_cost_and_latency_stand_with_and_without_the_generation(bench: Bench) -> None:
    """Tokens, dollars, and the median with the mean request added."""
    found = section(
        bench, answers=1280, model="m", sources=["somewhere"], cut=2, tokens_in=5000, tokens_out=700, usd=0.01,
        seconds_each=0.5,
    )  # fmt: skip
    assert "| 1,280 | 5,000 / 700 | 0.0100 | 2.00 | 502 |" in found
    assert "2 queries were longer" in found


def test_what_nobody_counted_is_left_empty(bench: Bench) -> None:
    """No tokens, no dollars, no time."""
    found = section(bench, answers=64, model="m", sources=["somebody"], cut=0)
    assert "| 64 |  |  | 2.00 |  |" in found
    assert "longer than" not in found


def test_what_a_source_says_is_escaped(bench: Bench) -> None:
    """It comes from outside: it is text, whatever it holds."""
    found = section(bench, answers=1, model="m|x", sources=["<img src=x> `a` [b](c)\n# d"], cut=0)
    assert "<img" not in found.replace("\\<img", "")
    assert "\n# d" not in found
    assert "m\\|x" in found


def test_without_a_model_there_is_no_section(bench: Bench) -> None:
    """Not even a heading."""
    assert generations(board_of(bench), [WORLD], ["bm25:flat"]) == []
