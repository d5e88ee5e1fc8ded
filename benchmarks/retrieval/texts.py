"""Documents by id, on disk: what reads passages, or looks for answers in them, takes them from here.

A shard is two arrays: the UTF-8 bytes of all fields one after the other, and where each field ends.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Cost, Document
from benchmarks.retrieval.calibrating import id_cost
from benchmarks.retrieval.idtable import IdTable
from benchmarks.retrieval.shards import Shards

_FIELDS = ("title", "text", "url")
STREAMED = 1_000_000
"""Documents that are read through for the few that a run retrieved; of more, the texts are kept."""


class TextStore(Shards):
    """The documents of one folder, memory-mapped."""

    PROTOCOL: ClassVar[Mapping[str, Any]] = {"kind": "texts", "fields": list(_FIELDS)}
    """The `index_protocol` of whatever needs them: one folder a collection, shared by all."""

    SIZE = 65_536
    """Documents of 100 words: some 40 MiB a shard, and 321 shards for DPR's Wikipedia."""

    def build(self, documents: Iterable[Document]) -> None:
        """Write what is not written yet. Raises `EvaluationError` for an id that occurs twice, `DiskFull`."""
        self.complete(_arrays, documents)

    @staticmethod
    def cost_of(sample: Sequence[Document]) -> Cost:
        """What keeping `sample` takes; the seconds are those of reading the documents, and few."""
        fields = [field for document in sample for field in operator.attrgetter(*_FIELDS)(document)]
        written = sum(len(field.encode("utf-8", "surrogatepass")) + 8 for field in fields)
        return Cost(0.0, written, 0.0) + id_cost(sample) * len(sample)

    def get(self, ids: Sequence[str]) -> list[Document]:
        """The documents with these ids, in their order. Raises `EvaluationError` for one that is not here."""
        positions = self._ids.positions(ids)
        if strangers := np.flatnonzero(positions < 0).tolist():
            raise EvaluationError(f"document {ids[strangers[0]]!r} is not in the collection")
        return [self._document(id, position) for id, position in zip(ids, positions.tolist(), strict=True)]

    def ids(self, positions: NDArray[np.integer]) -> list[str]:
        """The ids of the documents at `positions` [n], in the order of the collection."""
        return self._ids.fetch(positions)

    def positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """Where the documents with these ids [n] stand in the order of the collection; -1 for one that is not here."""
        return self._ids.positions(ids)

    @functools.cached_property
    def _ids(self) -> IdTable:
        return IdTable(self.manifest)

    def _document(self, id: str, position: int) -> Document:
        number, row = divmod(position, self.SIZE)
        content, ends = self.array("texts", number), self.array("ends", number)
        first = row * len(_FIELDS)
        start = int(ends[first - 1]) if row else 0
        places = [start, *ends[first : first + len(_FIELDS)].tolist()]
        return Document(id, *(_text(content[slice(*pair)]) for pair in itertools.pairwise(places)))


def _arrays(shard: list[Document]) -> dict[str, NDArray[Any]]:
    """The fields of all documents end to end, and where each ends."""
    fields = [
        field.encode("utf-8", "surrogatepass")
        for document in shard
        for field in operator.attrgetter(*_FIELDS)(document)
    ]
    ends = np.cumsum([len(field) for field in fields], dtype=np.int64)
    return {"texts": np.frombuffer(b"".join(fields), dtype=np.uint8), "ends": ends}


def _text(content: NDArray[Any]) -> str:
    return content.tobytes().decode("utf-8", "surrogatepass")
