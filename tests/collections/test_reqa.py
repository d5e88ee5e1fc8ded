"""ReQA: candidates, gold pairs and splits, from a hand-made SQuAD."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.collections import open_collection
from benchmarks.collections.collection import check_name
from benchmarks.collections.conventions import missing
from benchmarks.collections.reqa import FILES, split
from benchmarks.errors import MalformedInput, MissingData
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache

TRAIN = [
    ("The tower is tall. It was built in 1889 by Eiffel. Many visit it.", "1889", "who built it"),
    ("Rivers flow to the sea. The longest is the Nile!", "The longest", "name the longest river"),
]
DEV = [("Water boils at 100 degrees. Ice melts at 0.", "Ice", "what melts at 0")]


def squad(paragraphs: list[tuple[str, str, str]], name: str, questions: int) -> dict[str, Any]:
    """SQuAD v1.1 JSON with one article; each question asked `questions` times under its own id."""
    return {
        "version": "1.1",
        "data": [
            {
                "title": "An_article",
                "paragraphs": [
                    {
                        "context": text,
                        "qas": [
                            {
                                "id": f"{name}{place}-{number}",
                                "question": question,
                                "answers": [{"text": answer, "answer_start": text.index(answer)}],
                            }
                            for number in range(questions)
                        ],
                    }
                    for place, (text, answer, question) in enumerate(paragraphs)
                ],
            }
        ],
    }


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a SQuAD of three paragraphs and 90 questions."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    (tmp_path / "squad").mkdir()
    for name, paragraphs in (("train", TRAIN), ("dev", DEV)):
        content = json.dumps(squad(paragraphs, name, 30))
        (tmp_path / f"squad/{name}-v1.1.json").write_text(content)
    return tmp_path


def test_a_candidate_is_a_sentence_and_its_paragraph(data: Path, cache: Cache) -> None:
    """Every sentence of train and dev is one, the sentence as title and the paragraph as text."""
    documents = {d.id: d for d in open_collection("reqa/squad/80-20/test", cache).documents()}
    assert len(documents) == 3 + 2 + 2
    second = documents["train-0-0-1"]
    assert (second.title, second.text) == ("It was built in 1889 by Eiffel.", TRAIN[0][0])
    assert second.contents == f"{second.title} {second.text}"


def test_only_the_pair_that_holds_the_answer_is_right(data: Path, cache: Cache) -> None:
    """One judgment a question: the sentence in which the answer begins, in its own paragraph."""
    collection = open_collection("reqa/squad/1-99/test", cache)
    right = {"train0": "train-0-0-1", "train1": "train-0-1-1", "dev0": "dev-0-0-1"}
    judgments = collection.judgments()
    assert len(judgments) == 89
    for question, judged in judgments.items():
        assert judged == {right[question.partition("-")[0]]: 1}
    assert collection.answers()["dev0-1"] == ("Ice",)


def test_all_splits_search_the_same_candidates(data: Path, cache: Cache) -> None:
    """Indexes are shared: documents are those of all questions, whatever the split."""
    ids = [f"reqa/squad/{share}/{part}" for share in ("5-95", "80-20") for part in ("train", "test")]
    found = {open_collection(id, cache).inspection.documents_sha256 for id in ids}
    assert len(found) == 1


@given(st.sets(st.text(min_size=1), min_size=20, max_size=400), st.sampled_from([1, 5, 80]))
def test_a_split_is_a_partition_of_the_right_proportions(questions: set[str], share: int) -> None:
    """Every question is in one part; train and validation have their share; the order does not matter."""
    parts = split(sorted(questions), share)
    assert sorted(id for part in parts.values() for id in part) == sorted(questions)
    learnt = len(parts["train"]) + len(parts["validation"])
    assert abs(learnt - len(questions) * share / 100) <= 0.5
    assert len(parts["validation"]) == -(-learnt // 10)
    assert split(sorted(questions, reverse=True), share) == parts
    assert set(split(sorted(questions), 1)["train"]) <= set(split(sorted(questions), 80)["train"])


def test_a_cell_runs_to_its_recall(data: Path, bench: Bench) -> None:
    """From SQuAD's JSON to R@1 .. R@100; with seven candidates all are found at 10."""
    record = run_cell(parse("bm25"), "reqa/squad/80-20/test", bench)
    assert list(record.means) == ["R@1", "R@5", "R@10", "R@50", "R@100"]
    assert record.means["R@10"] == 1.0


def test_what_is_missing_or_damaged_is_one_line(
    data: Path, tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not SQuAD, and no file and no network; Natural Questions is named as not here."""
    (data / "squad/dev-v1.1.json").write_text('{"data": [{"paragraphs": [{"context": "x"}]}]}')
    with pytest.raises(MalformedInput, match=r"dev-v1\.1\.json: not a file of SQuAD v1\.1 \(KeyError"):
        open_collection("reqa/squad/1-99/test", cache)
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path / "empty"))
    monkeypatch.setattr("benchmarks.collections.reach.reachable", lambda host: False)
    with pytest.raises(MissingData, match=r"train-v1\.1\.json, .* cannot be reached"):
        open_collection("reqa/squad/1-99/test", cache)
    check_name("reqa/nq/80-20/test")
    assert "Natural Questions" in missing("reqa/nq/80-20/test")


def test_squad_is_pinned() -> None:
    """Both files have a hash, a licence and a place of their own."""
    assert {len(file.sha256) for file in FILES} == {64}
    assert len({file.local for file in FILES}) == 2
    assert all(file.licence for file in FILES)
