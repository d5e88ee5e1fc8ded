"""What is kept of documents, on disk, in shards of bounded size.

A shard is some arrays and the ids beside them. A shard is made whole, in one go, so that a build
killed and resumed gives the bytes of one never killed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Document
from benchmarks.retrieval.idtable import IdTable, encoded
from benchmarks.storage.manifest import Manifest

_KEPT_OPEN = 256
"""Mapped arrays hold a file descriptor each, and a process has some thousand."""

Arrays = Callable[[list[Document]], Mapping[str, NDArray[Any]]]
"""The arrays of a shard by name; the seconds they took are told of the last."""


class Shards:
    """The documents of one folder, `SIZE` a shard."""

    SIZE: ClassVar[int] = 2048

    def __init__(self, folder: Path) -> None:
        self.manifest = Manifest(folder)
        self._opened: dict[tuple[str, int], NDArray[Any]] = {}

    @property
    def finished(self) -> bool:
        """Whether every document is in it and the id table is written."""
        return IdTable.written(self.manifest)

    def complete(self, arrays: Arrays, documents: Iterable[Document]) -> None:
        """Check what is there, make the shards that are not, then the id table; a finished folder reads no document.

        Raises `DamagedCache`, and `EvaluationError` where there is no document or an id occurs twice.
        """
        if self.manifest.parts:
            self.manifest.check()
        if self.finished:
            return
        stream = iter(documents)
        for number in itertools.count():
            shard = list(itertools.islice(stream, self.SIZE))
            if not shard:
                break
            if _name("ids", number) not in self.manifest:
                self._write(arrays, shard, number)
        ids = [self.manifest.array(_name("ids", number)) for number in range(self.count)]
        if not ids:
            raise EvaluationError("there are no documents to index")
        IdTable.write(self.manifest, np.concatenate(ids))

    def __len__(self) -> int:
        return sum(self.manifest.parts[_name("ids", number)].facts["rows"] for number in range(self.count))

    @property
    def count(self) -> int:
        """How many shards there are."""
        return sum(name.startswith("ids-0") for name in self.manifest.parts)

    def array(self, part: str, number: int) -> NDArray[Any]:
        """One array of a shard, memory-mapped. The first few stay mapped: a query should not open files."""
        if (part, number) in self._opened:
            return self._opened[part, number]
        mapped = self.manifest.array(_name(part, number))
        if len(self._opened) < _KEPT_OPEN:
            self._opened[part, number] = mapped
        return mapped

    def _write(self, arrays: Arrays, shard: list[Document], number: int) -> None:
        start = time.perf_counter()
        made = arrays(shard)
        seconds = time.perf_counter() - start
        for part, array in made.items():
            self.manifest.write_array(_name(part, number), array, seconds if part == [*made][-1] else 0.0)
        # The ids come last: their presence says that the shard is whole.
        ids = encoded([document.id for document in shard])
        self.manifest.write_array(_name("ids", number), ids, rows=len(shard))


def _name(part: str, number: int) -> str:
    return f"{part}-{number:06d}.npy"
