"""ReQA-SQuAD: find the sentence, and the paragraph around it, that answers a question.

Ahmad et al. (2019) turn a question answering set into retrieval; Chang et al. (ICLR 2020, section
4.1) split its questions 1/99, 5/95 and 80/20 into train and test, and take a tenth of train for
validation. A candidate is a pair of a sentence and its paragraph, from all paragraphs of SQuAD v1.1
(train and dev), whatever the split; the one that is right holds the beginning of the first answer.

A pair becomes `Document(title=sentence, text=paragraph)`: what takes one text sees the sentence and
then the paragraph, what takes pairs sees `sentence [SEP] paragraph`, as published. The article's
title is in neither. Sentences are those of nltk's Punkt without training data; which sentences and
which random split the paper had is not known.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.collections.punkt import sentence_spans
from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sources import Judgment, Problem, Report
from benchmarks.errors import MalformedInput
from benchmarks.interfaces import Document, Query

_URL = "https://rajpurkar.github.io/SQuAD-explorer/dataset"
_LICENCE = "CC BY-SA 4.0"
FILES = (
    DeclaredFile(
        f"{_URL}/train-v1.1.json",
        "3527663986b8295af4f7fcdff1ba1ff3f72d07d61a20f487cb238a6ef92fd955",
        _LICENCE,
        "squad/train-v1.1.json",
    ),
    DeclaredFile(
        f"{_URL}/dev-v1.1.json",
        "95aa6a52d5d6a735563366753ca50492a658031da74f301ac5238b03966972c9",
        _LICENCE,
        "squad/dev-v1.1.json",
    ),
)
_SEED = 0
_VALIDATION = 10
"""One in so many of the training questions is for validation."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its answers: their strings, and where in the paragraph the first begins."""

    id: str
    text: str
    answers: tuple[str, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph with its place, which is also the beginning of its candidates' ids."""

    id: str
    text: str
    questions: tuple[Question, ...]


class ReqaSource:
    """Reads an id such as `reqa/squad/1-99/test`. Raises `MissingData` where SQuAD cannot be had."""

    language = "en"

    def __init__(self, id: str) -> None:
        self.id = id
        _, _, proportion, self._split = id.split("/")
        self._share = int(proportion.partition("-")[0])
        self._files = [file.locate() for file in FILES]

    def stamp(self) -> Any:
        """The files' sizes and times, and who finds sentences in them."""
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in self._files]
        return [self.id, _SEED, version("nltk"), stats]

    def documents(self, _report: Report) -> Iterator[tuple[str, Document]]:
        """Every sentence with its paragraph, in the order of the files."""
        for paragraph in self._paragraphs:
            for number, (start, end) in enumerate(sentence_spans(paragraph.text)):
                id = f"{paragraph.id}-{number}"
                yield id, Document(id, paragraph.text[start:end], paragraph.text)

    def queries(self, report: Report) -> Iterator[tuple[str, Query]]:
        """The questions of the split."""
        for paragraph, question in self._questions():
            if question.text.strip():
                yield paragraph.id, Query(question.id, question.text)
            else:
                report(Problem(f"{self.id}, question {question.id}", "empty query"))

    def judgments(self, _report: Report) -> Iterator[Judgment]:
        """For each question the one pair that holds the beginning of its first answer."""
        for paragraph, question in self._questions():
            spans = sentence_spans(paragraph.text)
            right = max((n for n, (start, _) in enumerate(spans) if start <= question.offset), default=0)
            yield Judgment(f"{self.id}, question {question.id}", question.id, f"{paragraph.id}-{right}", 1)

    def answers(self) -> dict[str, tuple[str, ...]]:
        """The answer strings of the split's questions."""
        return {question.id: question.answers for _, question in self._questions()}

    def _questions(self) -> Iterator[tuple[Paragraph, Question]]:
        for paragraph in self._paragraphs:
            for question in paragraph.questions:
                if question.id in self._chosen:
                    yield paragraph, question

    @functools.cached_property
    def _chosen(self) -> frozenset[str]:
        ids = [question.id for paragraph in self._paragraphs for question in paragraph.questions]
        return frozenset(split(ids, self._share)[self._split])

    @functools.cached_property
    def _paragraphs(self) -> list[Paragraph]:
        return [paragraph for path in self._files for paragraph in _read(path)]


def split(questions: Sequence[str], share: int) -> dict[str, list[str]]:
    """Question ids by train, validation and test; `share` of 100 are for the first two.

    Ordered by a hash, so that neither the files' order nor a library's generator can move them;
    what a smaller share trains on, a larger one trains on as well.
    """
    drawn = sorted(questions, key=lambda id: hashlib.sha256(f"{_SEED} {id}".encode()).digest())
    cut = round(len(drawn) * share / 100)
    return {
        "train": [id for place, id in enumerate(drawn[:cut]) if place % _VALIDATION],
        "validation": drawn[:cut:_VALIDATION],
        "test": drawn[cut:],
    }


def _read(path: Path) -> Iterator[Paragraph]:
    try:
        articles = json.loads(path.read_text("utf-8"))["data"]
        for number, article in enumerate(articles):
            for place, entry in enumerate(article["paragraphs"]):
                questions = tuple(_question(question) for question in entry["qas"])
                yield Paragraph(f"{path.name.split('-')[0]}-{number}-{place}", entry["context"], questions)
    except (ValueError, LookupError, TypeError) as error:
        raise MalformedInput(
            f"{path}: not a file of SQuAD v1.1 ({type(error).__name__}: {error}); delete it and run again"
        ) from None


def _question(entry: Any) -> Question:
    answers = entry["answers"]
    texts = tuple(dict.fromkeys(answer["text"] for answer in answers))
    return Question(entry["id"], entry["question"], texts, answers[0]["answer_start"])
