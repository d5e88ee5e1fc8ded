"""The load generator: one query at a time for latency, all of them for throughput.

Latency is text in, document ids out, encoding included. Of sentences, which nothing is searched for, it is text in,
vector out.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.efficiency.stages import collected
from benchmarks.interfaces import Encoder, Query, Searcher

_WARM_UP = 5
_SINGLE = 300
_SINGLE_SECONDS = 30.0
_BATCHES = 5
_BATCH_SECONDS = 30.0


def single_queries(searcher: Searcher, queries: Sequence[Query], depth: int) -> dict[str, Any]:
    """Latency of single queries in milliseconds: the first one cold, then percentiles of up to 300.

    `stages_ms` splits the mean. Queries are repeated in turn where there are fewer, and the
    measuring stops after 30 seconds.
    """
    cold = _timed(partial(searcher.search, [queries[0]], depth))
    for query in queries[:_WARM_UP]:
        searcher.search([query], depth)
    times: list[float] = []
    begun = time.perf_counter()
    with collected() as stages:
        for query in itertools.islice(itertools.cycle(queries), _SINGLE):
            times.append(_timed(partial(searcher.search, [query], depth)))
            if time.perf_counter() - begun > _SINGLE_SECONDS:
                break
    p50, p95, p99 = (round(1000 * float(value), 3) for value in np.percentile(times, [50, 95, 99]))
    return {
        "queries": len(times),
        "cold_ms": round(1000 * cold, 3),
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "stages_ms": {
            name: round(1000 * seconds / len(times), 3) for name, seconds in sorted(stages.items())
        },
    }


def throughput(searcher: Searcher, queries: Sequence[Query], depth: int) -> float:
    """Queries a second when all are asked at once: the median of up to five rounds in 30 seconds."""
    return _rate(partial(searcher.search, queries, depth), len(queries))


def sentence_vectors(encoder: Encoder, sentences: Sequence[str]) -> dict[str, Any]:
    """Milliseconds of one sentence's vector, the median of up to 300, and vectors a second, as `throughput` has it."""
    for sentence in sentences[:_WARM_UP]:
        encoder.encode_queries([sentence])
    times: list[float] = []
    begun = time.perf_counter()
    for sentence in itertools.islice(itertools.cycle(sentences), _SINGLE):
        times.append(_timed(partial(encoder.encode_queries, [sentence])))
        if time.perf_counter() - begun > _SINGLE_SECONDS:
            break
    return {
        "sentences": len(sentences),
        "p50_ms": round(1000 * float(np.median(times)), 3),
        "batch_per_second": _rate(partial(encoder.encode_queries, sentences), len(sentences)),
    }


def _rate(call: Callable[[], object], count: int) -> float:
    rates: list[float] = []
    begun = time.perf_counter()
    while len(rates) < _BATCHES and time.perf_counter() - begun < _BATCH_SECONDS:
        rates.append(count / _timed(call))
    return round(float(np.median(rates)), 2)


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
