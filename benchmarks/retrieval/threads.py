"""One thread for small matrix products.

An encoder leaves its own pool of threads spinning when a search begins. Waking BLAS's pool
beside it for a product of a millisecond made single queries two to three times slower on two
cores, encoding included: the two pools take the processors from each other.
"""

from __future__ import annotations

import functools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

_SMALL = 1 << 28
"""Multiply-adds: some milliseconds on one core, below which a second one is not worth its waking."""


def threads_for(multiply_adds: int) -> AbstractContextManager[Any]:
    """Run NumPy's BLAS on one thread in the block, if the work is small."""
    return _controller().limit(limits=1, user_api="blas") if multiply_adds < _SMALL else nullcontext()


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
