"""Reading: a retriever finds passages, a reader says the answer.

The ranking is the retriever's own, so that what is measured of it is measured here as well; the
answer comes beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.efficiency.stages import stage
from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Answer, Cost, Document, Query, Ranking, Reader, Searcher
from benchmarks.retrieval.texts import TextStore

_QUESTIONS = 64
"""Questions whose passages are in memory at once."""


class Reading:
    """The first part finds; `reader` reads the best `passages` of each query."""

    index_protocol = TextStore.PROTOCOL

    def __init__(self, first: Searcher, reader: Reader, passages: int) -> None:
        self.parts = (first,)
        self._reader, self._passages = reader, passages
        self._texts: TextStore

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Who finds, who reads, and how many passages."""
        first, reader = dict(self.parts[0].protocol), dict(self._reader.protocol)
        return {"kind": "reading", "passages": self._passages, "first": first, "reader": reader}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Keep the texts of `documents` in `folder`."""
        self._texts = TextStore(folder)
        self._texts.build(documents)

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """What keeping the texts of `sample` takes."""
        return TextStore.cost_of(sample)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The first part's ranking; reading is done, and counted where time is measured."""
        return self.read(queries, depth)[0]

    def read(self, queries: Sequence[Query], depth: int) -> tuple[list[Ranking], list[Answer]]:
        """The first part's best `depth` documents of each query, and an answer to it.

        The answer of a query for which nothing was found is empty.
        """
        found = self.parts[0].search(queries, max(depth, self._passages))
        answers: list[Answer] = []
        for start in range(0, len(queries), _QUESTIONS):
            some = slice(start, start + _QUESTIONS)
            with stage("read"):
                answers += self._answers(queries[some], found[some])
        return [Ranking(ranking.ids[:depth], ranking.scores[:depth]) for ranking in found], answers

    def _answers(self, queries: Sequence[Query], found: Sequence[Ranking]) -> list[Answer]:
        passages = {
            query: self._texts.get(ranking.ids[: self._passages])
            for query, ranking in zip(queries, found, strict=True)
            if ranking.ids
        }
        said = self._reader.read([query.text for query in passages], list(passages.values()))
        if len(said) != len(passages):
            raise EvaluationError(f"{len(passages)} questions were asked and {len(said)} answers came back")
        answers = dict(zip(passages, said, strict=True))
        return [answers.get(query, Answer("", "")) for query in queries]
