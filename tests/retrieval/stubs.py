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
