"""Measures a finished index in a process of its own, with pinned threads.

`measure` starts the process; `main` is what runs in it: it opens the retriever, searches, and
prints one JSON line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.efficiency.memory import PeakMemory
from benchmarks.environment import cores
from benchmarks.errors import BenchError
from benchmarks.interfaces import Searcher, Setting

if TYPE_CHECKING:
    from benchmarks.collections.collection import Collection

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_MOST_QUERIES = 1000


def measure(spec: str, collection: str, depth: int, setting: Setting, cache: Path) -> dict[str, Any]:
    """The `search`, or of sentences `encoding`, and `calibration` sections of a record.

    Raises `BenchError` when it cannot be measured.
    """
    task = {
        "spec": spec, "collection": collection, "depth": depth, "cache": str(cache), "seed": setting.seed,
        "checkpoint": str(setting.checkpoint) if setting.checkpoint else None,
        "random_weights": setting.random_weights, "generations": str(setting.generations),
    }  # fmt: skip
    threads = dict.fromkeys(THREAD_VARIABLES, str(cores()))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.efficiency.probe"],
        input=json.dumps(task), capture_output=True, text=True, env={**os.environ, **threads}, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BenchError(f"measuring {spec} on {collection} failed: {last}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Read a task from standard input, measure, print the result."""
    from benchmarks.collections.collection import open_collection
    from benchmarks.efficiency.calibration import calibrate
    from benchmarks.retrieval.resolve import open_indexes, resolve
    from benchmarks.spec import parse
    from benchmarks.storage.cache import Cache

    task = json.load(sys.stdin)
    cache = Cache(Path(task["cache"]))
    collection = open_collection(task["collection"], cache)
    checkpoint = Path(task["checkpoint"]) if task["checkpoint"] else None
    setting = Setting(
        collection.conventions.language, checkpoint, task["seed"], task["collection"], task["random_weights"],
        generations=Path(task["generations"]),
    )  # fmt: skip
    start = time.perf_counter()
    with PeakMemory() as memory:
        searcher = resolve(parse(task["spec"]), setting)
        open_indexes(searcher, collection, cache)
        opened = time.perf_counter() - start
        if collection.conventions.kind == "retrieval":
            section, found = "search", _search(searcher, collection, task["depth"], opened)
        else:
            section, found = "encoding", _encoding(searcher, collection)
    found = {"threads": cores(), **found, "peak_bytes": memory.peak_bytes}
    print(json.dumps({section: found, "calibration": calibrate()}))


def _search(searcher: Searcher, collection: Collection, depth: int, opened: float) -> dict[str, Any]:
    from benchmarks.efficiency.load import single_queries, throughput

    queries = collection.queries()[:_MOST_QUERIES]
    latency = single_queries(searcher, queries, depth)
    batch = throughput(searcher, queries, depth)
    return {"depth": depth, "open_seconds": round(opened, 3), **latency, "batch_qps": batch}


def _encoding(searcher: Any, collection: Collection) -> dict[str, Any]:
    from benchmarks.efficiency.load import sentence_vectors
    from benchmarks.retrieval.sentences import parted

    sentences = (part for item in collection.documents() for part in parted(item.text))
    return sentence_vectors(searcher.encoder, list(dict.fromkeys(islice(sentences, _MOST_QUERIES))))


if __name__ == "__main__":
    main()
