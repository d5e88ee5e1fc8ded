"""Corpora by name: documents of collections as articles, and several corpora as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.training.articles import Article, articles, identity, parts
from baselines.training.trained import data_identity
from benchmarks.errors import MissingData
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import article, schools


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A collection with a text of three parts, one of two, and one that is whole."""
    lines = [
        '{"_id": "en-0-0", "title": "", "text": "One."}', '{"_id": "en-0-1", "title": "", "text": "Two."}',
        '{"_id": "en-0-2", "title": "", "text": "Three."}', '{"_id": "598#0", "title": "A", "text": "Four."}',
        '{"_id": "598#1", "title": "A", "text": "Five."}', '{"_id": "4983", "title": "B", "text": "Six."}',
    ]  # fmt: skip
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines), "utf-8")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "Which?"}', "utf-8")
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t4983\t1\n", "utf-8")
    return f"folder:{tmp_path}"


def test_documents_that_are_parts_of_one_text_are_one_article(folder: str) -> None:
    """In their order, a section each, with the title of the first; another document is an article of its own."""
    assert list(articles(f"texts:{folder}")) == [
        Article("en-0", "", (("One.",), ("Two.",), ("Three.",)), ()),
        Article("598", "A", (("Four.",), ("Five.",)), ()),
        Article("4983", "B", (("Six.",),), ()),
    ]


def test_several_corpora_are_read_one_after_the_other(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those between plus signs; their identity is that of each."""
    schools(tmp_path / "data", [article(7, [[1]])], monkeypatch)
    both = f"wikipedia-schools+texts:{folder}"
    assert parts(both) == ["wikipedia-schools", f"texts:{folder}"]
    assert [one.id for one in articles(both)] == ["article7", "en-0", "598", "4983"]
    assert identity(both) == {"corpora": [identity(part) for part in parts(both)]}
    assert identity(both)["corpora"][0] != identity(both)["corpora"][1]


def test_texts_are_named_by_their_contents(folder: str, cache: Cache) -> None:
    """A document that changes changes the identity, and with it whatever was trained; also for a train split's texts."""
    before = data_identity(f"texts:{folder}", cache)
    path = Path(folder.removeprefix("folder:")) / "corpus.jsonl"
    path.write_text(path.read_text("utf-8").replace("Six.", "Seven."), "utf-8")
    assert data_identity(f"texts:{folder}", cache) != before
    assert data_identity("texts:synthetic/tiny/train", cache)["corpus"] == "texts:synthetic/tiny/train"


@pytest.mark.parametrize("corpus", ["wikipedia+ccnet", "ccnet-29"])
def test_corpora_of_the_papers_are_said_to_be_missing(corpus: str, cache: Cache) -> None:
    """One line that names those there are."""
    with pytest.raises(MissingData, match=r"no corpus '(wikipedia|ccnet-29)' is read here; there are"):
        data_identity(corpus, cache)


def test_a_paragraph_of_xquad_is_an_article(needs: Callable[[str], str]) -> None:
    """240 of them, whose sentences stand together."""
    found = list(articles(f"texts:{needs('xquad-r/en')}"))
    assert len(found) == 240
    assert sum(len(one.sections) for one in found) > 1_000
