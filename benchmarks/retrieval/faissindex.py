"""Any faiss index over the vectors, by its factory key.

An index is one file in the folder of the vectors it was built from; search parameters are set
after loading, so that keys that differ only in them share the file. What an approximate index
returns is put into the ranking order; which of several ties at the cut it returns is its own choice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import UsageError
from benchmarks.evaluation.ranking import ranking_order
from benchmarks.interfaces import FloatArray
from benchmarks.protocol import fingerprint
from benchmarks.spec import IndexKey
from benchmarks.storage.atomic import replacing
from benchmarks.storage.manifest import Manifest

_TRAINING_ROWS = 65_536


class Rows(Protocol):
    """Vectors in shards on disk, in the folder of `manifest`: what an index is built over."""

    manifest: Manifest

    @property
    def dimension(self) -> int:
        """Columns of every shard."""

    def __len__(self) -> int: ...

    def shards(self) -> Iterator[tuple[int, FloatArray]]:
        """Each shard's vectors, float32[rows, dimension], with the position of the first."""

    def rows(self, positions: NDArray[np.int64]) -> FloatArray:
        """The vectors at ascending `positions` [n]: float32[n, dimension]."""


class FaissIndex:
    """One faiss index: trained on a seeded sample, filled shard by shard."""

    def __init__(self, key: IndexKey, seed: int) -> None:
        self.key, self.seed = key, seed
        self.bytes = 0
        self.seconds = 0.0
        self._index: Any = None

    def open(self, shards: Rows) -> None:
        """Load the index from beside the vectors, building it first where it is not there."""
        import faiss

        name = f"faiss-{fingerprint([self.key.factory, self.seed])}.index"
        manifest = shards.manifest
        if name not in manifest:
            self._build(shards, manifest, name)
        self._index = faiss.read_index(str(manifest.path(name)))
        self.bytes = manifest.parts[name].bytes
        self.seconds = manifest.parts[name].seconds
        self._set_parameters()

    def search(
        self, vectors: FloatArray, depth: int, ranks: NDArray[np.int32]
    ) -> list[tuple[NDArray[np.int64], FloatArray]]:
        """For each vector the positions and scores it finds, in the ranking order."""
        scores, positions = self.nearest(vectors, depth)
        results = []
        for row, places in zip(scores, positions, strict=True):
            real = places >= 0
            order = ranking_order(row[real], ranks[places[real]])
            results.append((places[real][order], row[real][order]))
        return results

    def nearest(self, vectors: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Scores and positions of the `count` rows found for each vector, in faiss' order; -1 where there are fewer."""
        found: tuple[FloatArray, NDArray[np.int64]] = self._index.search(
            np.ascontiguousarray(vectors), min(count, self._index.ntotal)
        )
        return found

    def _build(self, shards: Rows, manifest: Manifest, name: str) -> None:
        import faiss

        start = time.perf_counter()
        index = _empty(self.key, shards.dimension)
        if not index.is_trained:
            _train(index, shards, self.seed)
        with _threads_for(self.key.factory):
            for _, vectors in shards.shards():
                index.add(np.ascontiguousarray(vectors))
        with replacing(manifest.path(name)) as file:
            faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
        manifest.adopt(name, time.perf_counter() - start)

    def _set_parameters(self) -> None:
        import faiss

        for name, value in self.key.search_parameters.items():
            try:
                faiss.ParameterSpace().set_index_parameter(self._index, name, value)
            except RuntimeError:
                raise UsageError(f"{self.key.factory!r} has no search parameter {name!r}") from None


def bytes_per_vector(key: IndexKey, dimension: int) -> int:
    """Bytes that an index of this key needs for each vector, on disk and in memory.

    Raises `UsageError` for a key that does not fit.
    """
    import faiss

    index = _empty(key, dimension)
    codes, links = index, 0
    if hasattr(index, "hnsw"):
        # The ground level of a graph; the levels above it add a few per cent.
        links = index.hnsw.nb_neighbors(0) * np.dtype(np.int32).itemsize
        codes = faiss.downcast_index(index.storage)
    inverted_id = np.dtype(np.int64).itemsize if "IVF" in key.factory else 0
    return int(codes.sa_code_size()) + links + inverted_id


def _empty(key: IndexKey, dimension: int) -> Any:
    import faiss

    try:
        return faiss.index_factory(dimension, key.factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError:
        raise UsageError(f"{key.factory!r} is not a faiss factory key for {dimension} dimensions") from None


@contextmanager
def _threads_for(factory: str) -> Iterator[None]:
    """One thread while a graph is built: its edges depend on the order of insertion."""
    import faiss

    threads = faiss.omp_get_max_threads()
    if "HNSW" in factory or "NSG" in factory:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _train(index: Any, shards: Rows, seed: int) -> None:
    """Train on at most 65,536 vectors drawn without replacement."""
    size = len(shards)
    rows = min(size, _TRAINING_ROWS)
    sample = np.sort(np.random.default_rng(seed).choice(size, size=rows, replace=False))
    try:
        index.train(shards.rows(sample.astype(np.int64)))
    except RuntimeError as error:
        reason = str(error).rsplit(":", 1)[-1].strip()
        raise UsageError(
            f"this faiss index cannot be trained on {size} vectors ({reason}); choose a smaller key"
        ) from None
