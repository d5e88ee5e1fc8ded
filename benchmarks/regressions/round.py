"""What runs in the process of one round (`timing.py`): opens a finished index, searches, prints one JSON line."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.efficiency.memory import PeakMemory
from benchmarks.interfaces import Query, Searcher, Setting
from benchmarks.regressions.timing import Round

_QUERIES = 60
_WARM_UP = 5
_PIECES = 6
"""The queries are asked in so many pieces, with the calibration before, between and after."""


def main() -> None:
    """Read a task from standard input, measure, print the result."""
    from benchmarks.collections.collection import open_collection
    from benchmarks.retrieval.resolve import open_indexes, resolve
    from benchmarks.spec import parse
    from benchmarks.storage.cache import Cache

    task: dict[str, Any] = json.load(sys.stdin)
    cache = Cache(Path(task["cache"]))
    collection = open_collection(task["collection"], cache)
    setting = Setting(
        collection.conventions.language, None, task["seed"], task["collection"], generations=Path(task["generations"])
    )  # fmt: skip
    with PeakMemory() as memory:
        searcher = resolve(parse(task["spec"]), setting)
        open_indexes(searcher, collection, cache)
        queries = collection.queries()
        asked = [queries[place % len(queries)] for place in range(_QUERIES)]
        for query in asked[:_WARM_UP]:
            searcher.search([query], task["depth"])
        search_ms, calibration_ms = timed(searcher, asked, task["depth"])
    print(json.dumps(asdict(Round(search_ms, calibration_ms, memory.peak_bytes))))


def timed(searcher: Searcher, queries: list[Query], depth: int) -> tuple[float, float]:
    """The median of single queries and that of the calibrations among them, in milliseconds."""
    searches, calibrations = [], [_calibration()]
    size = -(-len(queries) // _PIECES)
    for start in range(0, len(queries), size):
        for query in queries[start : start + size]:
            begun = time.perf_counter()
            searcher.search([query], depth)
            searches.append(1000 * (time.perf_counter() - begun))
        calibrations.append(_calibration())
    return round(median(searches), 6), round(median(calibrations), 6)


def _calibration() -> float:
    """Milliseconds of a fixed piece of work like a search's: products, a sort, and Python between them."""
    import numpy as np

    generator = np.random.default_rng(0)
    rows, vector = generator.standard_normal((4096, 128), dtype=np.float32), generator.standard_normal(128)
    begun = time.perf_counter()
    for step in range(20):
        scores = rows @ (vector + step).astype(np.float32)
        best = np.argsort(scores)[-1000:].tolist()
        sum({f"d{place}": len(best) - place for place in best}.values())
    return 1000 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
