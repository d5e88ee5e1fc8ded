"""Killed is not lost; two at once is no problem; memory does not grow with the documents."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW_RUN = '''
"""Encodes slowly enough to be killed in the middle, then searches and writes the run."""
import sys, time
from pathlib import Path
from benchmarks.collections import open_collection
from benchmarks.records import trecrun
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.resolve import open_indexes
from benchmarks.retrieval.shards import Shards
from benchmarks.runner import search
from benchmarks.storage.cache import Cache
from tests.retrieval.stubs import HashEncoder

Shards.SIZE = 100

class Slow(HashEncoder):
    def encode_documents(self, documents):
        time.sleep(0.05)
        return super().encode_documents(documents)

cache = Cache(Path(sys.argv[1]))
collection = open_collection("synthetic/small", cache)
retriever = DenseRetriever(Slow())
open_indexes(retriever, collection, cache)
trecrun.write(Path(sys.argv[2]), trecrun.dumps(search(retriever, collection.queries(), 100), "slow"))
'''
ROOT = Path(__file__).parents[1]


def start(script: Path, *arguments: Path) -> subprocess.Popen[bytes]:
    """The script in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)], env=environment, stderr=subprocess.PIPE
    )


def test_ten_kills_leave_the_run_of_an_undisturbed_one(tmp_path: Path) -> None:
    """SIGKILL at ten random moments, the same command each time: the final run has the same bytes."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW_RUN)
    assert start(script, tmp_path / "calm", tmp_path / "calm.gz").wait(120) == 0
    moments = random.Random(5)
    killed = 0
    while killed < 10:
        process = start(script, tmp_path / "harried", tmp_path / "harried.gz")
        time.sleep(0.6 + moments.random() * 0.5)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        killed += 1
    assert start(script, tmp_path / "harried", tmp_path / "harried.gz").wait(120) == 0
    assert (tmp_path / "harried.gz").read_bytes() == (tmp_path / "calm.gz").read_bytes()
    shards = {path.name for path in (tmp_path / "harried").rglob("vectors-*.npy")}
    assert len(shards) == 30


def test_two_processes_on_one_empty_cache_both_succeed(tmp_path: Path) -> None:
    """The second waits for the first, finds the index finished, and gives the same run."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW_RUN)
    both = [start(script, tmp_path / "shared", tmp_path / f"{name}.gz") for name in ("one", "two")]
    assert [process.wait(120) for process in both] == [0, 0]
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


MILLION = """
import sys, numpy as np
from pathlib import Path
from benchmarks.collections import open_collection
from benchmarks.efficiency.memory import PeakMemory
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.resolve import open_indexes
from benchmarks.storage.cache import Cache

class Stub:
    protocol = {"model": "stub"}
    def encode_queries(self, texts):
        rows = np.random.default_rng(len(texts)).standard_normal((len(texts), 384), dtype=np.float32)
        return rows
    def encode_documents(self, documents):
        return self.encode_queries(documents)

with PeakMemory() as memory:
    cache = Cache(Path(sys.argv[1]))
    collection = open_collection("synthetic/large", cache)
    retriever = DenseRetriever(Stub())
    open_indexes(retriever, collection, cache)
    retriever.search(collection.queries(), 100)
print(memory.peak_bytes)
"""


@pytest.mark.slow
def test_a_million_documents_need_little_memory(tmp_path: Path) -> None:
    """Indexing and searching 1,000,000 x 384 rises less than 1.5 GiB above the imports, mapped pages aside."""
    done = subprocess.run(
        [sys.executable, "-c", MILLION, str(tmp_path)], capture_output=True, text=True, check=True
    )
    peak = int(done.stdout)
    print(f"peak {peak / 2**20:.0f} MiB")
    assert peak < 1.5 * 2**30
