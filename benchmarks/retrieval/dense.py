"""Single-vector retrieval: an encoder, its vectors on disk, and an index over them.

Without an index key the search is exact: block after block of inner products, with a
vectorised merge. With a faiss factory key it is whatever the key says.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.efficiency.stages import stage
from benchmarks.interfaces import Cost, Document, Encoder, FloatArray, Query, Ranking
from benchmarks.retrieval.calibrating import CALIBRATED, id_cost, timed
from benchmarks.retrieval.faissindex import FaissIndex, bytes_per_vector
from benchmarks.retrieval.idtable import IdTable
from benchmarks.retrieval.threads import threads_for
from benchmarks.retrieval.topk import TopK
from benchmarks.retrieval.vectors import VectorShards, check_vectors
from benchmarks.spec import IndexKey

_FIT = "fit.json"
_QUERIES = 512
"""Queries scored together: bounds memory, whatever the number of queries."""


class DenseRetriever:
    """Searches an encoder's vectors by inner product."""

    def __init__(self, encoder: Encoder, key: IndexKey | None = None, seed: int = 0) -> None:
        self.encoder = encoder
        self.key = key
        self.seed = seed
        self._shards: VectorShards
        self._ids: IdTable
        self._faiss: FaissIndex | None = None

    @property
    def index_protocol(self) -> Mapping[str, Any]:
        """What names the folder: indexes over the same vectors share it."""
        return {"kind": "vectors", **self.encoder.protocol}

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol and the index."""
        key = {"factory": self.key.factory, "parameters": self.key.search_parameters} if self.key else "exact"
        seeded = {"seed": self.seed} if self.key else {}
        return {**self.index_protocol, "similarity": "inner product", "index": key, **seeded}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode `documents` into `folder`, and build the faiss index where one is asked for."""
        self._shards = VectorShards(folder)
        self._fit(documents, folder)
        self._shards.encode(self.encoder, documents)
        self._ids = IdTable(self._shards.manifest)
        if self.key is not None:
            self._faiss = FaissIndex(self.key, self.seed)
            self._faiss.open(self._shards)

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents of each query by inner product."""
        rankings: list[Ranking] = []
        for start in range(0, len(queries), _QUERIES):
            rankings += self._search(self._encode(queries[start : start + _QUERIES]), depth)
        return rankings

    def search_vectors(self, vectors: Sequence[FloatArray], depth: int) -> list[Ranking]:
        """The best `depth` documents of each query vector [dimension]. Raises `EvaluationError` for no numbers."""
        rankings: list[Ranking] = []
        for start in range(0, len(vectors), _QUERIES):
            some = np.stack(vectors[start : start + _QUERIES]).astype(np.float32)
            check_vectors(some, len(some))
            rankings += self._search(some, depth)
        return rankings

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """Inner products of each query with its candidates; -inf for unknown ids."""
        vectors = self._encode(queries)
        scores = []
        for vector, ids in zip(vectors, candidates, strict=True):
            positions = self._ids.positions(ids)
            known = positions >= 0
            row = np.full(len(ids), -np.inf, dtype=np.float32)
            row[known] = self._shards.rows(positions[known]) @ vector
            scores.append(row)
        return scores

    def index_bytes(self) -> int:
        """Bytes a search reads: the vectors or the faiss index, and the ids."""
        manifest = self._shards.manifest
        return manifest.size(*IdTable.FILES) + (
            self._faiss.bytes if self._faiss else manifest.size("vectors")
        )

    def build_seconds(self) -> dict[str, float]:
        """Seconds spent fitting and encoding, and indexing, over all the runs it took."""
        manifest = self._shards.manifest
        encode = manifest.seconds(_FIT) + manifest.seconds("vectors")
        return {
            "encode": encode,
            "index": manifest.seconds(IdTable.FILES[0]) + (self._faiss.seconds if self._faiss else 0.0),
        }

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """What indexing `sample` costs, from encoding at most 256 of its documents or ten seconds of them.

        An encoder that learns from the collection first learns from `sample`; loading weights is left out.
        """
        some = sample[:: -(-len(sample) // CALIBRATED)]
        encoder, learning = _fitted(self.encoder, sample, some)
        seconds, (vector,) = timed(lambda documents: list(encoder.encode_documents(documents)), some)
        dimension = len(vector)
        faiss = bytes_per_vector(self.key, dimension) if self.key else 0
        disk = dimension * np.dtype(np.float32).itemsize + faiss
        most = getattr(encoder, "fitted_on", None)
        each = Cost(seconds, disk, faiss, learning * most) if most else Cost(seconds + learning, disk, faiss)
        return (each + id_cost(sample)) * len(sample)

    def _fit(self, documents: Iterable[Document], folder: Path) -> None:
        """Let an encoder that learns from the collection do so, once."""
        fit = getattr(self.encoder, "fit", None)
        if fit is None:
            return
        start = time.perf_counter()
        fit(documents, folder / "encoder")
        manifest = self._shards.manifest
        if _FIT not in manifest:
            manifest.write(_FIT, lambda file: file.write(b"{}"), time.perf_counter() - start)

    def _encode(self, queries: Sequence[Query]) -> FloatArray:
        with stage("encode"):
            vectors = self.encoder.encode_queries([query.text for query in queries])
        check_vectors(vectors, len(queries))
        return vectors

    def _search(self, vectors: FloatArray, depth: int) -> list[Ranking]:
        with stage("search"):
            found = (
                self._faiss.search(vectors, depth, self._ids.ranks)
                if self._faiss
                else self._exact(vectors, depth)
            )
        with stage("fetch"):
            return [Ranking(self._ids.fetch(positions), scores) for positions, scores in found]

    def _exact(self, vectors: FloatArray, depth: int) -> Any:
        best = TopK(len(vectors), min(depth, len(self._ids)), self._ids.ranks)
        with threads_for(vectors.size * len(self._ids)):
            for start, shard in self._shards.shards():
                best.offer(vectors @ shard.T, start)
        return best.finish()


def _fitted(encoder: Encoder, sample: Sequence[Document], some: Sequence[Document]) -> tuple[Encoder, float]:
    """The encoder, or a copy that has learnt from `sample`, and the seconds that it took for each document.

    It learns from `some` before, so that imports are not counted.
    """
    if not hasattr(encoder, "fit"):
        return encoder, 0.0
    learnt: Any = copy.copy(encoder)
    seconds = 0.0
    for part in (some, sample):
        with TemporaryDirectory() as scratch:
            start = time.perf_counter()
            learnt.fit(part, Path(scratch))
            seconds = time.perf_counter() - start
    return learnt, seconds / len(sample)
