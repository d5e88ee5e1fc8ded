"""Query augmentation: a language model writes about a query, and the search goes on with what it wrote.

What is asked is a `Prompting`'s business; how query and answers become one query, as text or as a vector, is the
paper's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from benchmarks.efficiency.stages import stage
from benchmarks.generation.answering import Answers
from benchmarks.generation.prompts import Prompt, Template
from benchmarks.interfaces import Document, FloatArray, Query, Ranking, Searcher
from benchmarks.retrieval.dense import DenseRetriever


class Prompting(Protocol):
    """From queries to prompts. One that shows documents has the parts that find them."""

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What a prompt is made of."""

    def prompts(self, queries: Sequence[Query]) -> list[Prompt]:
        """One a query."""


class QueryAlone:
    """Prompts that show nothing but the query. `shorten` cuts it."""

    def __init__(self, template: Template, shorten: Callable[[str], str] = str) -> None:
        self._template, self._shorten = template, shorten

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The template is the answers'."""
        return {"candidates": 0}

    def prompts(self, queries: Sequence[Query]) -> list[Prompt]:
        """The template with each query."""
        texts = [self._shorten(query.text) for query in queries]
        return [
            Prompt(query.id, self._template.fill({"query": text}), cut=text != query.text)
            for query, text in zip(queries, texts, strict=True)
        ]


Search = Callable[[Sequence[Query], Sequence[Sequence[str]], int], list[Ranking]]
"""From queries, the answers to each, and a depth to rankings."""


class Augmented:
    """A retriever that is asked with what a language model wrote; `how` says in JSON values what `search` does with it."""

    def __init__(
        self,
        retriever: Searcher,
        prompting: Prompting,
        generations: Answers,
        samples: int,
        how: Mapping[str, Any],
        search: Search,
    ) -> None:
        self.parts = (retriever, prompting)
        self.generations, self.samples = generations, samples
        self._prompting, self._how, self._search = prompting, how, search

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Who searches, what is asked, what was answered, and how it is put together."""
        return {
            "kind": "augmented queries", "combination": dict(self._how), "retriever": dict(self.parts[0].protocol),
            "prompting": dict(self._prompting.protocol), "generation": dict(self.generations.protocol(self.samples)),
        }  # fmt: skip

    def prompts(self, queries: Sequence[Query]) -> list[Prompt]:
        """What is asked about each query."""
        return self._prompting.prompts(queries)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents for queries and answers."""
        prompts = self.prompts(queries)
        with stage("generate"):
            answers = self.generations.texts(prompts, self.samples)
        return self._search(queries, answers, depth)


def longer_queries(retriever: Searcher, combine: Callable[[str, Sequence[str]], str]) -> Search:
    """`combine` makes one text of a query and its answers."""

    def search(queries: Sequence[Query], answers: Sequence[Sequence[str]], depth: int) -> list[Ranking]:
        longer = [
            Query(query.id, combine(query.text, texts)) for query, texts in zip(queries, answers, strict=True)
        ]
        return retriever.search(longer, depth)

    return search


def vectors_between(
    retriever: DenseRetriever,
    combine: Callable[[FloatArray, FloatArray], FloatArray],
    shorten: Callable[[str], str] = str,
) -> Search:
    """`combine` makes one vector of a query's [dimension] and its answers' [samples, dimension].

    Answers are encoded as the documents they imitate, after `shorten`.
    """

    def search(queries: Sequence[Query], answers: Sequence[Sequence[str]], depth: int) -> list[Ranking]:
        with stage("encode"):
            asked = retriever.encoder.encode_queries([query.text for query in queries])
            imitations = [Document("", "", shorten(text)) for texts in answers for text in texts]
            written = retriever.encoder.encode_documents(imitations)
            written = written.reshape(len(queries), -1, written.shape[1])
        vectors = [combine(*pair) for pair in zip(asked, written, strict=True)]
        return retriever.search_vectors(vectors, depth)

    return search
