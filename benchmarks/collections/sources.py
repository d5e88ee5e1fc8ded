"""Where a collection's documents, queries and judgments come from.

A source yields with each item its place (a line, or a count), so that a problem can be named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.interfaces import Document, Query


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with one item: where it stands, what it is, and whether it was left out."""

    where: str
    what: str
    skipped: bool = True


Report = Callable[[Problem], None]


@dataclass(frozen=True, slots=True)
class Judgment:
    """One line of judgments, with its place."""

    where: str
    query: str
    document: str
    grade: float


class Source(Protocol):
    """Reads a collection as a stream, as often as asked."""

    @property
    def language(self) -> str:
        """The language the source says its documents are in, or nothing."""

    def stamp(self) -> Any:
        """A JSON value that changes when the files may have changed; cheap to compute."""

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """Every readable document with its place."""

    def queries(self, report: Report) -> Iterator[tuple[str, Query]]:
        """Every readable query with its place."""

    def judgments(self, report: Report) -> Iterator[Judgment]:
        """Every readable judgment."""

    def answers(self) -> dict[str, tuple[str, ...]]:
        """The answer strings of each query; nothing where the collection has none."""


def ignore(_: Problem) -> None:
    """A report that nobody reads: the problem was told when the collection was inspected."""
