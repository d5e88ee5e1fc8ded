"""Collections in a folder of BEIR's layout: corpus.jsonl, queries.jsonl, qrels/<split>.tsv.

Files may be gzipped; judgments may be BEIR's three columns with a header or TREC's four. beir's
own loader reads the whole corpus into memory; this one streams, and names what it cannot read.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.collections.sources import Judgment, Problem, Report
from benchmarks.errors import MissingData
from benchmarks.interfaces import Document, Query


class FolderSource:
    """Reads BEIR-style files. `only` keeps the documents whose id starts with it."""

    def __init__(self, corpus: Path, queries: Path, qrels: Path, only: str = "") -> None:
        self.corpus, self.query_file, self.qrels, self.only = corpus, queries, qrels, only

    @classmethod
    def from_folder(cls, folder: Path, split: str) -> FolderSource:
        """The files of `folder`, judged by qrels/<split>.tsv. Raises `MissingData`."""
        return cls(
            _present(folder, "corpus.jsonl", "corpus.jsonl.gz"),
            _present(folder, "queries.jsonl", "queries.jsonl.gz"),
            _present(folder / "qrels", f"{split}.tsv", f"{split}.trec"),
        )

    @property
    def language(self) -> str:
        """A folder does not say."""
        return ""

    def stamp(self) -> Any:
        """Names, sizes and times of the files."""
        files = (self.corpus, self.query_file, self.qrels)
        stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return ["folder", str(self.corpus.parent.resolve()), self.only, stats]

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """Documents in file order; a document with neither title nor text is kept and reported."""
        for where, entry in _json_lines(self.corpus, report):
            title, text = _text(entry.get("title")), _text(entry.get("text"))
            if title is None or text is None:
                report(Problem(where, "title or text is not a string"))
                continue
            if not str(entry["_id"]).startswith(self.only):
                continue
            if not title.strip() and not text.strip():
                report(Problem(where, "empty document", skipped=False))
            yield where, Document(str(entry["_id"]), title, text)

    def queries(self, report: Report) -> Iterator[tuple[str, Query]]:
        """Queries in file order; empty ones are left out."""
        for where, entry in _json_lines(self.query_file, report):
            text = _text(entry.get("text"))
            if not text or not text.strip():
                report(Problem(where, "empty query"))
                continue
            yield where, Query(str(entry["_id"]), text)

    def judgments(self, report: Report) -> Iterator[Judgment]:
        """Judgments in file order; the first line may be BEIR's header."""
        for number, line in _lines(self.qrels, report):
            where = f"{self.qrels}, line {number}"
            # Ids may hold spaces where tabs separate the fields, as in BEIR.
            fields = line.split("\t") if "\t" in line else line.split()
            if number == 1 and fields[:2] == ["query-id", "corpus-id"]:
                continue
            if len(fields) == 4:
                del fields[1]
            if len(fields) != 3 or not fields[2].lstrip("-").isdigit():
                report(Problem(where, "not a judgment (query, document, whole number)"))
                continue
            yield Judgment(where, fields[0], fields[1], int(fields[2]))

    def answers(self) -> dict[str, tuple[str, ...]]:
        """The `answers` of the queries' metadata, where there are some."""
        found = {}
        for _, entry in _json_lines(self.query_file, lambda _: None):
            answers = (entry.get("metadata") or {}).get("answers")
            if answers:
                found[str(entry["_id"])] = tuple(answers)
        return found


def _present(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise MissingData(
        f"{folder} has no {' or '.join(names)}; a BEIR folder holds corpus.jsonl, queries.jsonl, qrels/"
    )


def _text(value: Any) -> str | None:
    if value is None:
        return ""
    return value if isinstance(value, str) else None


def _lines(path: Path, report: Report) -> Iterator[tuple[int, str]]:
    """Non-empty lines with their numbers; a line that is not UTF-8 is reported and left out."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8").strip("\r\n")
            except UnicodeDecodeError:
                report(Problem(f"{path}, line {number}", "not UTF-8"))
                continue
            if line.strip():
                yield number, line.removeprefix("\ufeff")


def _json_lines(path: Path, report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in _lines(path, report):
        where = f"{path}, line {number}"
        try:
            entry = json.loads(line)
        except ValueError:
            report(Problem(where, "not JSON"))
            continue
        if not isinstance(entry, dict) or entry.get("_id") in (None, ""):
            report(Problem(where, "no _id"))
            continue
        yield where, entry
