"""Late interaction: documents of several vectors on disk, searched by exact MaxSim.

Every document is scored, block after block; or those a first stage found (`score`). A document
whose best passage counts (MaxP) is the same thing with a query of one vector.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency.stages import stage
from benchmarks.interfaces import Cost, Document, FloatArray, Query, Ranking, TokenEncoder
from benchmarks.retrieval.calibrating import CALIBRATED, id_cost, timed
from benchmarks.retrieval.codecs import Codec
from benchmarks.retrieval.idtable import IdTable
from benchmarks.retrieval.maxsim import MaxSim
from benchmarks.retrieval.tokenshards import TokenShards, check_matrices
from benchmarks.retrieval.topk import TopK

Found = list[tuple[NDArray[np.int64], FloatArray]]
"""For each query the positions of its best documents and their scores, in the ranking order."""

_QUERIES = 16
"""Queries scored together: bounds memory, whatever the number of queries."""


class LateInteraction:
    """Searches an encoder's token vectors, kept as `codec` says, by MaxSim with every document."""

    def __init__(self, encoder: TokenEncoder, codec: Codec, seed: int = 0) -> None:
        self.encoder, self.codec, self.seed = encoder, codec, seed
        self.shards: TokenShards
        self.ids: IdTable

    @property
    def index_protocol(self) -> Mapping[str, Any]:
        """What names the folder: whatever finds candidates in the same vectors shares it."""
        return {"kind": "token vectors", **self.encoder.protocol, **self.codec.protocol}

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol and how its vectors are kept and compared."""
        return {**self.index_protocol, "similarity": "MaxSim", "index": "exact"}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode `documents` into `folder`."""
        self.shards = TokenShards(folder, self.codec)
        self.shards.encode(self.encoder, documents, self.seed)
        self.ids = IdTable(self.shards.manifest)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents for each query, by MaxSim."""
        rankings: list[Ranking] = []
        for start in range(0, len(queries), _QUERIES):
            matrices = self._encode(queries[start : start + _QUERIES])
            with stage("search"):
                found = self.find(matrices, min(depth, len(self.ids)))
            with stage("fetch"):
                rankings += [Ranking(self.ids.fetch(positions), scores) for positions, scores in found]
        return rankings

    def find(self, matrices: Sequence[FloatArray], depth: int) -> Found:
        """The best `depth` documents for each query, float32[vectors, dimension]: here of all."""
        best = TopK(len(matrices), depth, self.ids.ranks)
        scorer = MaxSim(matrices)
        for start, block in self.shards.blocks(scorer.block):
            best.offer(scorer(self.codec.decode(scorer.tensors(block.rows)), block.lengths), start)
        return best.finish()

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """MaxSim of each query with its candidates; -inf for unknown ids."""
        scores = []
        for matrix, ids in zip(self._encode(queries), candidates, strict=True):
            positions = self.ids.positions(ids)
            known = positions >= 0
            row = np.full(len(ids), -np.inf, dtype=np.float32)
            row[known] = self.score_positions(matrix, positions[known])
            scores.append(row)
        return scores

    def score_positions(self, matrix: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        """MaxSim of a query with the documents at `positions` [n]: float32[n]."""
        scores = np.empty(len(positions), dtype=np.float32)
        scorer = MaxSim([matrix])
        for places, block in self.shards.chosen(positions, scorer.block):
            scores[places] = scorer(self.codec.decode(scorer.tensors(block.rows)), block.lengths)[0]
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
        cost = self.cost_of_vectors(float(np.mean(lengths)), first.shape[1])
        return (cost + Cost(seconds, 0.0, 0.0) + id_cost(sample)) * len(sample)

    def cost_of_vectors(self, vectors: float, dimension: int) -> Cost:
        """Bytes that a document of so many vectors takes."""
        disk = vectors * self.codec.bytes_per_vector(dimension) + np.dtype(np.int32).itemsize
        return Cost(0.0, disk, 0.0)

    def index_bytes(self) -> int:
        """Bytes a search reads: vectors, lengths, ids, and what the codec learnt."""
        return self.shards.manifest.size(*IdTable.FILES, "lengths", *self.codec.parts, *self.codec.learnt)

    def build_seconds(self) -> dict[str, float]:
        """Seconds spent encoding, and writing the id table, over all the runs it took."""
        manifest = self.shards.manifest
        encode = sum(manifest.seconds(part) for part in (*self.codec.parts, *self.codec.learnt))
        return {"encode": encode, "index": manifest.seconds(IdTable.FILES[0])}

    def _encode(self, queries: Sequence[Query]) -> list[FloatArray]:
        with stage("encode"):
            matrices = self.encoder.encode_queries([query.text for query in queries])
        check_matrices(matrices, len(queries))
        return matrices
