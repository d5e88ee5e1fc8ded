"""A collection, opened: inspected once, then streamed as often as needed.

Inspection reads everything once, hashes what it read, and finds duplicates, judgments of
unknown documents and whatever the source could not read. What it found is kept in the cache
under the source's stamp, so that opening a known collection costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Set
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.collections.conventions import Conventions, conventions_of, data_folder, declared
from benchmarks.collections.folder import FolderSource
from benchmarks.collections.irds import DatasetSource, load_dataset
from benchmarks.collections.questions import QuestionSource
from benchmarks.collections.reach import unavailable
from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.reqa import ReqaSource
from benchmarks.collections.sentences import check_sentences, open_sentences
from benchmarks.collections.sources import Judgment, Problem, Source, ignore
from benchmarks.collections.thinned import ThinnedSource, whole_of
from benchmarks.errors import MalformedInput, MissingData, UsageError
from benchmarks.interfaces import Document, Judgments, Query
from benchmarks.protocol import fingerprint
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache

_SHOWN = 20


@dataclass
class Inspection:
    """What reading a collection once has found. Hashes cover contents, in order."""

    documents: int = 0
    queries: int = 0
    judgments: int = 0
    documents_sha256: str = ""
    queries_sha256: str = ""
    judgments_sha256: str = ""
    duplicates: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    skipped: int = 0
    doubtful: int = 0

    def report(self, problem: Problem) -> None:
        """Count a problem; the first few are kept in words."""
        if problem.skipped:
            self.skipped += 1
        else:
            self.doubtful += 1
        if len(self.problems) < _SHOWN:
            self.problems.append(asdict(problem))


class Collection:
    """Documents, judged queries and judgments. Iterating again reads again.

    Where a source has answers and no judgments, its passages are judged by the answers they hold:
    every question with an answer counts.
    """

    def __init__(self, id: str, source: Source, conventions: Conventions, inspection: Inspection) -> None:
        self.id = id
        self.conventions = conventions
        self.inspection = inspection
        self._source = source
        self._judgments: Judgments | None = None
        self._duplicates = frozenset(inspection.duplicates)

    def documents(self) -> Iterator[Document]:
        """All documents, each id once, as a stream."""
        for where, document in self._source.documents(ignore):
            if where not in self._duplicates:
                yield document

    def queries(self) -> list[Query]:
        """The judged queries, in order of id: the ones a mean runs over."""
        judged = self.judgments()
        found = {query.id: query for _, query in self._source.queries(ignore) if query.id in judged}
        return [found[id] for id in sorted(found)]

    def judgments(self) -> Judgments:
        """Grades by query and document, for the queries that have a text."""
        if self._judgments is None:
            known = {query.id for _, query in self._source.queries(ignore)}
            grades: Judgments = {}
            for judgment in self._source.judgments(ignore):
                if judgment.query in known:
                    grades.setdefault(judgment.query, {})[judgment.document] = judgment.grade
            self._judgments = grades or {query: {} for query in self.answers() if query in known}
        return self._judgments

    def answers(self) -> dict[str, tuple[str, ...]]:
        """Answer strings by query; nothing where the collection has none."""
        return self._source.answers()

    @property
    def protocol(self) -> dict[str, Any]:
        """The section of a protocol that says what was searched."""
        found, matching = self.inspection, self.conventions.answers
        return {
            "documents": found.documents_sha256,
            "queries": found.queries_sha256,
            "judgments": found.judgments_sha256,
            "language": self.conventions.language,
            "self_match": "dropped" if self.conventions.drop_self else "kept",
            **({"answers": matching} if matching != Conventions.answers else {}),
        }


def open_collection(id: str, cache: Cache, *, strict: bool = False) -> Collection:
    """Open a collection by its id, inspecting it when it is new or has changed.

    Raises `UnknownName`, `MissingData`, and with `strict` `MalformedInput` when anything in it
    was skipped or is doubtful.
    """
    conventions = conventions_of(id)
    name, source = _source(id)
    if source.language and conventions.language == "en":
        conventions = replace(conventions, language=source.language)
    stamp = fingerprint(source.stamp())
    path = cache.inspection(stamp)
    with cache.locked(f"collection-{stamp}"):
        if path.exists():
            inspection = Inspection(**json.loads(path.read_text("utf-8")))
        else:
            inspection = inspect(source, judges_documents=conventions.kind != "labels")
            write_json(path, asdict(inspection))
    if strict and (inspection.skipped or inspection.doubtful):
        first = inspection.problems[0]
        count = inspection.skipped + inspection.doubtful
        raise MalformedInput(
            f"{first['where']}: {first['what']} ({count} problems in all; without --strict they are counted)"
        )
    if not inspection.documents or not inspection.queries:
        raise MissingData(f"{name}: no readable documents or no judged queries; nothing to measure")
    return Collection(name, source, conventions, inspection)


def check_name(id: str) -> None:
    """Raise `UnknownName` or `UsageError` for an id that no collection can have."""
    id, share = whole_of(id)
    _check_whole(id, share)
    if conventions_of(id).kind != "retrieval":
        check_sentences(id)
    elif not id.startswith("folder:") and id not in declared():
        load_dataset(id)


def _source(id: str) -> tuple[str, Source]:
    whole, share = whole_of(id)
    name, source = _whole_source(whole, conventions_of(whole))
    if share is None:
        return name, source
    _check_whole(whole, share)
    return f"{name}:{share}%", ThinnedSource(source, share)


def _check_whole(id: str, share: int | None) -> None:
    """Raise `UsageError` for a share of what is no documents with judgments."""
    conventions = conventions_of(id)
    if share is not None and (conventions.kind != "retrieval" or conventions.questions):
        raise UsageError(f"{id} has no judged documents to keep; leave out :{share}%")


def _whole_source(id: str, conventions: Conventions) -> tuple[str, Source]:
    if id.startswith("folder:"):
        path, _, split = id.removeprefix("folder:").partition("#")
        folder = Path(path).expanduser()
        # The record names the folder, not where it lay: a path means nothing elsewhere. Six digits of
        # its hash keep two folders of one name apart.
        place = fingerprint(str(folder.resolve()))[:6]
        name = f"folder:{folder.resolve().name}~{place}" + (f"#{split}" if split else "")
        return name, FolderSource.from_folder(folder, split or "test")
    if conventions.questions:
        return id, QuestionSource(conventions.documents, DeclaredFile(**dict(conventions.questions)))
    if id in declared() and (why := unavailable(id)):
        raise MissingData(why)
    if conventions.source:
        return id, ReqaSource(id)
    if conventions.folder:
        files = dict(conventions.folder)
        root = data_folder() or Path()
        paths = (root / files["corpus"], root / files["queries"], root / files["qrels"])
        return id, FolderSource(*paths, only=files.get("only", ""))
    if conventions.kind != "retrieval":
        check_sentences(id)
        if why := unavailable(id):
            raise MissingData(why)
        return id, open_sentences(id)
    return id, DatasetSource(id)


def open_judged(id: str) -> Collection:
    """A collection without its documents inspected: enough to score a run against.

    Raises as `open_collection` does.
    """
    conventions = conventions_of(id)
    name, source = _source(id)
    return Collection(name, source, conventions, _inspect_judged(source, Inspection()))


def inspect(source: Source, *, judges_documents: bool = True) -> Inspection:
    """Read everything once. Memory grows with the ids (about 70 bytes each), not with the text.

    Where `judges_documents` is false, judgments name something else (a label).
    """
    found = Inspection()
    unseen = {judgment.document for judgment in source.judgments(ignore)} if judges_documents else set()
    _inspect_documents(source, found, unseen)
    return _inspect_judged(source, found, unseen)


def _inspect_judged(source: Source, found: Inspection, unseen: Set[str] = frozenset()) -> Inspection:
    judgments = list(source.judgments(found.report))
    answers = {} if judgments else source.answers()
    known = _inspect_queries(source, found, {judgment.query for judgment in judgments} | answers.keys())
    digest = hashlib.sha256()
    for judgment in judgments:
        if judgment.query not in known:
            found.report(Problem(judgment.where, f"judgment of an unknown query {judgment.query!r}"))
            continue
        if judgment.document in unseen:
            found.report(_unknown_document(judgment))
        found.judgments += 1
        _update(digest, judgment.query, judgment.document, str(judgment.grade))
    for query in sorted(answers.keys() & known):
        _update(digest, query, *answers[query])
    found.judgments_sha256 = digest.hexdigest()
    return found


def _unknown_document(judgment: Judgment) -> Problem:
    # Kept: trec_eval counts a relevant document that cannot be found, and so do published numbers.
    return Problem(judgment.where, f"judgment of an unknown document {judgment.document!r}", skipped=False)


def _inspect_documents(source: Source, found: Inspection, unseen: set[str]) -> None:
    digest = hashlib.sha256()
    seen: set[int] = set()
    for where, document in source.documents(found.report):
        key = int.from_bytes(hashlib.blake2b(document.id.encode(), digest_size=8).digest())
        if key in seen:
            found.duplicates.append(where)
            found.report(Problem(where, f"duplicate id {document.id!r}; the first is kept"))
            continue
        seen.add(key)
        unseen.discard(document.id)
        found.documents += 1
        _update(digest, document.id, document.title, document.text)
    found.documents_sha256 = digest.hexdigest()


def _inspect_queries(source: Source, found: Inspection, judged: set[str]) -> set[str]:
    queries: dict[str, str] = {}
    for where, query in source.queries(found.report):
        if query.id in queries:
            found.report(Problem(where, f"duplicate id {query.id!r}; the last is kept"))
        queries[query.id] = query.text
    digest = hashlib.sha256()
    for id in sorted(judged & queries.keys()):
        found.queries += 1
        _update(digest, id, queries[id])
    found.queries_sha256 = digest.hexdigest()
    return set(queries)


def _update(digest: Any, *fields: str) -> None:
    digest.update("\x1f".join(fields).encode("utf-8", "surrogatepass") + b"\x1e")
