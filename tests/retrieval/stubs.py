"""Encoders that cost nothing and depend on nothing but the text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.interfaces import Document, FloatArray


class HashEncoder:
    """A vector drawn from the hash of the text: equal texts, equal vectors."""

    def __init__(self, dimension: int = 16) -> None:
        self.dimension = dimension

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its name and size."""
        return {"model": "hash", "dimension": self.dimension}

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """One vector for each text."""
        rows = [self._vector(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dimension)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """Titles and texts together."""
        return self.encode_queries([document.contents for document in documents])

    def _vector(self, text: str) -> FloatArray:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        return np.random.default_rng(seed).standard_normal(self.dimension, dtype=np.float32)


def documents(count: int) -> list[Document]:
    """Documents whose ids do not sort as they come."""
    return [
        Document(f"d{(number * 7919) % 100_003}", f"title {number}", f"text {number}")
        for number in range(count)
    ]


class Ragged:
    """An encoder of one to nine vectors a text, drawn from its length."""

    token_vectors = "float32"

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its name."""
        return {"model": "ragged"}

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A matrix a text."""
        return [self._matrix(text) for text in texts]

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A matrix a document."""
        return [self._matrix(document.text) for document in documents]

    def _matrix(self, text: str) -> FloatArray:
        generator = np.random.default_rng(list(text.encode()))
        return generator.standard_normal((1 + len(text) % 9, 8), dtype=np.float32)


class Half(Ragged):
    """The same, kept in half precision."""

    token_vectors = "float16"
