"""Documents by id, on disk: what reads passages, or looks for answers in them, takes them from here.

A shard is three arrays of at most `SHARD` documents: the UTF-8 bytes of their fields one after the
other, the place where each field ends, and the ids. The ids' table comes last.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Cost, Document
from benchmarks.retrieval.calibrating import id_cost
from benchmarks.retrieval.idtable import IdTable, encoded
from benchmarks.storage.manifest import Manifest

_FIELDS = ("title", "text", "url")
SHARD = 65_536
"""Documents of 100 words: some 40 MiB a shard, and 321 shards for DPR's Wikipedia."""
STREAMED = 1_000_000
"""Documents that are read through for the few that a run retrieved; of more, the texts are kept."""
_KEPT_OPEN = 128
"""A mapped shard holds two file descriptors, and a process has some thousand."""


class TextStore:
    """The documents of one folder, memory-mapped."""

    PROTOCOL: ClassVar[Mapping[str, Any]] = {"kind": "texts", "fields": list(_FIELDS)}
    """The `index_protocol` of whatever needs them: one folder a collection, shared by all."""

    def __init__(self, folder: Path) -> None:
        self.manifest = Manifest(folder)
        self._shard = functools.lru_cache(maxsize=_KEPT_OPEN)(self._open)

    @property
    def finished(self) -> bool:
        """Whether every document is written and the id table with them."""
        return IdTable.written(self.manifest)

    def build(self, documents: Iterable[Document]) -> None:
        """Write what is not written yet. Raises `EvaluationError` for an id that occurs twice, `DiskFull`."""
        if self.manifest.parts:
            self.manifest.check()
        stream = iter(documents)
        for number in itertools.count():
            shard = list(itertools.islice(stream, SHARD))
            if not shard:
                break
            if _name("ids", number) not in self.manifest:
                self._write(shard, number)
        ids = [self.manifest.array(_name("ids", shard)) for shard in range(number)]
        if not ids:
            raise EvaluationError("there are no documents to keep")
        IdTable.write(self.manifest, np.concatenate(ids))

    @staticmethod
    def cost_of(sample: Sequence[Document]) -> Cost:
        """What keeping `sample` takes; the seconds are those of reading the documents, and few."""
        fields = [field for document in sample for field in (document.title, document.text, document.url)]
        written = sum(len(field.encode("utf-8", "surrogatepass")) + 8 for field in fields)
        return Cost(0.0, written, 0.0) + id_cost(sample) * len(sample)

    def get(self, ids: Sequence[str]) -> list[Document]:
        """The documents with these ids, in their order. Raises `EvaluationError` for one that is not here."""
        positions = self._ids.positions(ids)
        if strangers := np.flatnonzero(positions < 0).tolist():
            raise EvaluationError(f"document {ids[strangers[0]]!r} is not in the collection")
        return [self._document(id, position) for id, position in zip(ids, positions.tolist(), strict=True)]

    def __len__(self) -> int:
        return len(self._ids)

    @functools.cached_property
    def _ids(self) -> IdTable:
        return IdTable(self.manifest)

    def _document(self, id: str, position: int) -> Document:
        number, row = divmod(position, SHARD)
        content, ends = self._shard(number)
        first = row * len(_FIELDS)
        start = int(ends[first - 1]) if row else 0
        places = [start, *ends[first : first + len(_FIELDS)].tolist()]
        return Document(id, *(_text(content[slice(*pair)]) for pair in itertools.pairwise(places)))

    def _open(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        return self.manifest.array(_name("texts", number)), self.manifest.array(_name("ends", number))

    def _write(self, shard: list[Document], number: int) -> None:
        fields = [
            field.encode("utf-8", "surrogatepass")
            for document in shard
            for field in operator.attrgetter(*_FIELDS)(document)
        ]
        ends = np.cumsum([len(field) for field in fields], dtype=np.int64)
        self.manifest.write_array(_name("texts", number), np.frombuffer(b"".join(fields), dtype=np.uint8))
        self.manifest.write_array(_name("ends", number), ends)
        # The ids come last: their presence says that the shard is whole.
        self.manifest.write_array(_name("ids", number), encoded([document.id for document in shard]))


def _text(content: NDArray[Any]) -> str:
    return content.tobytes().decode("utf-8", "surrogatepass")


def _name(part: str, number: int) -> str:
    return f"{part}-{number:06d}.npy"
