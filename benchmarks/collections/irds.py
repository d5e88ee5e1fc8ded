"""Collections of ir-datasets, the synthetic world among them."""

from __future__ import annotations

import errno
import logging
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from benchmarks.collections.conventions import conventions_of, datasets_home, declared
from benchmarks.collections.reach import unavailable
from benchmarks.collections.sources import Judgment, Problem, Report
from benchmarks.collections.synthetic import dataset as synthetic
from benchmarks.errors import MissingData, UnknownName, UsageError
from benchmarks.interfaces import Document, Query

# What ir-datasets raises when a download fails (requests' errors are OSErrors), a file is damaged, or a
# library that only this collection needs is not installed (TREC CAR).
_READING_FAILS = (OSError, ImportError, RuntimeError, ValueError, EOFError, zlib.error, zipfile.BadZipFile)


class DatasetSource:
    """Reads one ir-datasets id. Raises `UnknownName`, `UsageError` where it lacks one of `parts`, `MissingData` where it cannot be had."""

    def __init__(self, id: str, parts: Sequence[str] = ("docs", "queries", "qrels")) -> None:
        self.id = id
        self.dataset = load_dataset(id)
        self._quoted = conventions_of(id).quoted
        self._reach(parts)

    @property
    def language(self) -> str:
        """The documents' language as ir-datasets has it (ISO 639-1), or nothing."""
        return self.dataset.docs_lang() or ""

    def stamp(self) -> Any:
        """ir-datasets checks what it downloads, so its version and home stand for the contents."""
        if self.id.startswith("synthetic/"):
            return [self.id, synthetic.VERSION]
        return [self.id, version("ir-datasets"), str(datasets_home().resolve())]

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """Documents in ir-datasets' order. A missing title is empty."""
        for number, doc in enumerate(self._read("docs"), start=1):
            where = f"{self.id}, document {number}"
            title = getattr(doc, "title", "") or ""
            text = getattr(doc, "text", None)
            if text is None:
                text = getattr(doc, "body", None) or doc.default_text()
            if not doc.doc_id:
                report(Problem(where, "no doc_id"))
                continue
            if not text.strip() and not title.strip():
                report(Problem(where, "empty document", skipped=False))
            if self._quoted:
                title, text = unquoted(title), unquoted(text)
            yield where, Document(doc.doc_id, title, text, getattr(doc, "url", "") or "")

    def queries(self, report: Report) -> Iterator[tuple[str, Query]]:
        """Queries in ir-datasets' order."""
        for number, query in enumerate(self._read("queries"), start=1):
            text = getattr(query, "text", None) or query.default_text()
            if not text.strip():
                report(Problem(f"{self.id}, query {number}", "empty query"))
                continue
            yield f"{self.id}, query {number}", Query(query.query_id, text)

    def judgments(self, _report: Report) -> Iterator[Judgment]:
        """Judgments in ir-datasets' order."""
        for number, qrel in enumerate(self._read("qrels"), start=1):
            yield Judgment(f"{self.id}, judgment {number}", qrel.query_id, qrel.doc_id, qrel.relevance)

    def candidates(self) -> Iterator[tuple[str, str, float]]:
        """The query, document and score of every pair in the run that comes with the id (`scoreddocs`)."""
        for pair in self._read("scoreddocs"):
            yield pair.query_id, pair.doc_id, pair.score

    def answers(self) -> dict[str, tuple[str, ...]]:
        """The `answers` field of the queries, where the collection has one."""
        if "answers" not in self.dataset.queries_cls()._fields:
            return {}
        return {query.query_id: tuple(query.answers) for query in self._read("queries")}

    def _read(self, part: str) -> Iterator[Any]:
        """ir-datasets' own iterator over `docs`, `queries` or `qrels`; what goes wrong in it is one line."""
        try:
            yield from getattr(self.dataset, f"{part}_iter")()
        except _READING_FAILS as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            reason = (
                f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else 'no message'}"
            )
            raise MissingData(
                f"{self.id}: ir-datasets cannot give its {part} ({reason}); "
                f"it needs a network, or whole files below {datasets_home()}"
            ) from None

    def _reach(self, parts: Sequence[str]) -> None:
        """Before ir-datasets starts a download, make sure there is somebody at the other end."""
        if why := unavailable(self.id):
            raise MissingData(why)
        for part in parts:
            if not getattr(self.dataset, f"has_{part}")():
                raise UsageError(
                    f"{self.id}: ir-datasets has no {part} for it; choose a split that has judgments"
                )


def load_dataset(id: str) -> Any:
    """ir-datasets' own object for an id, the synthetic world included. Raises `UnknownName`, `UsageError`."""
    import ir_datasets

    logging.getLogger("ir_datasets").addFilter(_is_warning)
    synthetic.register()
    try:
        return ir_datasets.load(id)
    except KeyError:
        hint = "`retriever-bench list` shows collections; any ir-datasets id will do"
        raise UnknownName("collection", id, {*ir_datasets.registry, *declared()}, hint) from None


def unquoted(field: str) -> str:
    """A field of a CSV file as it was before it was quoted."""
    if len(field) < 2 or not (field.startswith('"') and field.endswith('"')):
        return field
    return field[1:-1].replace('""', '"')


def _is_warning(line: logging.LogRecord) -> bool:
    """ir-datasets tells of every file it opens; only what it warns of is for the reader."""
    return line.levelno >= logging.WARNING
