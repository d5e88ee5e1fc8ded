"""The synthetic world as ir-datasets collections, so that there is one path for all data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from benchmarks.collections.synthetic.language import renamed
from benchmarks.collections.synthetic.world import PARTS, World
from benchmarks.errors import UsageError

VERSION = 1
"""Raised when the generator changes: it is part of the stamp of every synthetic collection."""

SIZES = {"tiny": 300, "small": 3_000, "medium": 30_000, "large": 1_000_000}
PATTERN = re.compile(r"^synthetic/([a-z]+|[1-9][0-9]*)(?:/(second|cross))?(?:/(train|dev|test))?$")
_QUESTIONS = 300


class SyntheticDoc(NamedTuple):
    """One passage; `links` are the ids of the leads of the articles it mentions."""

    doc_id: str
    title: str
    text: str
    heading: str
    links: tuple[str, ...]

    def default_text(self) -> str:
        """Title and text."""
        return f"{self.title} {self.text}"


class SyntheticQuery(NamedTuple):
    """One question with the strings that answer it."""

    query_id: str
    text: str
    answers: tuple[str, ...]

    def default_text(self) -> str:
        """The question."""
        return self.text


def world_of(size: str) -> World:
    """The world of a size, by name or by number of documents. Raises `UsageError`."""
    if size.isdigit():
        return World(int(size))
    if size not in SIZES:
        raise UsageError(
            f"no synthetic size {size!r}; sizes are {', '.join(SIZES)}, or a number of documents"
        )
    return World(SIZES[size])


def register() -> None:
    """Make `synthetic/...` known to ir-datasets. Calling it again does nothing."""
    import ir_datasets

    known = getattr(ir_datasets.registry, "_patterns", [])
    if not any(pattern.pattern == PATTERN.pattern for pattern, _ in known):
        ir_datasets.registry.register_pattern(PATTERN.pattern, _dataset)


def _dataset(_: str, groups: tuple[str, str | None, str | None]) -> Any:
    from ir_datasets.datasets.base import Dataset

    size, language, split = groups
    world = world_of(size)
    in_documents = renamed if language == "second" else str
    in_queries = renamed if language else str
    return Dataset(
        _docs(world, in_documents),
        _queries(world, split or "test", in_queries),
        _qrels(world, split or "test"),
    )


def _docs(world: World, say: Callable[[str], str]) -> Any:
    from ir_datasets.formats import BaseDocs

    def make(number: int) -> SyntheticDoc:
        passage = world.passage(number)
        return SyntheticDoc(
            passage.id, say(passage.title), say(passage.text), say(passage.heading), passage.links
        )

    class Docs(BaseDocs):  # type: ignore[misc]  # ir-datasets ships no types
        def docs_iter(self) -> Iterator[SyntheticDoc]:
            return (make(number) for number in range(world.documents))

        def docs_cls(self) -> type[SyntheticDoc]:
            return SyntheticDoc

        def docs_count(self) -> int:
            return world.documents

        def docs_store(self) -> Any:
            return _store(make)

        def docs_namespace(self) -> str:
            return "synthetic"

        def docs_lang(self) -> str:
            return "en"

    return Docs()


def _store(make: Callable[[int], SyntheticDoc]) -> Any:
    from ir_datasets.indices import Docstore

    class Store(Docstore):  # type: ignore[misc]  # ir-datasets ships no types
        def get_many_iter(self, doc_ids: Any) -> Iterator[SyntheticDoc]:
            for doc_id in doc_ids:
                article, part = doc_id[1:].split("-")
                yield make(int(article) * PARTS + int(part))

    return Store(SyntheticDoc, "doc_id")


def _queries(world: World, split: str, say: Callable[[str], str]) -> Any:
    from ir_datasets.formats import BaseQueries

    class Queries(BaseQueries):  # type: ignore[misc]  # ir-datasets ships no types
        def queries_iter(self) -> Iterator[SyntheticQuery]:
            for question in world.questions(split, _QUESTIONS):
                # Answers stay in the language of the documents they are looked for in.
                yield SyntheticQuery(question.id, say(question.text), question.answers)

        def queries_cls(self) -> type[SyntheticQuery]:
            return SyntheticQuery

        def queries_namespace(self) -> str:
            return "synthetic"

        def queries_lang(self) -> str:
            return "en"

    return Queries()


def _qrels(world: World, split: str) -> Any:
    from ir_datasets.formats import BaseQrels, TrecQrel

    class Qrels(BaseQrels):  # type: ignore[misc]  # ir-datasets ships no types
        def qrels_iter(self) -> Iterator[Any]:
            for question in world.questions(split, _QUESTIONS):
                for document, grade in question.judgments.items():
                    yield TrecQrel(question.id, document, grade, "0")

        def qrels_cls(self) -> type[Any]:
            return TrecQrel  # type: ignore[no-any-return]

        def qrels_defs(self) -> dict[int, str]:
            return {2: "tells the fact", 1: "introduces the entity"}

    return Qrels()
