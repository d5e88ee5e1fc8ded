"""Stages, memory, the load generator and calibration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from benchmarks.efficiency.calibration import calibrate
from benchmarks.efficiency.load import single_queries, throughput
from benchmarks.efficiency.memory import PeakMemory
from benchmarks.efficiency.stages import collected, stage
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Query, Ranking

QUERIES = [Query(f"q{number}", "text") for number in range(7)]


class Sleeper:
    """A searcher that takes a known time: 2 ms to encode, 3 ms to search, for each query."""

    protocol: ClassVar[dict[str, object]] = {"model": "sleeper"}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Sleep, then nothing."""
        for _ in queries:
            with stage("search"):
                time.sleep(0.003)
                with stage("encode"):
                    time.sleep(0.002)
        return [rank([], np.empty(0, dtype=np.float32)) for _ in queries]


def test_stages_add_up_and_do_not_overlap() -> None:
    """A stage inside another is counted once, for itself."""
    with collected() as seconds:
        start = time.perf_counter()
        Sleeper().search(QUERIES, 1)
        elapsed = time.perf_counter() - start
    assert sum(seconds.values()) <= elapsed
    assert seconds["encode"] >= 7 * 0.002
    assert 7 * 0.003 <= seconds["search"] <= elapsed - seconds["encode"]


def test_nobody_collecting_costs_nothing() -> None:
    """Stages outside of a collection are not kept."""
    Sleeper().search(QUERIES, 1)
    with collected() as seconds:
        pass
    assert seconds == {}


def test_latency_is_what_a_query_takes() -> None:
    """Percentiles in order and above the known time; few queries are asked in turn; the mean is split."""
    found = single_queries(Sleeper(), QUERIES, 1)
    assert found["queries"] == 300
    assert 5.0 <= found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]
    assert found["stages_ms"]["encode"] >= 2.0
    assert found["stages_ms"]["search"] >= 3.0


def test_throughput_is_queries_over_time() -> None:
    """At 5 ms a query at most 200 a second."""
    assert 20 < throughput(Sleeper(), QUERIES, 1) <= 200


def test_peak_memory_is_the_rise_of_a_block() -> None:
    """100 MiB that are held for a moment are seen, and what was there before is not counted."""
    before = np.ones(25 << 20, dtype=np.float32)
    with PeakMemory() as memory:
        held = np.ones(25 << 20, dtype=np.float32)
        time.sleep(0.1)
        del held
    assert before[0] == 1
    assert memory.peak_bytes == pytest.approx(100 << 20, rel=0.2)


def test_calibration_is_positive() -> None:
    """Two rates of this machine."""
    assert all(rate > 0 for rate in calibrate().values())
