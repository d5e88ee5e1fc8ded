"""What sentence collections ask of an encoder, as retrievers, so that one runner measures all.

All sentences are encoded with `encode_queries`: the two sides of a pair are treated alike. An encoder
that learns from the collection (`fit`) learns from the sentences of its documents: all pairs, or the
sentences that a classifier may learn from. The sentences of one collection are held in memory whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evaluation import transfer
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Document, Encoder, FloatArray, Query, Ranking
from benchmarks.retrieval.vectors import VectorShards, check_vectors


class SentenceVectors:
    """The vectors of the distinct sentences of a stream of documents, by sentence, kept in a folder."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._positions: dict[str, int] = {}
        self._vectors: FloatArray

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol, and what it was given."""
        fitted = {"fit": "the collection's sentences"} if hasattr(self._encoder, "fit") else {}
        return {**self._encoder.protocol, "encoded_as": "queries", **fitted}

    def open(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode the sentences of `documents` into `folder`, or open what was encoded there."""
        sentences = list(dict.fromkeys(text for document in documents for text in parted(document.text)))
        self._positions = {text: position for position, text in enumerate(sentences)}
        as_documents = [Document(str(position), "", text) for position, text in enumerate(sentences)]
        if fit := getattr(self._encoder, "fit", None):
            fit(as_documents, folder / "encoder")
        shards = VectorShards(folder)
        shards.encode(_AsQueries(self._encoder), as_documents)
        self._vectors = np.concatenate([vectors for _, vectors in shards.shards()])

    def of(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]; sentences that `open` did not see are encoded now."""
        unseen = list(dict.fromkeys(text for text in texts if text not in self._positions))
        if not unseen:
            return self._vectors[[self._positions[text] for text in texts]]
        vectors = self._encoder.encode_queries(unseen)
        check_vectors(vectors, len(unseen))
        behind = {text: len(self._vectors) + place for place, text in enumerate(unseen)}
        positions = {**self._positions, **behind}
        return np.concatenate([self._vectors, vectors])[[positions[text] for text in texts]]


class _AsQueries:
    """An encoder whose documents are encoded as queries are: what `VectorShards` writes."""

    def __init__(self, encoder: Encoder) -> None:
        self.protocol, self.encode_queries = encoder.protocol, encoder.encode_queries

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        return self.encode_queries([document.text for document in documents])


class PairSimilarity:
    """Ranks pairs of sentences by the cosine of their vectors; a zero vector is like nothing."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._sentences = SentenceVectors(encoder)
        self._ids: list[str] = []
        self._cosines: FloatArray

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol and the similarity."""
        return {"kind": "sentence pairs", **self._sentences.protocol, "similarity": "cosine"}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode the sentences and compare the two of each pair."""
        pairs = list(documents)
        self._sentences.open(pairs, folder)
        self._ids = [pair.id for pair in pairs]
        first, second = (self._sentences.of([parted(pair.text)[side] for pair in pairs]) for side in (0, 1))
        self._cosines = cosine(first, second)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """All pairs, most alike first, whatever the query."""
        return [rank(self._ids, self._cosines, depth) for _ in queries]


class LinearClassification:
    """Labels sentences by logistic regression on their vectors, by SentEval's protocol (`transfer`).

    Documents and queries of one id are cross-validated; documents whose id begins with "dev-" choose the
    strength of the penalty; otherwise folds of the training set do. A ranking is one label.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._sentences = SentenceVectors(encoder)
        self._documents: list[Document] = []

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol and the classifier's."""
        return {
            "kind": "sentence labels", **self._sentences.protocol,
            "features": "u; of a pair |u-v|, u*v", "classifier": "logistic regression, L2",
            "folds": transfer.FOLDS, "fold_seed": transfer.SEED,
            "C": {"nested folds, dev": list(transfer.NESTED), "folds of train": list(transfer.ON_TRAIN)},
        }  # fmt: skip

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode the sentences to learn from."""
        self._documents = list(documents)
        self._sentences.open(self._documents, folder)

    def search(self, queries: Sequence[Query], _depth: int) -> list[Ranking]:
        """The most probable label of each query, with its probability."""
        labels, probabilities = self._predict(queries)
        return [Ranking([label], probabilities[[row]]) for row, label in enumerate(labels)]

    def _predict(self, queries: Sequence[Query]) -> transfer.Prediction:
        if {query.id for query in queries} == {document.id for document in self._documents}:
            label_of = {document.id: document.title for document in self._documents}
            return transfer.cross_validated(self._asked(queries), [label_of[query.id] for query in queries])
        train, labels = self._learnt("train-")
        dev, dev_labels = self._learnt("dev-")
        if dev_labels:
            return transfer.on_dev(train, labels, dev, dev_labels, self._asked(queries))
        return transfer.on_folds(train, labels, self._asked(queries))

    def _learnt(self, part: str) -> tuple[FloatArray, list[str]]:
        chosen = [document for document in self._documents if document.id.startswith(part)]
        return self._features([document.text for document in chosen]), [one.title for one in chosen]

    def _asked(self, queries: Sequence[Query]) -> FloatArray:
        return self._features([query.text for query in queries])

    def _features(self, texts: Sequence[str]) -> FloatArray:
        """The vector of each sentence; of a pair what SentEval makes of its two."""
        sides = [parted(text) for text in texts]
        u = self._sentences.of([side[0] for side in sides])
        if all(len(side) == 1 for side in sides):
            return u
        v = self._sentences.of([side[1] for side in sides])
        return np.hstack([np.abs(u - v), u * v])


def parted(text: str) -> list[str]:
    """The one or two sentences of an item."""
    return text.split("\t")


def cosine(left: FloatArray, right: FloatArray) -> FloatArray:
    """float32[n]: the cosine of each row of `left` [n, dimension] with that row of `right`; 0 for a zero row."""
    product = np.einsum("nd,nd->n", left, right, dtype=np.float64)
    lengths = np.linalg.norm(left.astype(np.float64), axis=1) * np.linalg.norm(
        right.astype(np.float64), axis=1
    )
    cosines: FloatArray = np.zeros(len(product), np.float32)
    np.divide(product, lengths, out=cosines, where=lengths > 0, casting="same_kind")
    return cosines
