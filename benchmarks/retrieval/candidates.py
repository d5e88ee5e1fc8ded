"""Candidates: the ranking that comes with a collection, for others to re-rank.

Papers that re-rank start from a run somebody else made: MS MARCO's official top 1000 of BM25,
the top 100 of a TREC track. Which runs a collection has stands in `conventions.toml`
(`candidates`): a TREC run file under RETRIEVER_BENCH_DATA, or "scoreddocs" for the ones that
ir-datasets gives.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.collections.conventions import conventions_of, data_folder, with_candidates
from benchmarks.collections.irds import DatasetSource
from benchmarks.errors import EvaluationError, MissingData
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Cost, Document, Query, Ranking, Run
from benchmarks.protocol import CANDIDATES
from benchmarks.records import trecrun

SCOREDDOCS = "scoreddocs"
_DRAWN = 1000
_NONE = Ranking([], np.empty(0, dtype=np.float32))


class CandidateRetriever:
    """Answers a collection's queries with the run called `name` that comes with it."""

    def __init__(self, collection: str, name: str) -> None:
        self.collection, self.name = collection, name

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Whose run it is, and the hash of all its rankings. Raises `MissingData`."""
        return {"kind": CANDIDATES, "name": self.name, "sha256": self._sha256, "scored": self._scored}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Nothing: the rankings were made elsewhere."""

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Each query's ranking, cut at `depth`; an empty one for a query the run lacks.

        Raises `EvaluationError` where the run has no scores, so that a cut would be arbitrary.
        """
        found = [self._run.get(query.id, _NONE) for query in queries]
        longest = max((len(ranking.ids) for ranking in found), default=0)
        if longest > depth and not self._scored:
            raise EvaluationError(
                f"the {self.name} candidates of {self.collection} have no scores, so there is no best {depth}; "
                f"take them all with rerank(..., depth={longest})"
            )
        return [Ranking(ranking.ids[:depth], ranking.scores[:depth]) for ranking in found]

    def index_bytes(self) -> int:
        """Nothing is kept."""
        return 0

    def cost_of(self, _sample: Sequence[Document]) -> Cost:
        """Nothing is indexed."""
        return Cost(0.0, 0.0, 0.0)

    @functools.cached_property
    def _run(self) -> Run:
        return _read(self.collection, self.name)

    @functools.cached_property
    def _scored(self) -> bool:
        """MS MARCO's top 1000 names the passages and says nothing of their scores."""
        return any(len(set(ranking.scores.tolist())) > 1 for ranking in self._run.values())

    @functools.cached_property
    def _sha256(self) -> str:
        digest = hashlib.sha256()
        for query in sorted(self._run):
            digest.update(trecrun.dumps({query: self._run[query]}, self.name))
        return digest.hexdigest()


class RandomCandidates:
    """Candidates of a dry run: the first documents of the collection, for every query."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def protocol(self) -> Mapping[str, Any]:
        """That they are drawn, and for whom they stand."""
        return {"kind": CANDIDATES, "name": self.name, "drawn": _DRAWN}

    def index(self, documents: Iterable[Document], _folder: Path) -> None:
        """Note the first documents' ids."""
        self._ids = sorted(document.id for document in itertools.islice(documents, _DRAWN))

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """The same documents for all, in order of id."""
        ids = self._ids[:depth]
        return [rank(ids, np.zeros(len(ids), dtype=np.float32)) for _ in queries]


def _read(collection: str, name: str) -> Run:
    declared = dict(conventions_of(collection).candidates).get(name)
    if declared is None:
        raise MissingData(
            f"{collection or 'no collection'} has no candidates named {name!r}; "
            f"collections that have some: {', '.join(with_candidates(name))}"
        )
    if declared == SCOREDDOCS:
        return _ranked(DatasetSource(collection).candidates())
    path = (data_folder() or Path()) / declared
    if not path.exists():
        raise MissingData(
            f"{collection}: its {name} candidates are not on disk; RETRIEVER_BENCH_DATA has no {declared}"
        )
    return trecrun.loads(trecrun.read(path))


def _ranked(candidates: Iterable[tuple[str, str, float]]) -> Run:
    columns: dict[str, tuple[list[str], list[float]]] = {}
    for query, document, score in candidates:
        ids, scores = columns.setdefault(query, ([], []))
        ids.append(document)
        scores.append(score)
    return {query: rank(ids, np.array(scores, dtype=np.float32)) for query, (ids, scores) in columns.items()}
