"""Training pairs from a collection's judgments: a query and a document that answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.training.epochs import batch_of
from benchmarks.collections.collection import Collection, open_collection
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document
from benchmarks.retrieval.resolve import open_texts
from benchmarks.storage.cache import Cache


class TrainingPairs:
    """The judged pairs of a collection's train split, or `share` of 100 of them.

    A pair is in by its hash: what a smaller share holds, a larger one holds as well. Documents are read from disk as they
    are asked for; the ids of the pairs are held in memory.
    """

    def __init__(self, collection: Collection, share: float, cache: Cache) -> None:
        self.queries = {query.id: query.text for query in collection.queries()}
        self.relevant = {
            query: frozenset(document for document, grade in grades.items() if grade > 0)
            for query, grades in collection.judgments().items()
        }
        judged = [(query, document) for query, found in self.relevant.items() for document in found]
        self.pairs = share_of(judged, share)
        self._texts = open_texts(collection, cache)

    def batch(self, step: int, size: int, seed: int) -> list[tuple[str, str]]:
        """The pairs of a step: all pairs in a random order, and then in another. No more than there are."""
        return batch_of(self.pairs, step, size, seed)

    def documents(self, ids: Sequence[str]) -> list[Document]:
        """Documents by id, in order."""
        found = {document.id: document for document in self._texts.get(list(dict.fromkeys(ids)))}
        return [found[id] for id in ids]

    def positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Where documents stand in the collection, by id: [n]."""
        return self._texts.positions(ids)

    def at(self, positions: NDArray[np.integer]) -> list[str]:
        """The ids of the documents at `positions` [n]."""
        return self._texts.ids(positions)

    def drawn(self, count: int, rng: np.random.Generator) -> list[str]:
        """The ids of so many documents of the collection, judged or not, each drawn uniformly."""
        return self._texts.ids(rng.integers(len(self._texts), size=count))

    def false_negatives(self, queries: Sequence[str], documents: Sequence[str]) -> NDArray[np.bool_]:
        """Which documents are relevant to which queries, bool[queries, documents]."""
        return np.array([[document in self.relevant[query] for document in documents] for query in queries])


def training_pairs(id: str, share: float, cache: Cache) -> TrainingPairs:
    """The pairs of a collection by its id. Raises `MissingData` where it is not here."""
    return TrainingPairs(open_collection(id, cache), share, cache)


def share_of(pairs: Sequence[tuple[str, str]], share: float) -> list[tuple[str, str]]:
    """`share` of 100 pairs by their hash, at least one; a smaller share is the beginning of a larger one."""
    if not 0 < share <= 100:
        raise UsageError(f"a share of {share:g} of 100 pairs is none")
    drawn = sorted(pairs, key=_hash)
    return drawn[: max(1, round(len(drawn) * share / 100))]


def collection_identity(id: str, cache: Cache) -> Any:
    """What names a collection's contents."""
    return dict(open_collection(id, cache).protocol)


def _hash(pair: tuple[str, str]) -> bytes:
    return hashlib.sha256(" ".join(pair).encode()).digest()
