"""What encoding and keeping a document costs, measured on a few of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.interfaces import Cost, Document, FloatArray

CALIBRATED, _BATCH, _SECONDS = 256, 32, 10.0
"""Documents that a cost is measured with, how many at once, and when to stop."""


def timed(
    encode: Callable[[Sequence[Document]], list[FloatArray]], documents: Sequence[Document]
) -> tuple[float, list[FloatArray]]:
    """Seconds a document takes, and what encoding the first one gave; loading weights is left out."""
    first = encode(documents[:1])
    done, start, elapsed = 0, time.perf_counter(), 0.0
    while done < len(documents) and elapsed < _SECONDS:
        done += len(encode(documents[done : done + _BATCH]))
        elapsed = time.perf_counter() - start
    return elapsed / done, first


def id_cost(sample: Sequence[Document]) -> Cost:
    """What a document's id takes: on disk with its order and rank, in memory sorted whole, twice."""
    width = max(len(document.id.encode()) for document in sample)
    ids = 2 * width + 2 * np.dtype(np.int32).itemsize
    return Cost(0.0, ids, ids + np.dtype(np.int64).itemsize)
