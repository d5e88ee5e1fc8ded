"""BM25 as Lucene scores it, on bm25s' eager sparse index.

Robertson's formula in Lucene's form (Kamphuis et al., ECIR 2020, "Lucene (accurate)", with the
lengths of "Lucene (default)"):

    score(q, d) = sum over query terms t, with repetition, of  idf(t) tf / (tf + k1 (1 - b + b |d| / avgdl))
    idf(t)      = ln(1 + (N - df + 0.5) / (df + 0.5))

|d| is what survives Lucene's one-byte norm (four significant bits), avgdl is exact. Of several
fields, each with its own statistics, the scores are added: Anserini's multifield.

Counting is streamed in shards, and resumes; the final matrix of postings is sorted in memory,
about 37 bytes a posting at the peak.
"""

from __future__ import annotations

import copy
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.efficiency.stages import stage
from benchmarks.evaluation.ranking import ranking_order
from benchmarks.interfaces import Cost, Document, FloatArray, Query, Ranking
from benchmarks.retrieval.analysis import analyser, behaviour
from benchmarks.retrieval.idtable import IdTable, encoded
from benchmarks.storage.manifest import Manifest

_SHARD = 8192
_COUNTED, _SORTED = 12, 37
"""Bytes a posting takes on disk while it is only counted, and in memory while all are sorted."""
_FIELDS: Mapping[str, Callable[[Document], str]] = {
    "contents": lambda document: document.contents,
    "title": lambda document: document.title,
    "text": lambda document: document.text,
}


class BM25Retriever:
    """BM25 over one field (`contents`: title and text) or several."""

    def __init__(
        self, k1: float, b: float, fields: Sequence[str] = ("contents",), language: str = "en"
    ) -> None:
        self.k1, self.b, self.fields = k1, b, tuple(fields)
        self._analysis, self._analyse = analyser(language)
        self._parts: list[_Postings] = []
        self._ids: IdTable
        self._manifest: Manifest

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Formula, parameters, fields, analysis."""
        return {
            "kind": "bm25", "k1": self.k1, "b": self.b, "fields": list(self.fields),
            "analysis": self._analysis, "lengths": "lucene one-byte norms",
        }  # fmt: skip

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Count terms shard by shard, then score every posting."""
        manifest = self._manifest = Manifest(folder)
        manifest.check()
        if not IdTable.written(manifest):
            self._analyse("importing the stemmer is not this collection's cost")
            self._count(documents, manifest)
            for field in self.fields:
                _write_postings(manifest, field, self.k1, self.b)
            IdTable.write(manifest, np.concatenate(_arrays(manifest, "ids")))
        manifest.drop("triples-", "lengths-")
        self._ids = IdTable(manifest)
        self._parts = [_Postings(manifest, field, self.k1, self.b) for field in self.fields]

    @property
    def index_protocol(self) -> Mapping[str, Any]:
        """Names the folder: another analyser, even under the old name, never meets postings that it did not make."""
        return {**self.protocol, "terms": behaviour(self._analyse)}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The best `depth` documents that share a term with the query."""
        return [self._search(query, depth) for query in queries]

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """BM25 of each query with its candidates; -inf for unknown ids."""
        rows = []
        for query, ids in zip(queries, candidates, strict=True):
            positions = self._ids.positions(ids)
            row = self._scores(self._analyse(query.text))[positions]
            row[positions < 0] = -np.inf
            rows.append(row)
        return rows

    def index_bytes(self) -> int:
        """Bytes a search reads: postings, vocabulary and ids, without the counts they were built from."""
        return self._manifest.size("bm25", "vocabulary", *IdTable.FILES)

    def build_seconds(self) -> dict[str, float]:
        """Seconds spent on analysis and on the index, over all the runs it took."""
        return {"encode": self._manifest.seconds("ids-0"), "index": self._manifest.seconds("bm25")}

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """What indexing `sample` costs: it is done, in a scratch folder.

        While a large index is built the counts lie beside it on disk, 12 bytes a posting.
        """
        self._tried(sample[:1])  # importing bm25s is no cost of the documents
        return self._tried(sample)

    def _tried(self, sample: Sequence[Document]) -> Cost:
        with TemporaryDirectory() as scratch:
            start = time.perf_counter()
            small = copy.copy(self)
            small.index(sample, Path(scratch))
            seconds = time.perf_counter() - start
            postings = sum(part.postings for part in small._parts)
            disk = small._manifest.size() + _COUNTED * postings
        return Cost(seconds, disk, _SORTED * postings)

    def _search(self, query: Query, depth: int) -> Ranking:
        with stage("encode"):
            terms = self._analyse(query.text)
        with stage("search"):
            scores = self._scores(terms)
            best = _best(scores, depth, self._ids.ranks)
        with stage("fetch"):
            return Ranking(self._ids.fetch(best), scores[best])

    def _scores(self, terms: Sequence[str]) -> FloatArray:
        total = self._parts[0].scores(terms)
        for part in self._parts[1:]:
            total += part.scores(terms)
        return total

    def _count(self, documents: Iterable[Document], manifest: Manifest) -> None:
        vocabularies = {field: _vocabulary(manifest, field) for field in self.fields}
        stream = iter(documents)
        for number in itertools.count():
            shard = list(itertools.islice(stream, _SHARD))
            if not shard:
                return
            if f"ids-{number:06d}.npy" in manifest:
                continue
            start = time.perf_counter()
            for field in self.fields:
                self._count_field(manifest, field, shard, number, vocabularies[field])
            # The ids come last: their presence says that the shard is whole.
            ids = encoded([document.id for document in shard])
            manifest.write_array(f"ids-{number:06d}.npy", ids, time.perf_counter() - start)

    def _count_field(
        self, manifest: Manifest, field: str, shard: list[Document], number: int, vocabulary: dict[str, int]
    ) -> None:
        """Save (document, term, frequency) of a shard, its lengths, and the terms it is first to use."""
        known = len(vocabulary)
        triples: list[tuple[int, int, int]] = []
        lengths = np.zeros(len(shard), dtype=np.int32)
        for row, document in enumerate(shard):
            terms = self._analyse(_FIELDS[field](document))
            lengths[row] = len(terms)
            for term, frequency in Counter(terms).items():
                triples.append((row, vocabulary.setdefault(term, len(vocabulary)), frequency))
        manifest.write_array(
            f"triples-{field}-{number:06d}.npy", np.array(triples, dtype=np.int32).reshape(-1, 3)
        )
        manifest.write_array(f"lengths-{field}-{number:06d}.npy", lengths)
        new = list(itertools.islice(vocabulary, known, None))
        manifest.write(
            f"vocabulary-{field}-{number:06d}.json", lambda file: file.write(json.dumps(new).encode())
        )


class _Postings:
    """The scored postings of one field, memory-mapped and summed by bm25s."""

    def __init__(self, manifest: Manifest, field: str, k1: float, b: float) -> None:
        import bm25s

        self._vocabulary = _vocabulary(manifest, field)
        self._model = bm25s.BM25(k1=k1, b=b, method="lucene")
        self._model.scores = {
            name: manifest.array(f"bm25-{field}-{name}.npy") for name in ("data", "indices", "indptr")
        }
        self._model.scores["num_docs"] = manifest.parts[f"bm25-{field}-indptr.npy"].facts["documents"]
        self._model.nonoccurrence_array = None

    @property
    def postings(self) -> int:
        """How many pairs of a term and a document there are."""
        return len(self._model.scores["data"])

    def scores(self, terms: Sequence[str]) -> FloatArray:
        """float32[documents]; a term that occurs twice counts twice."""
        known = [self._vocabulary[term] for term in terms if term in self._vocabulary]
        if not known:
            return np.zeros(self._model.scores["num_docs"], dtype=np.float32)
        scores: FloatArray = self._model.get_scores_from_ids(known)
        return scores


def kept_by_norm(lengths: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """What a document length is after Lucene's one-byte norm: exact below 40, then four bits."""
    free = 24
    above = np.maximum(lengths.astype(np.int64) - free, 0)
    bits = np.frexp(above.astype(np.float64))[1]
    shift = np.maximum(bits - 4, 0)
    return np.where(lengths < free, lengths, free + ((above >> shift) << shift))


def _write_postings(manifest: Manifest, field: str, k1: float, b: float) -> None:
    """Score every posting of a field and save the matrix by term (CSC), as bm25s reads it."""
    start = time.perf_counter()
    lengths = np.concatenate(_arrays(manifest, f"lengths-{field}"))
    triples = list(_shifted(manifest, field))
    document, term, frequency = (np.concatenate([shard[i] for shard in triples]) for i in range(3))
    del triples
    order = np.lexsort((document, term))
    document, term, frequency = document[order], term[order], frequency[order]
    document_frequency = np.bincount(term, minlength=len(_vocabulary(manifest, field)))
    with_field = max(1, int((lengths > 0).sum()))
    average = max(1.0, float(lengths.sum()) / with_field)
    idf = np.log1p((with_field - document_frequency + 0.5) / (document_frequency + 0.5))
    saturation = k1 * (1 - b + b * kept_by_norm(lengths) / average)
    data = (idf[term] * frequency / (frequency + saturation[document])).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(document_frequency)]).astype(np.int64)
    manifest.write_array(f"bm25-{field}-data.npy", data)
    manifest.write_array(f"bm25-{field}-indices.npy", document)
    seconds = time.perf_counter() - start
    manifest.write_array(f"bm25-{field}-indptr.npy", indptr, seconds, documents=len(lengths))


def _shifted(manifest: Manifest, field: str) -> Iterator[tuple[NDArray[np.int32], ...]]:
    """The triples of each shard as columns, with documents counted over all shards."""
    start = 0
    pairs = zip(_arrays(manifest, f"triples-{field}"), _arrays(manifest, f"lengths-{field}"), strict=True)
    for triples, lengths in pairs:
        yield triples[:, 0] + np.int32(start), np.asarray(triples[:, 1]), np.asarray(triples[:, 2])
        start += len(lengths)


def _arrays(manifest: Manifest, prefix: str) -> list[NDArray[Any]]:
    return [manifest.array(name) for name in sorted(manifest.parts) if name.startswith(f"{prefix}-0")]


def _vocabulary(manifest: Manifest, field: str) -> dict[str, int]:
    """Terms by number, in order of first use over the shards that are whole."""
    terms: dict[str, int] = {}
    for name in sorted(manifest.parts):
        whole = name.replace(f"vocabulary-{field}", "ids").replace(".json", ".npy") in manifest
        if name.startswith(f"vocabulary-{field}-") and whole:
            for term in json.loads(manifest.path(name).read_text("utf-8")):
                terms[term] = len(terms)
    return terms


def _best(scores: FloatArray, depth: int, ranks: NDArray[np.int32]) -> NDArray[np.int64]:
    """The positions of the best `depth` scores above 0, in the ranking order."""
    matching = np.flatnonzero(scores > 0)
    if len(matching) > depth:
        values = scores[matching]
        cut = np.partition(values, len(values) - depth)[len(values) - depth]
        matching = matching[values >= cut]
    order = ranking_order(scores[matching], ranks[matching])[:depth]
    best: NDArray[np.int64] = matching[order]
    return best
