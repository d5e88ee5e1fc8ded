"""Late interaction end to end: a faiss index finds candidates, exact MaxSim orders them.

Khattab and Zaharia 2020, section 3.6: every vector of the query finds its k' nearest among the vectors of all
documents; the documents that these belong to are scored with all their vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.ranking import ranking_order
from benchmarks.interfaces import Cost, Document, FloatArray, TokenEncoder
from benchmarks.retrieval.codecs import Codec
from benchmarks.retrieval.faissindex import FaissIndex, bytes_per_vector
from benchmarks.retrieval.late import Found, LateInteraction
from benchmarks.retrieval.tokenshards import TokenShards
from benchmarks.spec import IndexKey


class CandidateSearch(LateInteraction):
    """Scores the documents of the token vectors that a faiss index finds.

    `nearest` is k': how many of them each of the query's vectors finds. What grows with the documents is eight
    bytes for each, and the faiss index, which is held in memory.
    """

    def __init__(
        self, encoder: TokenEncoder, codec: Codec, key: IndexKey, nearest: int, seed: int = 0
    ) -> None:
        super().__init__(encoder, codec, seed)
        self._key, self._nearest = key, nearest
        self._faiss = FaissIndex(key, seed)
        self._ends: NDArray[np.int64]

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The vectors' protocol, and how candidates are found."""
        key = {
            "factory": self._key.factory,
            "parameters": self._key.search_parameters,
            "nearest": self._nearest,
        }
        return {**super().protocol, "index": key, "seed": self.seed}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode `documents` into `folder`, and build the faiss index beside them."""
        super().index(documents, folder)
        self._ends = np.cumsum(self.shards.lengths(), dtype=np.int64)
        self._faiss.open(_TokenRows(self.shards, self._ends))

    def find(self, matrices: Sequence[FloatArray], depth: int) -> Found:
        """The best `depth` of each query's candidates; fewer where fewer were found."""
        _, rows = self._faiss.nearest(np.concatenate(matrices), self._nearest)
        results = []
        bounds = np.cumsum([len(matrix) for matrix in matrices])[:-1]
        for matrix, found in zip(matrices, np.split(rows, bounds), strict=True):
            documents = np.unique(np.searchsorted(self._ends, found[found >= 0], side="right"))
            scores = self.score_positions(matrix, documents)
            best = ranking_order(scores, self.ids.ranks[documents])[:depth]
            results.append((documents[best], scores[best]))
        return results

    def cost_of_vectors(self, vectors: float, dimension: int) -> Cost:
        """Bytes that a document takes, here and in the index."""
        faiss = vectors * bytes_per_vector(self._key, dimension)
        here = super().cost_of_vectors(vectors, dimension)
        return here + Cost(0.0, faiss, faiss + np.dtype(np.int64).itemsize)

    def index_bytes(self) -> int:
        """Bytes a search reads: both the vectors and the faiss index."""
        return super().index_bytes() + self._faiss.bytes

    def build_seconds(self) -> dict[str, float]:
        """Seconds spent encoding and indexing, over all the runs it took."""
        seconds = super().build_seconds()
        return {**seconds, "index": seconds["index"] + self._faiss.seconds}


class _TokenRows:
    """Token vectors one by one, whatever document they belong to, as an index wants them."""

    def __init__(self, shards: TokenShards, ends: NDArray[np.int64]) -> None:
        self.manifest = shards.manifest
        self._shards = shards
        # Where each shard's vectors end, among all.
        last = np.minimum(np.arange(1, shards.count + 1) * shards.SIZE, len(ends)) - 1
        self._ends = ends[last]

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def dimension(self) -> int:
        """Numbers in each vector."""
        dimension: int = self._shards.vectors(0, slice(0, 1)).shape[1]
        return dimension

    def shards(self) -> Iterator[tuple[int, FloatArray]]:
        """Each shard's first position among all vectors, and its vectors [rows, dimension]."""
        for number, end in enumerate(self._ends.tolist()):
            vectors = self._shards.vectors(number)
            yield end - len(vectors), vectors

    def rows(self, positions: NDArray[np.int64]) -> FloatArray:
        """The vectors [rows, dimension] at ascending positions among all."""
        numbers = np.searchsorted(self._ends, positions, side="right")
        starts = np.concatenate([[0], self._ends])
        return np.concatenate(
            [
                self._shards.vectors(n, positions[numbers == n] - starts[n])
                for n in np.unique(numbers).tolist()
            ]
        )
