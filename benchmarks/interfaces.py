"""What a plugin gives and what the bench hands it: the two small interfaces everything rests on.

A baseline gives either an `Encoder`, and the bench chooses the index, or a whole `Retriever`.
Constructors are light: weights and native libraries are loaded at the first call that needs
them, so that a finished cell can be recognised from `protocol` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Document:
    """One unit of retrieval. Few collections have a `url`, and few encoders read it."""

    id: str
    title: str
    text: str
    url: str = ""

    @property
    def contents(self) -> str:
        """Title and text joined by one space, as BEIR does; the text alone where there is no title."""
        return f"{self.title} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class Query:
    """One information need."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """One query's documents, best first, in the ranking order; `scores` is float32."""

    ids: list[str]
    scores: FloatArray


@dataclass(frozen=True, slots=True)
class Cost:
    """What indexing some documents takes: seconds, bytes on disk, bytes of memory at the peak.

    These three grow with the documents; `once` are seconds that are spent whatever their number.
    """

    seconds: float
    disk_bytes: float
    memory_bytes: float
    once: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        """Both, one after the other."""
        return Cost(
            self.seconds + other.seconds,
            self.disk_bytes + other.disk_bytes,
            max(self.memory_bytes, other.memory_bytes),
            self.once + other.once,
        )

    def __mul__(self, times: float) -> Cost:
        """The cost of so many times the documents."""
        return Cost(self.seconds * times, self.disk_bytes * times, self.memory_bytes * times, self.once)


Run = dict[str, Ranking]
Judgments = dict[str, dict[str, float]]
"""Query id to document id to grade: a whole number, or for sentence pairs how alike they are."""


@runtime_checkable
class Encoder(Protocol):
    """Text to vectors.

    `protocol` holds JSON values: everything about the encoder that can move a number. An encoder
    that learns from the collection (LSA, whitening) also has `fit(documents, folder)`, called
    once before encoding: it saves what it learned in `folder`, or loads it from there. It reads
    `fitted_on` documents at most, all of them where that is None.

    An encoder that was trained here may have `training`, a mapping of JSON values: what was spent to
    make it; empty where its weights came from elsewhere. Reports show `tokens`, `steps`, `seconds`,
    `parameters` and `device`, and may draw `curves`: pairs of a step and a value, by name; the record keeps all.
    """

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Model, text template, prefixes, lengths, pooling, normalisation, dtype."""

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]; row i does not depend on the other texts."""

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension], compared with queries by inner product."""


@runtime_checkable
class TokenEncoder(Protocol):
    """Text to several vectors each, compared by late interaction (MaxSim).

    A document's score is the sum over the query's vectors of the best inner product with one of the
    document's. `token_vectors` is how the documents' vectors are kept on disk where a spec does not say it: float16
    or float32.
    """

    token_vectors: str

    @property
    def protocol(self) -> Mapping[str, Any]:
        """As an `Encoder`'s."""

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A list of float32[vectors, dimension]; at least one vector each."""

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A list of float32[vectors, dimension]; at least one vector each."""


@runtime_checkable
class Searcher(Protocol):
    """What answers queries: a retriever with its index open, or a composition of such."""

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Everything about the retriever that can move a number, as JSON values."""

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents of each query, in the ranking order."""


@runtime_checkable
class Indexed(Protocol):
    """What keeps something of the documents on disk.

    One whose index depends on less than the whole `protocol` names that part `index_protocol`; it
    names the folder. One that knows better than the bench what its index weighs and took has
    `index_bytes()` and `build_seconds()`. One that is `Costed` is refused a collection that this
    machine has no room for.
    """

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Everything about it that can move a number, as JSON values."""

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Make `folder` hold the index of `documents`, and open it.

        `documents` is a stream that starts anew each time it is iterated. Called once in a process, before `search`. A folder that holds the finished index is
        opened without reading `documents`; one left by a killed process is completed.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reader says, and the id of the passage it says it from; both empty where it says nothing."""

    text: str
    document: str


@runtime_checkable
class Reader(Protocol):
    """Questions and the passages found for each to answers.

    `protocol` holds JSON values: everything about the reader that can move an answer.
    """

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Model, template, lengths, how an answer is chosen."""

    def read(self, questions: Sequence[str], passages: Sequence[Sequence[Document]]) -> list[Answer]:
        """One answer to each question, from its passages: at least one each, best first.

        An answer does not depend on the other questions.
        """


@runtime_checkable
class Retriever(Searcher, Indexed, Protocol):
    """Documents to an index, queries to rankings. One that can also order given documents (`score`) can re-rank."""


@runtime_checkable
class Costed(Protocol):
    """A retriever that can tell from a few documents what indexing them takes."""

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """The cost of indexing `sample`; that of a collection is so many times as large."""


@runtime_checkable
class Scorer(Protocol):
    """What a re-ranker needs to be."""

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Everything about it that can move a number, as JSON values."""

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """One score for each candidate document id of each query; ids the index lacks get -inf."""


@runtime_checkable
class ScoringSearcher(Searcher, Scorer, Protocol):
    """What finds documents and can also order those that others found."""


@dataclass(frozen=True)
class Setting:
    """What a variant may depend on when it is built.

    `collection` is the id of what will be searched. With `random_weights` a model is a tiny one of
    the real architecture, drawn from `seed`: it goes the way of the real one and needs no checkpoint.
    With `full_size` besides it has the real size, and takes the real time. What language models
    wrote is kept below `generations`. With `retrain` what was trained before is trained again.
    """

    language: str = "en"
    checkpoint: Path | None = None
    seed: int = 0
    collection: str = ""
    random_weights: bool = False
    full_size: bool = False
    generations: Path = Path("results/generations")
    retrain: bool = False
