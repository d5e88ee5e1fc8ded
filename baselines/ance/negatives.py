"""ANCE's negatives (Xiong et al. 2021, section 4): refresh an index, search in it, sample from what it finds.

What lies below a training's scratch folder, under the step whose weights it is made of:

refreshes/STEP/checkpoint/     the weights, renamed to this when they are whole; gone once they were searched with
refreshes/STEP/index/          the documents' vectors; gone likewise
refreshes/STEP/negatives.npy   int32[queries, depth], the negatives as places in the collection, the hardest first;
                               the queries are those of the pairs, in their order; -1 where there are no more
refreshes/STEP/manifest.json   lists the latter when it is whole: before that, it does not exist
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from baselines.training.pairs import TrainingPairs
from benchmarks.collections.collection import Collection
from benchmarks.interfaces import Encoder, Query, Searcher, TokenEncoder
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.latekeys import late_interaction
from benchmarks.storage.manifest import Manifest

Places = NDArray[np.int32]
_CHECKPOINT, _INDEX, _NEGATIVES = "checkpoint", "index", "negatives.npy"
_TOGETHER = 512
"""Queries whose rankings are held at once."""


class Refreshes:
    """The refreshes of one training, finished or not. What writes here and what reads may be different processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hand_over(self, step: int, save: Callable[[Path], None]) -> None:
        """Leave the weights of a step, which `save` writes, for whoever refreshes; nothing where they were left before."""
        folder = self._of(step)
        if (folder / _CHECKPOINT).exists() or self.is_finished(step):
            return
        half = folder / f".{_CHECKPOINT}"
        shutil.rmtree(half, ignore_errors=True)
        save(half)
        half.rename(folder / _CHECKPOINT)

    def newest(self, limit: int) -> int:
        """The latest step up to `limit` whose negatives are whole; -1 where there are none."""
        return next((step for step in self._steps() if step <= limit and self.is_finished(step)), -1)

    def next(self) -> int | None:
        """The step to refresh from: the latest whose weights were left, unless it is done or a later one is."""
        for step in self._steps():
            if self.is_finished(step):
                return None
            if (self._of(step) / _CHECKPOINT).exists():
                return step
        return None

    def is_finished(self, step: int) -> bool:
        """Whether the negatives of a step are whole."""
        return _NEGATIVES in Manifest(self._of(step))

    def places(self, step: int) -> Places:
        """The negatives of a step. Raises `DamagedCache` where they are not the bytes that were written."""
        manifest = Manifest(self._of(step))
        manifest.check()
        return manifest.array(_NEGATIVES)

    def refresh(
        self,
        step: int,
        encoder: Callable[[Path], Encoder | TokenEncoder],
        data: TrainingPairs,
        collection: Collection,
        depth: int,
    ) -> None:
        """Index the collection by the weights of a step and write the negatives; goes on where it was killed.

        What was left of earlier steps and never refreshed from is taken away.
        """
        folder = self._of(step)
        retriever = _exact(encoder(folder / _CHECKPOINT))
        retriever.index(collection.documents(), folder / _INDEX)
        found = searched(retriever, data, depth)
        Manifest(folder).write_array(_NEGATIVES, found)
        for other in self._steps():
            if other <= step:
                for part in (_CHECKPOINT, _INDEX):
                    shutil.rmtree(self._of(other) / part, ignore_errors=True)

    def _of(self, step: int) -> Path:
        return self.folder / str(step)

    def _steps(self) -> list[int]:
        """All there are, the latest first."""
        found = self.folder.iterdir() if self.folder.exists() else ()
        return sorted((int(path.name) for path in found if path.name.isdigit()), reverse=True)


def queries_of(data: TrainingPairs) -> list[str]:
    """The ids of the queries that have negatives, in the order of their rows."""
    return list(dict.fromkeys(query for query, _ in data.pairs))


def _exact(encoder: Encoder | TokenEncoder) -> DenseRetriever | LateInteraction:
    if isinstance(encoder, TokenEncoder):
        return late_interaction(encoder, None, seed=0)
    return DenseRetriever(encoder)


def searched(retriever: Searcher, data: TrainingPairs, depth: int) -> Places:
    """Of the best `depth` documents of each query those that are not judged relevant: int32[queries, depth]."""
    ids = queries_of(data)
    found = np.full((len(ids), depth), -1, dtype=np.int32)
    for first in range(0, len(ids), _TOGETHER):
        some = ids[first : first + _TOGETHER]
        rankings = retriever.search([Query(id, data.queries[id]) for id in some], depth)
        for row, (id, ranking) in enumerate(zip(some, rankings, strict=True), first):
            negatives = [document for document in ranking.ids if document not in data.relevant[id]]
            found[row, : len(negatives)] = data.positions(negatives)
    return found


def sampled(row: Places, rng: np.random.Generator) -> int | None:
    """A place drawn evenly from a query's negatives [depth]; nothing where there are none (section 5)."""
    count = int((row >= 0).sum())
    return int(row[rng.integers(count)]) if count else None


def overlap(places: Sequence[int] | NDArray[np.integer], compared: NDArray[np.bool_], top: Places) -> float:
    """The share of a batch's negatives that are among the best of their queries (section 6.2, figure 3).

    `places` [documents] stand for the batch's documents, `compared`, bool[queries, documents], says which are negatives
    of which query, `top` [queries, depth] has the places of each query's best. A batch without negatives has none there.
    """
    among = (top[:, :, None] == np.asarray(places)[None, None, :]).any(axis=1)
    return float(among[compared].mean()) if compared.any() else 0.0
