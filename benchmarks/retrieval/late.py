"""Late interaction: documents of several vectors on disk, searched by exact MaxSim.

Every document is scored, block after block; or those a first stage found (`score`). A document
whose best passage counts (MaxP) is the same thing with a query of one vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency.stages import stage
from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Cost, Document, FloatArray, Query, Ranking, TokenEncoder
from benchmarks.retrieval.calibrating import CALIBRATED, id_cost, timed
from benchmarks.retrieval.idtable import IdTable
from benchmarks.retrieval.maxsim import maxsim
from benchmarks.retrieval.shards import Shards
from benchmarks.retrieval.threads import threads_for
from benchmarks.retrieval.topk import TopK
from benchmarks.retrieval.vectors import check_vectors

_QUERIES = 16
_BLOCK = 16_384
"""Queries and document vectors scored together: at 32 vectors a query, 32 MiB of inner products."""


class TokenShards(Shards):
    """Several vectors a document: `vectors` [sum of lengths, dimension] and `lengths` in each shard."""

    def encode(self, encoder: TokenEncoder, documents: Iterable[Document]) -> None:
        """Complete the shards with an encoder. Raises `EvaluationError` for vectors it should not give."""

        def arrays(shard: list[Document]) -> dict[str, NDArray[Any]]:
            matrices = encoder.encode_documents(shard)
            check_matrices(matrices, len(shard))
            lengths = np.array([len(matrix) for matrix in matrices], dtype=np.int32)
            return {"lengths": lengths, "vectors": np.concatenate(matrices).astype(encoder.token_vectors)}

        self.complete(arrays, documents)

    def blocks(self) -> Iterator[tuple[int, FloatArray, NDArray[np.int32]]]:
        """Position of the first document, vectors and lengths of each block of about `_BLOCK` vectors."""
        for number in range(self.count):
            vectors, lengths, ends = self._shard(number)
            first = 0
            while first < len(lengths):
                begin = int(ends[first - 1]) if first else 0
                last = max(first + 1, int(np.searchsorted(ends, begin + _BLOCK, side="right")))
                block = vectors[begin : int(ends[last - 1])].astype(np.float32, copy=False)
                yield number * self.SIZE + first, block, lengths[first:last]
                first = last

    def gather(self, positions: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.int64]]:
        """Vectors end to end, and lengths, of the documents at `positions` [n], in their order."""
        pieces: list[FloatArray] = [np.empty(0, dtype=np.float32)] * len(positions)
        numbers = positions // self.SIZE
        for number in np.unique(numbers).tolist():
            vectors, lengths, ends = self._shard(number)
            for place in np.flatnonzero(numbers == number).tolist():
                row = int(positions[place]) - number * self.SIZE
                pieces[place] = vectors[int(ends[row]) - int(lengths[row]) : int(ends[row])]
        return np.concatenate(pieces).astype(np.float32), np.array([len(piece) for piece in pieces])

    def _shard(self, number: int) -> tuple[FloatArray, NDArray[np.int32], NDArray[np.int64]]:
        """A shard's vectors, and where each document's stretch of them ends."""
        lengths = self.array("lengths", number)
        return self.array("vectors", number), lengths, np.cumsum(lengths)


class LateInteraction:
    """Searches an encoder's token vectors by MaxSim."""

    def __init__(self, encoder: TokenEncoder) -> None:
        self.encoder = encoder
        self._shards: TokenShards
        self._ids: IdTable

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol and how its vectors are kept and compared."""
        return {
            "kind": "token vectors", **self.encoder.protocol, "stored": self.encoder.token_vectors,
            "similarity": "MaxSim", "index": "exact",
        }  # fmt: skip

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode `documents` into `folder`."""
        self._shards = TokenShards(folder)
        self._shards.encode(self.encoder, documents)
        self._ids = IdTable(self._shards.manifest)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` of all documents for each query, by MaxSim."""
        rankings: list[Ranking] = []
        for start in range(0, len(queries), _QUERIES):
            rankings += self._search(queries[start : start + _QUERIES], depth)
        return rankings

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """MaxSim of each query with its candidates; -inf for unknown ids."""
        scores = []
        for matrix, ids in zip(self._encode(queries), candidates, strict=True):
            positions = self._ids.positions(ids)
            known = positions >= 0
            row = np.full(len(ids), -np.inf, dtype=np.float32)
            if known.any():
                row[known] = maxsim([matrix], *self._shards.gather(positions[known]))[0]
            scores.append(row)
        return scores

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """What indexing `sample` costs, from encoding at most 256 of its documents or ten seconds of them."""
        some = sample[:: -(-len(sample) // CALIBRATED)]
        lengths: list[int] = []

        def encode(documents: Sequence[Document]) -> list[FloatArray]:
            matrices = self.encoder.encode_documents(documents)
            lengths.extend(len(matrix) for matrix in matrices)
            return matrices

        seconds, (first,) = timed(encode, some)
        row = first.shape[1] * np.dtype(self.encoder.token_vectors).itemsize
        disk = float(np.mean(lengths)) * row + np.dtype(np.int32).itemsize
        return (Cost(seconds, disk, 0.0) + id_cost(sample)) * len(sample)

    def index_bytes(self) -> int:
        """Bytes a search reads: vectors, lengths and ids."""
        return self._shards.manifest.size(*IdTable.FILES, "vectors", "lengths")

    def build_seconds(self) -> dict[str, float]:
        """Seconds spent encoding, and writing the id table, over all the runs it took."""
        manifest = self._shards.manifest
        return {"encode": manifest.seconds("vectors"), "index": manifest.seconds(IdTable.FILES[0])}

    def _encode(self, queries: Sequence[Query]) -> list[FloatArray]:
        with stage("encode"):
            matrices = self.encoder.encode_queries([query.text for query in queries])
        check_matrices(matrices, len(queries))
        return matrices

    def _search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        matrices = self._encode(queries)
        best = TopK(len(queries), min(depth, len(self._ids)), self._ids.ranks)
        with stage("search"), threads_for(sum(matrix.size for matrix in matrices) * len(self._ids)):
            for start, vectors, lengths in self._shards.blocks():
                best.offer(maxsim(matrices, vectors, lengths), start)
            found = best.finish()
        with stage("fetch"):
            return [Ranking(self._ids.fetch(positions), scores) for positions, scores in found]


def check_matrices(matrices: Sequence[FloatArray], texts: int) -> None:
    """Raise `EvaluationError` unless an encoder gave `texts` finite matrices of at least one row each."""
    if not isinstance(matrices, list) or len(matrices) != texts:
        raise EvaluationError(
            f"the encoder owes a list of {texts} matrices; it gave {type(matrices).__name__}"
        )
    for place, matrix in enumerate(matrices):
        if not len(matrix):
            raise EvaluationError(
                f"the encoder gave no vector for text {place} of its batch; it owes one or more"
            )
        check_vectors(matrix, len(matrix))
