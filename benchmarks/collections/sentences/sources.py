"""Pairs and labelled sentences as documents, queries and judgments, so that one path serves all collections.

    pairs    a document is a pair; one query, `all`, is answered with every pair, judged by similarity
    labels   a query is a sentence to label, its judgment the label; the documents are the sentences to
             learn from, each with its label as title

Two sentences of one item are one text, parted by a tab, which no sentence holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sources import Judgment, Problem, Report, ignore
from benchmarks.errors import MalformedInput, MissingData
from benchmarks.interfaces import Document, Query

T = TypeVar("T")
Items = Callable[[Report], Iterator[tuple[str, T]]]
"""Reads all items with their places, anew each time it is called."""

ALL = "all"
"""The query that all pairs answer; the part of a collection that is trained and tested on by turns."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences and how alike people find them."""

    id: str
    first: str
    second: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence (or two, parted by a tab) with its label. `id` begins with `part`: train, dev, test or all."""

    id: str
    part: str
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Part:
    """One text file of a collection: a declared file, or a file in a declared archive."""

    file: DeclaredFile
    inner: str = ""

    def path(self) -> Path:
        """Where it lies on this machine. Raises `MissingData`."""
        path = self.file.locate() / self.inner
        if not path.exists():
            raise MissingData(
                f"{path} is missing; delete {self.file.locate()} to fetch it from {self.file.url}"
            )
        return path


@dataclass(frozen=True)
class Task(Generic[T]):
    """The files of one collection and what reads them."""

    parts: tuple[Part, ...]
    read: Callable[[list[Path], Report], Iterator[tuple[str, T]]]

    def open(self, id: str) -> tuple[Any, Items[T]]:
        """A stamp that changes with the files, and the items. Raises `MissingData`."""
        paths = [part.path() for part in self.parts]
        stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
        return [id, stats], lambda report: self.read(paths, report)


class PairSource:
    """A collection of pairs."""

    language = ""

    def __init__(self, stamp: Any, pairs: Items[Pair]) -> None:
        self._stamp, self._pairs = stamp, pairs

    def stamp(self) -> Any:
        """Names, sizes and times of the files."""
        return self._stamp

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """Every pair."""
        for where, pair in self._pairs(report):
            yield where, Document(pair.id, "", f"{pair.first}\t{pair.second}")

    def queries(self, _report: Report) -> Iterator[tuple[str, Query]]:
        """One query."""
        yield ALL, Query(ALL, "how alike are the two sentences of each pair?")

    def judgments(self, _report: Report) -> Iterator[Judgment]:
        """The similarity of every pair."""
        for where, pair in self._pairs(ignore):
            yield Judgment(where, ALL, pair.id, pair.similarity)

    def answers(self) -> dict[str, tuple[str, ...]]:
        """None."""
        return {}


class LabelSource:
    """A collection of labelled sentences."""

    language = ""

    def __init__(self, stamp: Any, sentences: Items[Labelled]) -> None:
        self._stamp, self._sentences = stamp, sentences

    def stamp(self) -> Any:
        """Names, sizes and times of the files."""
        return self._stamp

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """The sentences to learn from. An empty one is kept, as SentEval does, and reported."""
        for where, item in self._sentences(report):
            if item.part != "test":
                if not item.text:
                    report(Problem(where, "empty sentence", skipped=False))
                yield where, Document(item.id, item.label, item.text)

    def queries(self, _report: Report) -> Iterator[tuple[str, Query]]:
        """The sentences to label."""
        for where, item in self._asked():
            yield where, Query(item.id, item.text)

    def judgments(self, _report: Report) -> Iterator[Judgment]:
        """The right label of each."""
        for where, item in self._asked():
            yield Judgment(where, item.id, item.label, 1)

    def answers(self) -> dict[str, tuple[str, ...]]:
        """None."""
        return {}

    def _asked(self) -> Iterator[tuple[str, Labelled]]:
        return ((where, item) for where, item in self._sentences(ignore) if item.part in ("test", ALL))


def lines(path: Path, encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Every line with its place, empty ones too. Raises `MalformedInput`."""
    try:
        text = path.read_bytes().decode(encoding)
    except UnicodeDecodeError as error:
        raise MalformedInput(f"{path}: not {encoding} from byte {error.start} on; fetch it anew") from None
    # Not splitlines(), which also breaks at separators that occur inside sentences.
    found = text.removeprefix("\ufeff").removesuffix("\n").split("\n")
    return [(f"{path}, line {number}", line.removesuffix("\r")) for number, line in enumerate(found, start=1)]
