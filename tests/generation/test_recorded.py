"""Recorded answers: by query, for the template they were made with, under the hash of their file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.errors import BenchError
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt, Template
from benchmarks.generation.recorded import RecordedAnswers
from benchmarks.progress import Progress

TEMPLATE = Template("made-web", 1, "{query}")
RECORDED = Generator("old", "recorded", "old-1", file="old/answers.jsonl", template="made-web", samples=2)
PROMPTS = [Prompt("1", "a"), Prompt("2", "b")]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two answers to each of two queries; line separators in a text are no ends of lines."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    path = tmp_path / "old" / "answers.jsonl"
    path.parent.mkdir()
    entries = [{"query_id": str(n), "generations": [f"{n} one\u2028more", f"{n} two"]} for n in (1, 2)]
    path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), "utf-8")
    return path


def test_answers_are_taken_by_query(path: Path) -> None:
    """The first of each, in the order of the prompts; the protocol names the file's hash."""
    answers = RecordedAnswers(RECORDED, TEMPLATE)
    assert answers.texts(PROMPTS[::-1], 1) == [["2 one\u2028more"], ["1 one\u2028more"]]
    before = answers.protocol(1)
    assert len(str(before["file_sha256"])) == 64
    path.write_text(path.read_text("utf-8").replace("two", "other"), "utf-8")
    assert RecordedAnswers(RECORDED, TEMPLATE).protocol(1) != before


def test_nobody_else_can_be_asked(path: Path) -> None:
    """Too few answers, no answer, another template, no file, a line that is none: one line each."""
    answers = RecordedAnswers(RECORDED, TEMPLATE)
    assert answers.missing([*PROMPTS, Prompt("3", "c")], 2) == [(Prompt("3", "c"), 0), (Prompt("3", "c"), 1)]
    with pytest.raises(BenchError, match="answers 2 of 2 queries not, or fewer than 3 times"):
        answers.ask(PROMPTS, 3, Progress(quiet=True))
    with pytest.raises(BenchError, match="they answer no prompt of made-news"):
        RecordedAnswers(RECORDED, replace(TEMPLATE, name="made-news"))
    path.write_text('{"query_id": "1"}\n')
    with pytest.raises(BenchError, match="line 1: not"):
        RecordedAnswers(RECORDED, TEMPLATE).texts(PROMPTS, 1)
    path.unlink()
    with pytest.raises(BenchError, match="set RETRIEVER_BENCH_DATA"):
        RecordedAnswers(RECORDED, TEMPLATE).protocol(1)
