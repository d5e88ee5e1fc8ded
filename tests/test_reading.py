"""Question answering end to end: a retriever, a reader of random weights, a record, and its verification."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from baselines.dpr.reader import reader_variant
from baselines.encoders.checkpoints import Checkpoint
from benchmarks.collections import open_collection
from benchmarks.errors import UsageError
from benchmarks.evaluation.reading import exact_match, f1
from benchmarks.interfaces import Answer, Document
from benchmarks.records import answers as answer_file
from benchmarks.records.record import Record, digest_of
from benchmarks.records.store import read_json
from benchmarks.records.verification import verify_records
from benchmarks.registry import Baseline, Variant, baselines
from benchmarks.rendering.board import Board
from benchmarks.rendering.pages import suite_page
from benchmarks.rendering.reports import stale_reports, write_reports
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.suites import Suite

DRAWN = "read(bm25:flat,readers:dpr,depth=3)"
SPEC = "read(bm25:flat,readers:oracle,depth=5)"
MEASURES = ["nDCG@10", "R@100", "RR@10", "AnswerRecall@20"]


class Oracle:
    """Knows the right answers; says one where a passage holds it as a string, and something else otherwise."""

    protocol: ClassVar[Mapping[str, Any]] = {"model": "oracle"}

    def __init__(self, right: Mapping[str, Sequence[str]]) -> None:
        self.right = right

    def read(self, questions: Sequence[str], passages: Sequence[Sequence[Document]]) -> list[Answer]:
        """The first right answer in the first passage that holds one."""
        return [self._answer(self.right[q], found) for q, found in zip(questions, passages, strict=True)]

    def _answer(self, right: Sequence[str], found: Sequence[Document]) -> Answer:
        held = ((answer, p.id) for p in found for answer in right if answer in p.text)
        return Answer(*next(held, ("it is " + right[0], found[0].id)))


@pytest.fixture(autouse=True)
def readers(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """A baseline with DPR's reader of random weights, and one that knows the answers of synthetic/tiny."""
    collection = open_collection("synthetic/tiny", bench.cache)
    answers = collection.answers()
    right = {query.text: answers[query.id] for query in collection.queries()}
    variants = {
        "dpr": reader_variant(Checkpoint("facebook/dpr-reader-single-nq-base"), "DPR's reader"),
        "oracle": Variant(lambda _: Oracle(right), "knows"),
    }
    known = {**baselines(), "readers": Baseline("readers", "for tests", variants)}
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: known)


def test_questions_are_answered_end_to_end(bench: Bench) -> None:
    """BM25 finds, a DPR reader of random weights reads: every question has an answer out of a passage it was given."""
    bench.random_weights = True
    record = run_cell(parse(DRAWN), "synthetic/tiny", bench)
    found = run_cell(parse("bm25:flat"), "synthetic/tiny", bench)
    assert list(record.scores) == [*MEASURES, "EM", "F1"]
    assert {name: record.means[name] for name in MEASURES} == found.means
    assert record.run_sha256 != found.run_sha256  # the tag is the spec's
    assert record.protocol.evaluation["measures"]["EM"] == "retriever-bench 1"
    said = answer_file.loads(
        gzip.decompress(bench.store.answers_path(record.spec, record.collection).read_bytes())
    )
    documents = {d.id: d for d in open_collection("synthetic/tiny", bench.cache).documents()}
    assert said.keys() == record.scores["EM"].keys()
    for answer in said.values():
        assert answer.text
        letters = "".join(documents[answer.document].text.lower().split())
        assert "".join(answer.text.split()) in letters
    assert not verify_records(bench.store).problems


def test_a_reader_that_knows_scores_what_the_passages_hold(bench: Bench) -> None:
    """EM is 1 where one of the five passages read holds the answer as a string; F1 is kinder to the rest."""
    record = run_cell(parse(SPEC), "synthetic/tiny", bench)
    said = answer_file.loads(
        gzip.decompress(bench.store.answers_path(record.spec, record.collection).read_bytes())
    )
    right = open_collection("synthetic/tiny", bench.cache).answers()
    assert record.scores["EM"] == {query: exact_match(a.text, right[query]) for query, a in said.items()}
    assert record.scores["F1"] == pytest.approx(
        {query: f1(a.text, right[query]) for query, a in said.items()}, abs=1e-6
    )
    assert 0 < record.means["EM"] < record.means["F1"] < 1
    assert record.means["EM"] <= record.means["AnswerRecall@20"]


def test_a_finished_reading_is_not_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers are remembered with the cell; a damaged memory is read anew."""
    first = run_cell(parse(SPEC), "synthetic/tiny", bench)
    path = bench.store.answers_path(first.spec, first.collection)
    before = path.read_bytes()
    path.unlink()
    calls: list[int] = []
    read = Oracle.read

    def counted(
        self: Oracle, questions: Sequence[str], passages: Sequence[Sequence[Document]]
    ) -> list[Answer]:
        """Count, and read."""
        calls.append(len(questions))
        return read(self, questions, passages)

    monkeypatch.setattr(Oracle, "read", counted)
    run_cell(parse(SPEC), "synthetic/tiny", bench)
    assert path.read_bytes() == before
    assert not calls
    next((bench.cache.root / "cells").glob("*/answers.json.gz")).write_bytes(b"not gzip")
    assert run_cell(parse(SPEC), "synthetic/tiny", bench).answers_sha256 == first.answers_sha256
    assert calls


def test_records_without_answers_say_nothing_of_them(bench: Bench) -> None:
    """The field is there for cells that read, and for no others; both come back as they were written."""
    plain = run_cell(parse("bm25:flat"), "synthetic/tiny", bench)
    read = run_cell(parse(SPEC), "synthetic/tiny", bench)
    assert "answers_sha256" not in plain.to_json()
    assert len(read.to_json()["answers_sha256"]) == 64
    for path in bench.store.paths():
        value = read_json(path)
        assert Record.from_json(value).to_json() == value


@pytest.fixture
def measured(bench: Bench) -> Bench:
    """One cell that reads."""
    run_cell(parse(SPEC), "synthetic/tiny", bench)
    return bench


def test_what_was_read_verifies(measured: Bench, tmp_path: Path) -> None:
    """EM and F1 are recomputed from the answers, and stand on the pages."""
    write_reports(measured.store, tmp_path / "reports")
    found = verify_records(measured.store)
    assert not found.problems
    assert not found.not_recomputed
    assert found.numbers == 6 * (measured.store.read(measured.store.paths()[0]).counts["queries"] + 1)
    assert not stale_reports(measured.store, tmp_path / "reports")


def test_pages_show_what_was_read(measured: Bench) -> None:
    """EM and F1 have tables with the specs that read and no others; such a spec is no stranger in its column."""
    record = run_cell(parse("bm25:flat"), "synthetic/tiny", measured)
    board = Board(measured.store.records())
    both = Suite("qa", "questions", (((SPEC, record.spec), (record.collection,)),))
    page = suite_page(board, both, {})
    exact, _, rest = page.partition("### EM")[2].partition("### F1")
    assert f"`{SPEC}`" in exact
    assert "`bm25:flat`" not in exact
    assert f"`{SPEC}`" in rest
    assert "`bm25:flat`" in page.partition("### EM")[0]
    assert "Not comparable" not in page
    found = Suite("ir", "retrieval", (((record.spec,), (record.collection,)),))
    assert "### EM" not in suite_page(board, found, {})


@pytest.mark.parametrize("damage", ["changed", "truncated", "missing"])
def test_changed_answers_show(damage: str, measured: Bench) -> None:
    """Another word in one answer, half a file, no file."""
    path = next((measured.store.root / "runs").glob("*/*.answers.json.gz"))
    if damage == "changed":
        answers = json.loads(gzip.decompress(path.read_bytes()))
        next(iter(answers.values()))["text"] = "another word"
        path.write_bytes(gzip.compress(json.dumps(answers).encode()))
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:50])
    else:
        path.unlink()
    (problem,) = verify_records(measured.store).problems
    assert str(path) in problem


def test_a_forged_score_shows(measured: Bench) -> None:
    """An EM changed together with its mean and the digest is not what the answers give."""
    path = measured.store.paths()[0]
    value = json.loads(path.read_text())
    query = next(q for q, score in value["scores"]["EM"].items() if not score)
    value["scores"]["EM"][query] = 1.0
    record = Record.from_json(value).to_json()
    path.write_text(json.dumps({**record, "digest": digest_of(record)}))
    (problem,) = verify_records(measured.store).problems
    assert f"EM of query {query} is 1.0, recomputed 0.0" in problem


def test_answers_without_a_record_show(measured: Bench) -> None:
    """Nothing lies in results that nobody accounts for: neither the run nor the answers."""
    measured.store.paths()[0].unlink()
    problems = " ".join(verify_records(measured.store).problems)
    assert "no record belongs to this run" in problems
    assert "no record belongs to these answers" in problems


def test_a_collection_without_answers_cannot_be_read(bench: Bench, tmp_path: Path) -> None:
    """There would be nothing to score; it is said before anything is indexed."""
    root = tmp_path / "plain"
    (root / "qrels").mkdir(parents=True)
    (root / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "a text"}\n')
    (root / "queries.jsonl").write_text('{"_id": "q", "text": "text"}\n')
    (root / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    with pytest.raises(UsageError, match="has no answers, so nothing that is read can be scored"):
        run_cell(parse(SPEC), f"folder:{root}", bench)
    assert not (bench.cache.root / "indexes").exists()


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred documents are too many to be read through."""
    for module in ("benchmarks.retrieval.resolve", "benchmarks.records.verification"):
        monkeypatch.setattr(f"{module}.STREAMED", 100)


@pytest.mark.parametrize("spec", ["bm25:flat", SPEC])
def test_large_collections_are_not_read_through(
    spec: str, bench: Bench, large: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Their texts are kept in the cache, and give the same scores; without them the rest is recomputed, and said to be."""
    monkeypatch.setattr("benchmarks.retrieval.resolve.STREAMED", 10**6)
    streamed = run_cell(parse(spec), "synthetic/tiny", bench)
    monkeypatch.setattr("benchmarks.retrieval.resolve.STREAMED", 100)
    bench.fresh = True
    kept = run_cell(parse(spec), "synthetic/tiny", bench)
    assert kept.scores == streamed.scores
    monkeypatch.setattr(
        "benchmarks.collections.collection.Collection.documents", lambda self: pytest.fail("was read through")
    )
    found = verify_records(bench.store)
    assert not found.problems
    assert not found.not_recomputed
    monkeypatch.setenv("RETRIEVER_BENCH_CACHE", str(tmp_path / "another"))
    elsewhere = verify_records(bench.store)
    assert not elsewhere.problems
    (why,) = elsewhere.not_recomputed.values()
    assert why == "answer recall on synthetic/tiny: this machine's cache does not hold its 300 texts"
    assert elsewhere.numbers == found.numbers - kept.counts["queries"] - 1


def test_files_of_answers_are_checked() -> None:
    """What is not query to text and passage is refused in one line."""
    from benchmarks.errors import RecordError

    answers = {"q2": Answer("b", "d2"), "q1": Answer("", "")}
    assert answer_file.loads(answer_file.dumps(answers)) == answers
    assert answer_file.dumps(answers) == answer_file.dumps(dict(sorted(answers.items())))
    for content in (b"[]", b"{", b'{"q": {"text": "a"}}', b'{"q": 1}'):
        with pytest.raises(RecordError, match="a file of answers holds"):
            answer_file.loads(content)
