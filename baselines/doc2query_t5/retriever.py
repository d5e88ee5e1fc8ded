"""BM25 over documents with their expansions: what is predicted is appended to the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.doc2query_t5.expansion import EXPANSIONS, Expander, GivenExpansions, T5Expander
from baselines.encoders.checkpoints import Checkpoint
from benchmarks.interfaces import Document, FloatArray, Query, Ranking, Setting
from benchmarks.retrieval.bm25 import BM25Retriever


class ExpandedBM25:
    """A BM25 retriever whose documents are expanded on the way in.

    The expansions are a part with a folder of its own: variants that differ in k1 and b share them.
    """

    def __init__(self, checkpoint: Checkpoint, k1: float, b: float, setting: Setting) -> None:
        self._bm25 = BM25Retriever(k1, b, language=setting.language)
        self._expander: Expander = _expander(checkpoint, setting)
        self.parts = (self._expander,)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """BM25's protocol, and where the expansions come from."""
        return {**self._bm25.protocol, "expansion": dict(self._expander.protocol)}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Index the documents with their expansions, which are there."""
        self._bm25.index(_Expanded(documents, self._expander), folder)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents that share a term with the query."""
        return self._bm25.search(queries, depth)

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """BM25 of each query with its candidates; -inf for unknown ids."""
        return self._bm25.score(queries, candidates)


class _Expanded:
    """A stream of documents with their expansions, starting anew each time it is iterated."""

    def __init__(self, documents: Iterable[Document], expander: Expander) -> None:
        self._documents, self._expander = documents, expander

    def __iter__(self) -> Iterator[Document]:
        for document, queries in self._expander.expand(self._documents):
            yield Document(document.id, document.title, " ".join([document.text, *queries]))


def _expander(checkpoint: Checkpoint, setting: Setting) -> Expander:
    given = setting.checkpoint / EXPANSIONS if setting.checkpoint else None
    if given is not None and given.exists() and not setting.random_weights:
        return GivenExpansions(given)
    return T5Expander(checkpoint, setting)
