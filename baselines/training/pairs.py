"""Training pairs from a collection's judgments: a query and a document that answers it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.training.epochs import batch_of
from baselines.training.recipe import Recipe
from benchmarks.collections.collection import Collection, open_collection
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document
from benchmarks.retrieval.resolve import open_texts
from benchmarks.storage.cache import Cache

_DOCUMENTS = 1
"""Keeps the draws of documents apart from the other draws of a step."""


class TrainingPairs:
    """The judged pairs of a collection's train split, or `share` of 100 of them.

    Where few queries have most of the pairs (`tuning.toml`), an example had better be a query with one of its documents:
    `by_query`. Every query then counts as much as it will in a mean over queries.

    A pair is in by its hash: what a smaller share holds, a larger one holds as well. Documents are read from disk as they
    are asked for; the ids of the pairs are held in memory.
    """

    def __init__(self, collection: Collection, share: float, cache: Cache, *, by_query: bool = False) -> None:
        self.queries = {query.id: query.text for query in collection.queries()}
        self.relevant = {
            query: frozenset(document for document, grade in grades.items() if grade > 0)
            for query, grades in collection.judgments().items()
        }
        judged = [(query, document) for query, found in self.relevant.items() for document in found]
        self.pairs = share_of(judged, share)
        self._texts = open_texts(collection, cache)
        self._by_query = by_query

    def batch(self, step: int, size: int, seed: int) -> list[tuple[str, str]]:
        """The pairs of a step: all pairs in a random order, and then in another. No more than there are.

        By query it is the queries that are gone through, each with a document drawn from those of its pairs.
        """
        if not self._by_query:
            return batch_of(self.pairs, step, size, seed)
        rng = np.random.default_rng([seed, step, _DOCUMENTS])
        chosen = batch_of(self._answered, step, size, seed)
        return [(query, documents[int(rng.integers(len(documents)))]) for query, documents in chosen]

    @cached_property
    def _answered(self) -> list[tuple[str, list[str]]]:
        """The queries of the pairs, each with its documents."""
        found: dict[str, list[str]] = {}
        for query, document in self.pairs:
            found.setdefault(query, []).append(document)
        return list(found.items())

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


def training_pairs(id: str, share: float, cache: Cache, *, by_query: bool = False) -> TrainingPairs:
    """The pairs of a collection by its id. Raises `MissingData` where it is not here."""
    return TrainingPairs(open_collection(id, cache), share, cache, by_query=by_query)


def pairs_of(recipe: Recipe, cache: Cache) -> TrainingPairs:
    """What a recipe learns from: its `corpus`, `share` and, where it says so, `by_query`. Raises `MissingData`."""
    options = recipe.objective
    return training_pairs(recipe.corpus, options["share"], cache, by_query=options.get("by_query", False))


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
