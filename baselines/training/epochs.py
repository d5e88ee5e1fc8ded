"""All items in a random order, and then in another: what a step reads depends on the seed and the step alone."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def batch_of(items: Sequence[T], step: int, size: int, seed: int) -> list[T]:
    """The items of a step, no more than there are."""
    total = len(items)
    size = min(size, total)
    places = range(step * size, (step + 1) * size)
    return [items[int(_order(total, seed, place // total)[place % total])] for place in places]


@functools.lru_cache(maxsize=2)
def _order(items: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(items)
