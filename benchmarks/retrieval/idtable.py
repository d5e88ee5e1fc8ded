"""Document ids by position, memory-mapped, with their alphabetical order.

Searches work on positions; ids come last. The order serves twice: it breaks ties without
looking at strings, and it finds the position of an id by bisection.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.storage.manifest import Manifest

_IDS, _ORDER, _RANKS = "ids.npy", "ids-order.npy", "ids-ranks.npy"


def encoded(ids: Sequence[str]) -> NDArray[np.bytes_]:
    """Ids as fixed-width UTF-8, whose byte order is the order of the strings."""
    return np.array([id.encode() for id in ids], dtype=np.bytes_)


class IdTable:
    """The ids of an index."""

    FILES = (_IDS, _ORDER, _RANKS)

    def __init__(self, manifest: Manifest) -> None:
        self._ids = manifest.array(_IDS)
        self._order = manifest.array(_ORDER)
        self.ranks: NDArray[np.int32] = manifest.array(_RANKS)

    def __len__(self) -> int:
        return len(self._ids)

    @staticmethod
    def write(manifest: Manifest, ids: NDArray[np.bytes_]) -> None:
        """Save the ids of all positions. Raises `EvaluationError` for one that occurs twice."""
        start = time.perf_counter()
        order = np.argsort(ids, kind="stable").astype(np.int32)
        in_order = ids[order]
        twice = np.flatnonzero(in_order[1:] == in_order[:-1])
        if len(twice):
            raise EvaluationError(f"document id {in_order[twice[0]].decode()!r} occurs twice in one index")
        ranks = np.empty_like(order)
        ranks[order] = np.arange(len(order), dtype=np.int32)
        manifest.write_array(_IDS, ids, time.perf_counter() - start)
        manifest.write_array(_ORDER, order)
        manifest.write_array(_RANKS, ranks)

    @staticmethod
    def written(manifest: Manifest) -> bool:
        """Whether the table is complete."""
        return _RANKS in manifest

    def fetch(self, positions: NDArray[np.integer]) -> list[str]:
        """The ids at `positions` [n]."""
        return [id.decode() for id in self._ids[positions].tolist()]

    def positions(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The positions of `ids` [n]; -1 for an id the index lacks."""
        if not len(ids):
            return np.empty(0, dtype=np.int64)
        wanted = encoded(ids)
        sorter = np.asarray(self._order)
        places = np.searchsorted(self._ids, wanted, sorter=sorter)
        found: NDArray[np.int64] = sorter[np.minimum(places, len(sorter) - 1)].astype(np.int64)
        found[self._ids[found] != wanted] = -1
        return found
