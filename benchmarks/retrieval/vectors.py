"""Document vectors on disk: encoded, written and read in shards of bounded size.

A shard is a float32 array of at most `SHARD` rows with its ids beside it. Batches never cross
a shard's border, so that an encoding killed and resumed gives the bytes of one never killed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import DamagedCache, EvaluationError
from benchmarks.interfaces import Document, Encoder, FloatArray
from benchmarks.retrieval.idtable import IdTable, encoded
from benchmarks.storage.manifest import Manifest

SHARD = 2048
_KEPT_OPEN = 256
"""Mapped shards hold a file descriptor each, and a process has some thousand."""

Encode = Callable[[list[Document]], Mapping[str, NDArray[Any]]]


class Shards:
    """The encoded documents of one folder, in shards of `SHARD` documents."""

    def __init__(self, folder: Path) -> None:
        self.manifest = Manifest(folder)

    @property
    def finished(self) -> bool:
        """Whether every document is encoded and the id table written."""
        return IdTable.written(self.manifest)

    def build(self, encode: Encode, documents: Iterable[Document]) -> None:
        """Encode what is not encoded yet, then write the id table.

        `encode` gives the arrays of a shard by name. Raises `EvaluationError`.
        """
        stream = iter(documents)
        for number in itertools.count():
            shard = list(itertools.islice(stream, SHARD))
            if not shard:
                break
            if _name("ids", number) not in self.manifest:
                self._encode(encode, shard, number)
        ids = [self.manifest.array(_name("ids", number)) for number in range(self.count)]
        if not ids:
            raise EvaluationError("there are no documents to index")
        IdTable.write(self.manifest, np.concatenate(ids))

    def __len__(self) -> int:
        return sum(self.manifest.parts[_name("ids", number)].facts["rows"] for number in range(self.count))

    @property
    def count(self) -> int:
        """How many shards there are."""
        return sum(name.startswith("ids-0") for name in self.manifest.parts)

    def array(self, part: str, number: int) -> NDArray[Any]:
        """One array of a shard, memory-mapped."""
        return self.manifest.array(_name(part, number))

    def _encode(self, encode: Encode, shard: list[Document], number: int) -> None:
        start = time.perf_counter()
        arrays = encode(shard)
        seconds = time.perf_counter() - start
        for part, array in arrays.items():
            self.manifest.write_array(_name(part, number), array, seconds if part == "vectors" else 0.0)
        # The ids come last: their presence says that the shard is whole.
        ids = encoded([document.id for document in shard])
        self.manifest.write_array(_name("ids", number), ids, rows=len(shard))


class VectorShards(Shards):
    """One vector a document: an array `vectors` float32[documents, dimension] in each shard."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._opened: dict[int, FloatArray] = {}

    def encode(self, encoder: Encoder, documents: Iterable[Document]) -> None:
        """Build the shards with an encoder. Raises `EvaluationError` for vectors it should not give."""

        def arrays(shard: list[Document]) -> dict[str, NDArray[Any]]:
            vectors = encoder.encode_documents(shard)
            check_vectors(vectors, len(shard))
            return {"vectors": vectors}

        self.build(arrays, documents)

    def shards(self) -> Iterator[tuple[int, FloatArray]]:
        """Each shard with the position of its first document."""
        start = 0
        for number in range(self.count):
            vectors = self._shard(number)
            yield start, vectors
            start += len(vectors)

    def rows(self, positions: NDArray[np.int64]) -> FloatArray:
        """The vectors at `positions` [n]: float32[n, dimension]."""
        gathered: list[tuple[NDArray[np.intp], FloatArray]] = []
        numbers = positions // SHARD
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            vectors = self._shard(int(number))
            gathered.append((here, vectors[positions[here] - number * SHARD]))
        result = np.empty((len(positions), self.dimension), dtype=np.float32)
        for here, vectors in gathered:
            result[here] = vectors
        return result

    @property
    def dimension(self) -> int:
        """Columns of every shard. Raises `DamagedCache` where there is none."""
        if not self.count:
            raise DamagedCache(f"{self.manifest.folder} holds no vectors; delete it and run again")
        dimension: int = self._shard(0).shape[1]
        return dimension

    def _shard(self, number: int) -> FloatArray:
        """A shard's vectors. The first few stay mapped: a query should not open files."""
        if number in self._opened:
            return self._opened[number]
        vectors = self.array("vectors", number)
        if len(self._opened) < _KEPT_OPEN:
            self._opened[number] = vectors
        return vectors


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


def _name(part: str, number: int) -> str:
    return f"{part}-{number:06d}.npy"
