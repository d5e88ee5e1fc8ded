"""Collections with fewer distractors: what is judged stays, and of the rest a share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.collections import open_collection
from benchmarks.collections.collection import check_name
from benchmarks.collections.conventions import conventions_of, missing
from benchmarks.collections.thinned import whole_of
from benchmarks.errors import UsageError
from benchmarks.storage.cache import Cache

DOCUMENTS = 400
JUDGED = {"d0", "d7", "d399"}


@pytest.fixture
def whole(tmp_path: Path) -> str:
    """A folder of 400 documents, three of them judged, one of the three as not relevant."""
    folder = tmp_path / "many"
    (folder / "qrels").mkdir(parents=True)
    lines = [{"_id": f"d{n}", "title": "", "text": f"word{n % 7} common"} for n in range(DOCUMENTS)]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "word0"}))
    (folder / "qrels" / "test.tsv").write_text("q\td0\t2\nq\td7\t1\nq\td399\t0\n")
    return f"folder:{folder}"


def ids(id: str, cache: Cache) -> list[str]:
    """The documents of a collection, in order."""
    return [document.id for document in open_collection(id, cache).documents()]


def test_what_a_smaller_share_holds_a_larger_one_holds(whole: str, cache: Cache) -> None:
    """All judged documents first, whatever their grade; then more and more of the others, in the order of the whole."""
    everything = ids(whole, cache)
    assert set(ids(f"{whole}:0%", cache)) == JUDGED
    before = JUDGED
    for share in (10, 50, 99):
        held = ids(f"{whole}:{share}%", cache)
        assert held == [id for id in everything if id in set(held)]
        assert before <= set(held)
        assert abs((len(held) - 3) / (DOCUMENTS - 3) - share / 100) < 0.06
        before = set(held)


def test_queries_and_judgments_are_those_of_the_whole(whole: str, cache: Cache) -> None:
    """And the protocol tells the two apart by their documents alone."""
    full, thin = open_collection(whole, cache), open_collection(f"{whole}:10%", cache)
    assert thin.queries() == full.queries() and thin.judgments() == full.judgments()
    assert {name for name, value in thin.protocol.items() if value != full.protocol[name]} == {"documents"}
    assert thin.id == f"{full.id}:10%"


@given(st.text(alphabet="ab/:%-#1", min_size=1), st.integers(0, 99))
def test_an_id_prints_as_it_parses(id: str, share: int) -> None:
    """Whatever stands before the last colon."""
    assert whole_of(f"{id}:{share}%") == (id, share)


@pytest.mark.parametrize(
    "id", ["beir/scifact/test", "folder:a:b", "folder:100%/c", "folder:50%", "synthetic/small"]
)
def test_other_ids_are_whole(id: str) -> None:
    """A colon or a percent sign alone thins nothing."""
    assert whole_of(id) == (id, None)


@pytest.mark.parametrize("share", ["100", "-1", "1.5", "x", ""])
def test_a_share_is_a_whole_number_below_a_hundred(share: str) -> None:
    """What is none is wrong use, in one line that says so."""
    with pytest.raises(UsageError, match="a whole number from 0 to 99"):
        check_name(f"beir/scifact/test:{share}%")


@pytest.mark.parametrize("id", ["sts12:10%", "dpr-w100/natural-questions/test:10%"])
def test_without_judged_documents_there_is_no_share(id: str) -> None:
    """Sentences have none, nor have questions that are judged by their answers: nothing must stay."""
    with pytest.raises(UsageError, match="has no judged documents to keep"):
        check_name(id)


def test_its_numbers_are_the_labs() -> None:
    """No paper prints them; the rest of its conventions, and what is missing of it, are those of the whole."""
    whole, thin = conventions_of("trec-dl-pool/dl19"), conventions_of("trec-dl-pool/dl19:10%")
    assert thin.measures == whole.measures and not thin.candidates and whole.candidates
    assert conventions_of("beir/scifact/test").rung == "paper"
    assert conventions_of("beir/scifact/test:10%").rung == "lab"
    assert missing("beir/scifact/test:10%") == missing("beir/scifact/test")
