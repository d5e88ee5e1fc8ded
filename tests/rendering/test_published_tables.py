"""Published tables in reports: every number, ours beside it, and a reason where there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import baselines
from benchmarks.interfaces import Encoder, Setting
from benchmarks.published.ledger import numbers, read
from benchmarks.records.record import Record
from benchmarks.registry import Baseline, Variant
from benchmarks.registry import baselines as installed
from benchmarks.rendering import board as boards
from benchmarks.rendering.board import Board
from benchmarks.rendering.ledgers import drifts, published_counts, published_tables
from benchmarks.rendering.markdown import MOST_COLUMNS, document
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

FOLDER = Path(baselines.__file__).parent
FILES = [*sorted(FOLDER.glob("*/published.toml")), baselines.REFERENCES]

PAPER = """
[[table]]
where = "Table 1"
source = "the full text"
verified = true
decimals = 3
measure = "nDCG@10"
columns = [{ dataset = "c" }, { dataset = "d" }]
rows = [
  { system = "Ours", spec = "bm25:flat", values = [0.500, 0.600] },
  { system = "Drifted", spec = "bm25:flat", kind = "reproduction", values = [0.498, ""] },
  { system = "Elsewhere", spec = "bm25:flat", protocol = { self_match = "dropped" }, note = "odd", values = [0.300, ""] },
  { system = "Recalled", spec = "bm25:flat", verified = false, values = [0.500, ""] },
  { system = "Apart", spec = "bm25:tuned", values = ["", 0.700] },
  { system = "Heavy", spec = "big:one", verified = false, values = [0.800, ""] },
  { system = "Others", values = [0.900, ""] },
]
"""


def _no_encoder(setting: Setting) -> Encoder:
    raise NotImplementedError(setting)


@pytest.fixture
def board(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """One record (bm25:flat on c, nDCG@10 0.5, paper rung), one ledger, and a baseline that needs a checkpoint."""
    path = tmp_path / "published.toml"
    path.write_text(PAPER)
    big = Baseline("big", "s", {"one": Variant(_no_encoder, "x", needs="some/checkpoint@1a2b")})
    monkeypatch.setattr(boards, "baselines", lambda: {**installed(), "big": big})
    monkeypatch.setattr(boards, "ledgers", lambda: {"bm25": read(path)})
    made: Record = run_cell(parse("bm25"), "synthetic/tiny", bench)
    return Board([replace(made, collection="c", rung="paper", scores={"nDCG@10": {"a": 0.25, "b": 0.75}})])


def test_each_row_says_what_was_measured_and_why_not(board: Board) -> None:
    """The published number, the verdict, ours with a link to its record, and the reason in the last column."""
    page = published_tables(board, board.ledgers["bm25"])
    link = "[0.5000](../../results/records/bm25.flat/c.json)"
    for row in [
        f"| Ours | 0.500 = {link} | 0.600 | measured in part: no record of d |",
        f"| Drifted | 0.498 ≠ {link} (+0.002) |  | measured |",
        f"| Elsewhere | 0.300 ~ {link} (self_match) |  | measured |",
        f"| Recalled | 0.500 ? {link} |  | measured |",
        "| Apart |  | 0.700 | not run here: no record of d |",
        "| Heavy | 0.800 ? |  | not run here: needs some/checkpoint@1a2b |",
        "| Others | 0.900 |  | cited only |",
    ]:
        assert row in page
    assert "nDCG@10. Source: the full text." in page
    assert "- 1 of 8 numbers: odd" in page


def test_the_front_page_counts_by_verdict_and_lists_drifts(board: Board) -> None:
    """Every number is counted once; a drift stands with both numbers and its table."""
    assert published_counts(board) == (
        "Published numbers with a measurement beside them: 1 drifted, 1 other protocol, 1 reproduced, "
        "1 unverified source. In the ledgers: 8 numbers, 2 of them recalled; 3 are of variants here and were not "
        "run, 1 are cited only."
    )
    assert drifts(board).splitlines()[2:] == [
        "- `bm25:flat` on c, nDCG@10: 0.500, published 0.498 (+0.002, 0.00 over 2 queries; bm25, Table 1)"
    ]


def test_a_matrix_shows_the_papers_own_number_first(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several numbers for a cell: of its own ledger before others', the paper's before a reproduction."""
    own, other = tmp_path / "own.toml", tmp_path / "other.toml"
    row = '{ system = "S", variant = "%s", spec = "bm25:flat", values = [0.%d, ""] },'
    head = PAPER.partition("rows")[0]
    again = row.replace("spec", 'kind = "reproduction", spec') % ("again", 2)
    own.write_text(f"{head}rows = [{again}{row % ('first', 1)}]")
    other.write_text(f"{head}rows = [{row % ('cited', 3)}]")
    monkeypatch.setattr(boards, "ledgers", lambda: {"a_paper": read(other), "bm25": read(own)})
    found = Board(board.measured.values()).published["bm25:flat", "c", "nDCG@10"]
    assert [number.value for number in found] == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_no_number_is_lost_on_the_way_to_a_page(path: Path) -> None:
    """Each number of a ledger stands in one cell, in tables of at most seven columns, before its 'here'."""
    ledger = read(path)
    page = document(published_tables(Board([]), ledger))
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if line.startswith("|") and "---" not in line
    ]
    body = [row for row in rows if row[-1] != "here"]
    assert max(map(len, rows)) <= MOST_COLUMNS
    assert sum(bool(cell) for row in body for cell in row[1:-1]) == len(numbers(ledger))
    assert sum(cell.endswith(" ?") for row in body for cell in row[1:-1]) == sum(
        not number.verified for number in numbers(ledger)
    )
    assert all(row[-1] for row in body)
