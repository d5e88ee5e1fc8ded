"""How fast this machine is right now: two numbers that let another machine's record be compared."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

_ROUNDS = 5
_SIDE = 1024
_COPY_BYTES = 64 << 20


def calibrate() -> dict[str, float]:
    """Rates of a float32 matrix product (GFLOP/s) and of a memory copy (GiB/s), the best of five."""
    generator = np.random.default_rng(0)
    left, right = (generator.standard_normal((_SIDE, _SIDE), dtype=np.float32) for _ in range(2))
    source = np.ones(_COPY_BYTES // 4, dtype=np.float32)
    target = np.empty_like(source)
    product = _best(lambda: np.dot(left, right))
    copy = _best(lambda: np.copyto(target, source))
    return {
        "matrix_gflops": round(2 * _SIDE**3 / product / 1e9, 1),
        "copy_gib_per_s": round(_COPY_BYTES / copy / 2**30, 2),
    }


def _best(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)
