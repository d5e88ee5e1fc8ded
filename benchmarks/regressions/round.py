"""What runs in the process of one round (`timing.py`): opens a finished index, searches, prints one JSON line."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.efficiency.memory import PeakMemory
from benchmarks.interfaces import FloatArray, Query, Searcher, Setting
from benchmarks.regressions.timing import Round

_QUERIES = 60
_WARM_UP = 5


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
    """The medians of single queries and of calibrations, one beside each query, in milliseconds.

    A query is asked twice and the shorter time taken: what a busy machine takes from one is seldom taken from both.
    """
    searches, calibrations = [], []
    for query in queries:
        searches.append(min(_milliseconds(lambda: searcher.search([query], depth)) for _ in range(2)))  # noqa: B023
        calibrations.append(min(_milliseconds(_calibration) for _ in range(2)))
    return round(median(searches), 6), round(median(calibrations), 6)


def _milliseconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def _calibration() -> int:
    """A fixed piece of work like a search's, about a millisecond: a product, a sort, and Python.

    Short, as what takes long is more often interrupted than a search is.
    """
    rows, vector = _operands()
    scores = rows @ vector
    best = np.argsort(scores)[-1000:].tolist()
    return sum({f"d{place}": len(best) - place for place in best}.values())


@functools.cache
def _operands() -> tuple[FloatArray, FloatArray]:
    generator = np.random.default_rng(0)
    return (
        generator.standard_normal((4096, 128), dtype=np.float32),
        generator.standard_normal(128, dtype=np.float32),
    )


if __name__ == "__main__":
    main()
