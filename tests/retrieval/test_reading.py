"""Reading: the ranking is the retriever's own, and an answer comes beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from benchmarks.conformance import ConformanceError, check_reader
from benchmarks.errors import EvaluationError, UsageError
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Answer, Document, Query, Ranking, Setting
from benchmarks.registry import Baseline, Variant
from benchmarks.retrieval import reading, resolve
from benchmarks.retrieval.reading import Reading
from benchmarks.retrieval.texts import TextStore
from benchmarks.spec import parse
from tests.retrieval.stubs import documents

DOCUMENTS = documents(30)


class Numbers:
    """Finds the documents whose number the query's is a multiple of, the largest first; none for 0."""

    protocol: ClassVar[Mapping[str, Any]] = {"kind": "numbers"}

    def __init__(self) -> None:
        self.depths: list[int] = []

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Ids of `DOCUMENTS`."""
        self.depths.append(depth)
        return [self._ranking(int(query.text), depth) for query in queries]

    def _ranking(self, asked: int, depth: int) -> Ranking:
        found = [n for n in range(1, len(DOCUMENTS)) if asked and asked % n == 0]
        return rank([DOCUMENTS[n].id for n in found], np.array(found, dtype=np.float32), depth)


class Lister:
    """Answers with the texts of all passages it was given, from the last of them."""

    protocol: ClassVar[Mapping[str, Any]] = {"model": "lister"}

    def __init__(self) -> None:
        self.calls: list[int] = []

    def read(self, questions: Sequence[str], passages: Sequence[Sequence[Document]]) -> list[Answer]:
        """All texts, joined."""
        self.calls.append(len(questions))
        return [Answer(", ".join(p.text for p in found), found[-1].id) for found in passages]


def opened(reader: Any, passages: int, folder: Path) -> Reading:
    """A reading over `DOCUMENTS`."""
    made = Reading(Numbers(), reader, passages)
    made.index(DOCUMENTS, folder)
    return made


QUERIES = [Query("q12", "12"), Query("q0", "0"), Query("q7", "7")]


def test_the_ranking_is_the_first_parts_and_the_best_are_read(tmp_path: Path) -> None:
    """Passages come with their texts, best first; a query without any gets the empty answer."""
    made = opened(Lister(), 3, tmp_path)
    rankings, answers = made.read(QUERIES, 5)
    alone = Numbers().search(QUERIES, 5)
    assert [ranking.ids for ranking in rankings] == [ranking.ids for ranking in alone]
    assert [ranking.scores.tolist() for ranking in rankings] == [r.scores.tolist() for r in alone]
    assert answers == [
        Answer("text 12, text 6, text 4", DOCUMENTS[4].id),
        Answer("", ""),
        Answer("text 7, text 1", DOCUMENTS[1].id),
    ]
    assert [ranking.ids for ranking in made.search(QUERIES, 5)] == [ranking.ids for ranking in rankings]


def test_a_shallow_run_does_not_starve_the_reader(tmp_path: Path) -> None:
    """As many passages are read as were asked for, and the run is cut at its own depth."""
    made = opened(Lister(), 4, tmp_path)
    rankings, answers = made.read(QUERIES[:1], 2)
    assert rankings[0].ids == [DOCUMENTS[12].id, DOCUMENTS[6].id]
    assert answers[0].text == "text 12, text 6, text 4, text 3"


def test_questions_are_read_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, the passages of a few are in memory; the answers keep their order."""
    monkeypatch.setattr(reading, "_QUESTIONS", 4)
    reader = Lister()
    queries = [Query(f"q{n}", str(n)) for n in range(1, 12)]
    _, answers = opened(reader, 1, tmp_path).read(queries, 5)
    assert [answer.text for answer in answers] == [f"text {n}" for n in range(1, 12)]
    assert reader.calls == [4, 4, 3]


def test_texts_are_written_once(tmp_path: Path) -> None:
    """A folder that is finished is opened without reading a document, and named by the texts alone."""
    opened(Lister(), 3, tmp_path)
    again = Reading(Numbers(), Lister(), 50)
    again.index(iter(()), tmp_path)
    assert again.read(QUERIES[2:], 5)[1][0].text == "text 7, text 1"
    assert again.index_protocol == TextStore.PROTOCOL
    assert again.protocol == {
        "kind": "reading", "passages": 50, "first": {"kind": "numbers"}, "reader": {"model": "lister"},
    }  # fmt: skip


def test_a_reader_that_skips_a_question_fails(tmp_path: Path) -> None:
    """Answers are counted: no question may be lost."""

    class Silent(Lister):
        """Says one thing less than it was asked."""

        def read(self, questions: Sequence[str], passages: Sequence[Sequence[Document]]) -> list[Answer]:
            """All but one."""
            return super().read(questions, passages)[1:]

    with pytest.raises(EvaluationError, match="2 questions were asked and 1 answers came back"):
        opened(Silent(), 3, tmp_path).read(QUERIES, 5)


@pytest.fixture
def lister(monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline `lister` beside the real ones."""
    from benchmarks.registry import baselines

    known = {
        **baselines(),
        "lister": Baseline("lister", "a toy", {"all": Variant(lambda _: Lister(), "all")}),
    }
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: known)


def test_a_spec_names_a_reading(lister: None) -> None:
    """It prints as it parses; the depth is 50 where none is given; canonical names are spelled out."""
    spec = parse("read(rrf(bm25:flat,lsa:svd256),lister:all,depth=20)")
    assert parse(str(spec)) == spec
    made = resolve.resolve(spec, Setting())
    assert isinstance(made, Reading)
    assert made.protocol["passages"] == 20
    assert resolve.resolve(parse("read(bm25,lister)"), Setting()).protocol["passages"] == 50
    assert str(resolve.canonical_spec(parse("read(bm25,lister)"))) == "read(bm25:flat,lister:all)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("read(bm25)", "read takes a retriever and a reader"),
        ("read(bm25,lsa,lister)", "read takes a retriever and a reader"),
        ("read(bm25,rrf(bm25,lsa))", "read takes a retriever and a reader"),
        ("rrf(bm25,read(bm25,lister))", "read stands outermost"),
        ("read(read(bm25,lister),lister)", "read stands outermost"),
        ("read(bm25,lister,depth=0)", "depth is a whole number"),
        ("read(0.5*bm25,lister)", "weights go with"),
        ("read(bm25,lsa)", "lsa is not a reader"),
        ("read(bm25,lister@HNSW32)", "is not a reader"),
        ("lister", r"use it as read\(FIRST,lister\)"),
        ("rrf(bm25,lister)", r"use it as read\(FIRST,lister\)"),
    ],
)
def test_what_cannot_be_read_is_wrong_use(text: str, message: str, lister: None) -> None:
    """One line says what stands where it cannot."""
    with pytest.raises(UsageError, match=message):
        resolve.resolve(parse(text), Setting())


class Faulty(Lister):
    """A reader with one thing wrong."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def read(self, questions: Sequence[str], passages: Sequence[Sequence[Document]]) -> list[Answer]:
        """What the stub says, spoiled."""
        answers = super().read(questions, passages)
        match self.fault:
            case "silent":
                return answers[1:]
            case "a string":
                return ["answer" for _ in questions]  # type: ignore[misc]
            case "another passage":
                return [Answer(answer.text, "stranger") for answer in answers]
            case "its neighbours":
                return [Answer(f"{len(questions)} {answer.text}", answer.document) for answer in answers]
            case _:
                return answers


def test_the_conformance_kit_knows_readers() -> None:
    """A sound one passes; each fault is found and named."""
    check_reader(Faulty("nothing"))
    for fault, message in {
        "silent": "8 questions gave 7 answers",
        "a string": "not an Answer",
        "another passage": "not one of its passages",
        "its neighbours": "read alone gave another answer",
    }.items():
        with pytest.raises(ConformanceError, match=message):
            check_reader(Faulty(fault))
