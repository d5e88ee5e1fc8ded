"""What an index will take, told before it is built, and refused where there is no room.

A few thousand documents from the beginning of the stream stand for all: what each retriever says
they cost is multiplied by how many there are. A small collection, an index that was finished before,
and a retriever without `cost_of` are not calibrated.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.collections.collection import Collection
from benchmarks.errors import TooLarge
from benchmarks.interfaces import Cost, Costed, Searcher
from benchmarks.progress import Progress, duration, gibibytes
from benchmarks.retrieval.resolve import index_folder, indexed, is_built, keeps_texts, kept_texts
from benchmarks.storage.cache import Cache, bytes_below

SMALL = 20_000
"""Up to so many documents, finding out costs more than being wrong."""
SAMPLE = 4_096


def check_room(searcher: Searcher, collection: Collection, cache: Cache, progress: Progress) -> None:
    """Say what the indexes still to be built will take. Raises `TooLarge` where that is not there."""
    documents = collection.inspection.documents
    if documents <= SMALL:
        return
    cost = foreseen(searcher, collection, cache)
    if cost is None:
        return
    progress.say(
        f"    about {duration(cost.seconds + cost.once)}, {gibibytes(cost.disk_bytes)} of disk and "
        f"{gibibytes(cost.memory_bytes)} of memory for {documents:,} documents, by the first {SAMPLE:,}"
    )
    refuse_what_does_not_fit(cost, collection.id, cache)


def foreseen(searcher: Searcher, collection: Collection, cache: Cache) -> Cost | None:
    """The cost of all indexes of `searcher` that are not finished; nothing when there are none."""
    to_build = _to_build(searcher, collection, cache)
    if keeps_texts(collection.conventions.measures, collection.inspection.documents):
        texts = kept_texts(cache, collection.inspection.documents_sha256)
        to_build |= {} if texts.finished else {texts.manifest.folder: texts}
    if not to_build:
        return None
    sample = list(itertools.islice(collection.documents(), SAMPLE))
    times = collection.inspection.documents / len(sample)
    total = Cost(0.0, 0.0, 0.0)
    for folder, retriever in to_build.items():
        cost = retriever.cost_of(sample) * times
        # What a killed process left need not be written again.
        left = max(0.0, cost.disk_bytes - bytes_below(folder))
        total += replace(cost, disk_bytes=left)
    return total if total.seconds + total.once + total.disk_bytes > 0 else None


def room(cache: Cache) -> tuple[int, int]:
    """Bytes of disk and of memory that this machine has left."""
    return cache.free_bytes(), psutil.virtual_memory().available


def refuse_what_does_not_fit(cost: Cost, collection: str, cache: Cache) -> None:
    """Raise `TooLarge` when the cache's disk, or this machine's memory, is less than `cost`."""
    free, available = room(cache)
    if cost.disk_bytes > free:
        raise TooLarge(
            f"{collection}: the index needs about {gibibytes(cost.disk_bytes)} of disk and {cache.root} has "
            f"{gibibytes(free)} free; set RETRIEVER_BENCH_CACHE to a folder on a larger disk"
        )
    if cost.memory_bytes > available:
        raise TooLarge(
            f"{collection}: building the index needs about {gibibytes(cost.memory_bytes)} of memory and this "
            f"machine has {gibibytes(available)} available; use one with more, or a variant with a smaller index"
        )


def _to_build(searcher: Searcher, collection: Collection, cache: Cache) -> dict[Path, Costed]:
    """One retriever for each folder that no finished index lies in."""
    found = {
        index_folder(part, collection, cache): part for part in indexed(searcher) if isinstance(part, Costed)
    }
    return {folder: part for folder, part in found.items() if not is_built(folder)}
