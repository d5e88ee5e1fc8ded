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


class _Augmented:
    """What both kinds share: who is asked what."""

    def __init__(
        self,
        retriever: Searcher,
        prompting: Prompting,
        generations: Answers,
        samples: int,
        how: Mapping[str, Any],
    ) -> None:
        self.parts = (retriever, prompting)
        self.generations, self.samples = generations, samples
        self._prompting, self._how = prompting, how

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

    def _answers(self, queries: Sequence[Query]) -> list[list[str]]:
        prompts = self.prompts(queries)
        with stage("generate"):
            return self.generations.texts(prompts, self.samples)


class AugmentedText(_Augmented):
    """Searches with a longer query: `combine` takes the query and the answers to it."""

    def __init__(
        self,
        retriever: Searcher,
        prompting: Prompting,
        generations: Answers,
        samples: int,
        how: Mapping[str, Any],
        combine: Callable[[str, Sequence[str]], str],
    ) -> None:
        super().__init__(retriever, prompting, generations, samples, how)
        self._retriever, self._combine = retriever, combine

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The retriever's best `depth` documents for query and answers."""
        longer = [
            Query(query.id, self._combine(query.text, answers))
            for query, answers in zip(queries, self._answers(queries), strict=True)
        ]
        return self._retriever.search(longer, depth)


class AugmentedVectors(_Augmented):
    """Searches with a vector made of the query's [dimension] and its answers' [samples, dimension].

    Answers are encoded as the documents they imitate, after `shorten`.
    """

    def __init__(
        self,
        retriever: DenseRetriever,
        prompting: Prompting,
        generations: Answers,
        samples: int,
        how: Mapping[str, Any],
        combine: Callable[[FloatArray, FloatArray], FloatArray],
        shorten: Callable[[str], str] = str,
    ) -> None:
        super().__init__(retriever, prompting, generations, samples, how)
        self._retriever, self._combine, self._shorten = retriever, combine, shorten

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents for the vectors of queries and answers."""
        answers = self._answers(queries)
        with stage("encode"):
            asked = self._retriever.encoder.encode_queries([query.text for query in queries])
            imitations = [Document("", "", self._shorten(text)) for texts in answers for text in texts]
            written = self._retriever.encoder.encode_documents(imitations)
            written = written.reshape(len(queries), self.samples, -1)
        vectors = [self._combine(*pair) for pair in zip(asked, written, strict=True)]
        return self._retriever.search_vectors(vectors, depth)
