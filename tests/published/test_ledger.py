"""Ledgers: what is whole loads as it was printed, and what is not whole does not load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import RecordError
from benchmarks.published.ledger import ledgers, numbers, read
from benchmarks.published.number import PublishedNumber

WHOLE = """
[[table]]
where = "Table 2"
source = "the full text"
verified = true
decimals = 3
measure = "nDCG@10"
columns = [
  { dataset = "beir/scifact/test" },
  { dataset = "beir/arguana", protocol = { self_match = "dropped" } },
  { dataset = "beir/scifact/test", measure = "latency", unit = "ms", decimals = 1 },
]
rows = [
  { system = "BM25", variant = "flat", spec = "bm25", values = [0.679, { value = 0.397, note = "shifted" }, 2.5] },
  { system = "ANCE", verified = false, values = ["", 0.415, ""] },
]
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], list[PublishedNumber]]:
    """Reads a ledger from its text."""

    def from_text(text: str) -> list[PublishedNumber]:
        path = tmp_path / "published.toml"
        path.write_text(text)
        return numbers(read(path))

    return from_text


def test_a_field_stands_at_table_column_row_or_cell(load: Callable[[str], list[PublishedNumber]]) -> None:
    """The nearest counts, an empty cell is no number, and the rest is shared."""
    plain, noted, timed, recalled = load(WHOLE)
    assert {number.where for number in (plain, noted, timed, recalled)} == {"Table 2"}
    assert (plain.value, plain.measure, plain.decimals, plain.unit) == (0.679, "nDCG@10", 3, "")
    assert (noted.note, noted.protocol) == ("shifted", {"self_match": "dropped"})
    assert (timed.value, timed.measure, timed.unit, timed.printed) == (2.5, "latency", "ms", "2.5 ms")
    assert (recalled.system, recalled.dataset, recalled.verified) == ("ANCE", "beir/arguana", False)


def test_which_numbers_are_of_our_cells(load: Callable[[str], list[PublishedNumber]]) -> None:
    """A spec of ours, a collection's id and a fraction make a cell; a cost, a citation or an average do not."""
    keys = [number.key for number in load(WHOLE)]
    assert keys == [
        ("bm25", "beir/scifact/test", "nDCG@10"),
        ("bm25", "beir/arguana", "nDCG@10"),
        None,
        None,
    ]
    average = WHOLE.replace("beir/arguana", "beir average (14, without MS MARCO)")
    assert load(average)[1].key is None


@pytest.mark.parametrize(
    ("measure", "dataset", "ours"),
    [
        ("Success@20", "dpr-w100/trivia-qa/test", "AnswerRecall@20"),
        ("AP(rel=2)", "msmarco-passage/trec-dl-2019/judged", "AP(rel=2)@1000"),
        ("R(rel=2)@1000", "msmarco-passage/trec-dl-2019/judged", "R(rel=2)@1000"),
        ("Success@5", "lotte/pooled/test/search", "Success@5"),
        ("R_cap@100", "beir/trec-covid", "R_cap@100"),
    ],
)
def test_measures_map_by_name_with_few_exceptions(
    measure: str, dataset: str, ours: str, load: Callable[[str], list[PublishedNumber]]
) -> None:
    """DPR's top-k accuracy is answer recall, average precision is cut at 1000; all else is as it is called."""
    text = WHOLE.replace("nDCG@10", measure).replace("beir/arguana", dataset)
    assert load(text)[1].key == ("bm25", dataset, ours)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "the full text"', "", "source is missing"),
        ('source = "the full text"', 'source = " "', "source is empty"),
        ('where = "Table 2"', "", "where is missing"),
        ("verified = true", "", "verified is missing"),
        ("verified = true", 'verified = "yes"', "not of type bool"),
        ("decimals = 3", "", "decimals is missing"),
        ("decimals = 3", "decimals = true", "not of type int"),
        ("decimals = 3", "decimals = 2", "more digits"),
        ("decimals = 3", "decimals = -1", "more digits"),
        ('measure = "nDCG@10"', "", "measure is missing"),
        ('"nDCG@10"', '"nDGC@10"', "nobody defines a measure 'nDGC@10'"),
        ('"latency", unit = "ms"', '"latency"', "nobody defines a measure 'latency'"),
        ('unit = "ms"', 'unit = "fortnights"', "unknown unit 'fortnights'"),
        ('measure = "latency"', 'measure = "R@10"', "takes? no unit|has no unit"),
        ("0.679", "67.9", "divide what is printed in percent by 100"),
        ("0.679", '"0.679"', "not of type int or float"),
        ("0.679, ", "", "needs 3 values, one for each column"),
        ("2.5]", "nan]", "no number that can be printed"),
        ("columns = [", 'columns = ["beir/scifact/test", ', "columns must be a list of tables"),
        ("rows = [", "lines = [", "rows must be a list of tables"),
        ("[[table]]", "[table]", "table must be a list of tables"),
        ('note = "shifted"', 'nite = "shifted"', "unknown field 'nite'"),
        ('spec = "bm25"', 'spec = "rrf(bm25"', "cannot read"),
        ('spec = "bm25"', 'kind = "hearsay"', "unknown kind"),
        ("[[table]]", "[[number]]", "unknown key 'number'"),
        ("columns = [", "columns = [[", "cannot be read"),
        ('"BM25", variant = "flat"', '"ANCE", variant = ""', "two numbers for ANCE, beir/arguana"),
    ],
)
def test_what_is_not_whole_does_not_load(
    old: str, new: str, message: str, load: Callable[[str], list[PublishedNumber]]
) -> None:
    """Nobody can forget a source, a place, a precision or a word on verification; the file is named."""
    assert old in WHOLE
    with pytest.raises(RecordError, match=message) as caught:
        load(WHOLE.replace(old, new))
    assert "published.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_names_its_entry(load: Callable[[str], list[PublishedNumber]]) -> None:
    """The table, the system, the dataset and the measure, so that the line is found in a long file."""
    with pytest.raises(RecordError, match=r"Table 2: BM25, flat, beir/arguana, nDCG@10: 39.7 is no fraction"):
        load(WHOLE.replace("0.397", "39.7"))


@given(digits=st.integers(-(10**5), 10**5), decimals=st.integers(5, 7))
def test_a_number_is_shown_as_it_was_printed(digits: int, decimals: int) -> None:
    """Trailing zeros included, and never refused for a float's last bit."""
    printed = f"{digits / 10**decimals:.{decimals}f}"
    number = PublishedNumber("S", "d", "Spearman", float(printed), decimals, "T", "s", True)
    assert number.printed == printed
    assert number.problem() == ""
    if digits % 10:
        coarser = PublishedNumber("S", "d", "Spearman", float(printed), decimals - 1, "T", "s", True)
        assert "more digits" in coarser.problem()


def test_ledgers_are_found_through_baselines_and_entry_points() -> None:
    """Every baseline that declares a file has a ledger, and the references have one without a baseline."""
    assert {"bm25", "contriever", "minilm", "references"} <= ledgers().keys()
