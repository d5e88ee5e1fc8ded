r"""Questions with their answers in a file of DPR's, over the documents of an ir-datasets collection.

Karpukhin et al. 2020 (section 4) judge a passage by whether it holds an answer, so there are no judgments:
every question counts. The file is one of two that go around: tab-separated, a question and a Python list
of answers (`question<TAB>['one', 'two']`, quoted as CSV), or JSON lines (`{"question", "answer"}`).
A question's id is the number of its row, from 0.
"""

from __future__ import annotations

import ast
import csv
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from benchmarks.collections.irds import DatasetSource
from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sources import Judgment, Problem, Report, ignore
from benchmarks.errors import MalformedInput
from benchmarks.interfaces import Document, Query

_DAMAGED = (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error, csv.Error)


class QuestionSource:
    """The documents of the ir-datasets id `documents`, asked the questions of `file`. Raises `MissingData`."""

    def __init__(self, documents: str, file: DeclaredFile) -> None:
        self._documents = DatasetSource(documents, parts=("docs",))
        self._path = file.locate()

    @property
    def language(self) -> str:
        """The documents' language."""
        return self._documents.language

    def stamp(self) -> Any:
        """That of the documents; the name, size and time of the file of questions."""
        stat = self._path.stat()
        return ["questions", self._documents.stamp(), str(self._path), stat.st_size, stat.st_mtime_ns]

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """Documents in ir-datasets' order."""
        return self._documents.documents(report)

    def queries(self, report: Report) -> Iterator[tuple[str, Query]]:
        """Questions in file order; rows without a question or an answer are left out."""
        for id, where, question, _ in _rows(self._path, report):
            yield where, Query(id, question)

    def judgments(self, _report: Report) -> Iterator[Judgment]:
        """None: passages are judged by the answers they hold."""
        return iter(())

    def answers(self) -> dict[str, tuple[str, ...]]:
        """The answers of each question: strings, or for CuratedTREC one regular expression."""
        return {id: answers for id, _, _, answers in _rows(self._path, ignore)}


def _rows(path: Path, report: Report) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Id, place, question and answers of each readable row. Raises `MalformedInput` for a damaged file."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            for number, fields in enumerate(_fields(file)):
                where = f"{path}, row {number + 1}"
                question, answers = fields or ("", ())
                if question.strip() and answers:
                    yield str(number), where, question, answers
                else:
                    report(Problem(where, "not a question with a list of answers"))
    except _DAMAGED as error:
        raise MalformedInput(f"{path}: cannot be read ({error}); fetch it again") from None


def _fields(file: IO[str]) -> Iterator[tuple[str, tuple[str, ...]] | None]:
    """Question and answers of each row; nothing for a row that has another shape."""
    is_json = file.read(1) == "{"
    file.seek(0)
    for row in file if is_json else csv.reader(file, delimiter="\t"):
        try:
            yield _from_json(row) if isinstance(row, str) else _from_columns(row)
        except (ValueError, SyntaxError, KeyError, TypeError):
            yield None


def _from_json(line: str) -> tuple[str, tuple[str, ...]]:
    entry = json.loads(line)
    return str(entry["question"]), _strings(entry["answer"])


def _from_columns(columns: list[str]) -> tuple[str, tuple[str, ...]]:
    question, answers = columns
    # A literal: nothing in it is executed.
    return question, _strings(ast.literal_eval(answers))


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(answer, str) for answer in value):
        raise ValueError("answers are a list of strings")
    return tuple(value)
