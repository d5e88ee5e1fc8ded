"""Document vectors on disk: encoded, written and read in shards of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import DamagedCache, EvaluationError
from benchmarks.interfaces import Document, Encoder, FloatArray
from benchmarks.retrieval.shards import Shards


class VectorShards(Shards):
    """One vector a document: an array `vectors` float32[documents, dimension] in each shard."""

    def encode(self, encoder: Encoder, documents: Iterable[Document]) -> None:
        """Complete the shards with an encoder. Raises `EvaluationError` for vectors it should not give."""

        def arrays(shard: list[Document]) -> dict[str, NDArray[Any]]:
            vectors = encoder.encode_documents(shard)
            check_vectors(vectors, len(shard))
            return {"vectors": vectors}

        self.complete(arrays, documents)

    def shards(self) -> Iterator[tuple[int, FloatArray]]:
        """Each shard with the position of its first document."""
        for number in range(self.count):
            yield number * self.SIZE, self.array("vectors", number)

    def rows(self, positions: NDArray[np.int64]) -> FloatArray:
        """The vectors at `positions` [n]: float32[n, dimension]."""
        result = np.empty((len(positions), self.dimension), dtype=np.float32)
        numbers = positions // self.SIZE
        for number in np.unique(numbers).tolist():
            here = np.flatnonzero(numbers == number)
            result[here] = self.array("vectors", number)[positions[here] - number * self.SIZE]
        return result

    @property
    def dimension(self) -> int:
        """Columns of every shard. Raises `DamagedCache` where there is none."""
        if not self.count:
            raise DamagedCache(f"{self.manifest.folder} holds no vectors; delete it and run again")
        dimension: int = self.array("vectors", 0).shape[1]
        return dimension


def check_vectors(vectors: FloatArray, rows: int) -> None:
    """Raise `EvaluationError` unless an encoder's output is finite float32[rows, dimension]."""
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or len(vectors) != rows:
        shape = getattr(vectors, "shape", type(vectors).__name__)
        raise EvaluationError(
            f"the encoder gave {shape} for {rows} texts; it owes float32[{rows}, dimension]"
        )
    if vectors.dtype != np.float32:
        raise EvaluationError(f"the encoder gave {vectors.dtype}; vectors are float32")
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise EvaluationError(f"the encoder gave a vector that is not finite (text {bad} of its batch)")
