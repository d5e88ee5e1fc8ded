"""What two of ColBERT's ablations come to: one vector a text (Khattab and Zaharia 2020, section 4.4, Figure 5).

average        the mean over the document's vectors in the place of the maximum: sum_i mean_j q_i.d_j is the inner
               product of the sum of the one's vectors and the mean of the other's
first token    the inner product of the two [CLS], not scaled to length 1

Both are searched as such; nothing of a matrix has to be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from baselines.colbert.encoder import ColbertEncoder
from benchmarks.interfaces import Document, FloatArray

_Pool = Callable[[FloatArray], FloatArray]


def _sum(matrix: FloatArray) -> FloatArray:
    return matrix.sum(axis=0)  # type: ignore[no-any-return]


def _mean(matrix: FloatArray) -> FloatArray:
    return matrix.mean(axis=0)  # type: ignore[no-any-return]


def _first(matrix: FloatArray) -> FloatArray:
    return matrix[0]  # type: ignore[no-any-return]


POOLED: dict[str, tuple[_Pool, _Pool]] = {"average": (_sum, _mean), "first token": (_first, _first)}
"""How a query's matrix and how a document's becomes one vector, by interaction."""


class SingleVectorEncoder:
    """`encoder`, whose matrices become vectors as an interaction of `POOLED` has it."""

    def __init__(self, encoder: ColbertEncoder, interaction: str) -> None:
        self._encoder, self._interaction = encoder, interaction
        self._query, self._document = POOLED[interaction]

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's, and what becomes of its matrices."""
        return {**self._encoder.protocol, "interaction": self._interaction}

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took."""
        return self._encoder.training

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        return self._vectors(self._encoder.encode_queries(texts), self._query)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        return self._vectors(self._encoder.encode_documents(documents), self._document)

    def _vectors(self, matrices: Sequence[FloatArray], pool: _Pool) -> FloatArray:
        vectors = np.array([pool(matrix) for matrix in matrices], dtype=np.float32)
        return vectors.reshape(-1, self._encoder.conventions.dimension)
