"""A dry run: every variant on generated documents, on a cell's whole path, with random weights.

It shows that nothing breaks and that memory stays bounded before anything is downloaded; what it
measures means nothing and is thrown away.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.collections.collection import check_name, open_collection
from benchmarks.collections.conventions import conventions_of
from benchmarks.efficiency.forecast import Forecast, forecast
from benchmarks.efficiency.foresight import SAMPLE
from benchmarks.efficiency.memory import PeakMemory
from benchmarks.grid import Outcome, run_grid
from benchmarks.records.store import Store
from benchmarks.runner import Bench
from benchmarks.storage.cache import Cache
from benchmarks.suites import Cell

DOCUMENTS = 100_000


@dataclass
class Rehearsal:
    """What became of the variants, the memory it took at the peak, and what the real cells would take.

    The forecasts are for documents of so many `words` on average.
    """

    outcome: Outcome
    peak_bytes: int
    words: float
    forecasts: list[Forecast]


def rehearse(cells: Sequence[Cell], documents: int, bench: Bench) -> Rehearsal:
    """Run each variant of `cells` once on `documents` generated ones; leaves nothing behind.

    Raises `UsageError` for wrong names.
    """
    for _, collection in cells:
        check_name(collection)
    stand_in = f"synthetic/{documents}"
    # Nothing is generated for sentence labels.
    stand_ins = {"retrieval": stand_in, "pairs": f"{stand_in}/pairs"}
    kinds = [(spec, conventions_of(collection).kind) for spec, collection in cells]
    rehearsed = dict.fromkeys((spec, stand_ins[kind]) for spec, kind in kinds if kind in stand_ins)
    bench.cache.root.mkdir(parents=True, exist_ok=True)
    # Beside the real indexes: on the file system they would lie on.
    with tempfile.TemporaryDirectory(prefix="dry-run-", dir=bench.cache.root) as scratch:
        bench.progress.say(f"dry run on {stand_in}, in {scratch}, which is deleted at the end")
        place = Path(scratch)
        own = replace(
            bench, cache=Cache(place / "cache"), store=Store(place / "results"), random_weights=True
        )
        with PeakMemory() as memory:
            outcome = run_grid(list(rehearsed), own)
        sample = list(itertools.islice(open_collection(stand_in, own.cache).documents(), SAMPLE))
    words = sum(len(document.contents.split()) for document in sample) / len(sample)
    return Rehearsal(outcome, memory.peak_bytes, words, forecast(cells, sample, list(bench.store.records())))
