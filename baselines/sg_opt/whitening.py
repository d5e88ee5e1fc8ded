"""Whitening (Su et al. 2021, arXiv 2103.15316, section 3): vectors moved and turned to mean 0 and covariance 1.

x becomes (x - mu) W, where mu is the mean of the sentences' vectors, their covariance is U diag(lambda) U^T,
and W = U diag(lambda^-1/2).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from baselines.sg_opt.fitted import Fitted, Learnt, Map
from benchmarks.errors import EvaluationError
from benchmarks.interfaces import FloatArray


class Whitening(Fitted):
    """An encoder whose vectors are whitened.

    Directions in which they do not vary (fewer documents than dimensions) are left out.
    """

    names = ("mean", "kernel")
    conventions = MappingProxyType({"whitening": "fitted on the collection's documents"})

    def learn(self, batches: Iterable[FloatArray]) -> Learnt:
        """mu and W. Raises `EvaluationError` where all vectors are one."""
        mean, kernel = whitening(batches)
        return {"mean": mean, "kernel": kernel}

    def opened(self, learnt: Learnt) -> Map:
        """(x - mu) W: float32[n, directions]."""
        mean, kernel = learnt["mean"], learnt["kernel"]
        return lambda vectors: ((vectors - mean) @ kernel).astype(np.float32)


def whitening(batches: Iterable[FloatArray]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """mu [dimension] and W [dimension, directions] of the rows of all batches, in float64.

    Raises `EvaluationError` where no two rows differ.
    """
    count, total, squares = 0, np.zeros(1), np.zeros((1, 1))
    for batch in batches:
        wide = batch.astype(np.float64)
        count, total, squares = count + len(wide), total + wide.sum(axis=0), squares + wide.T @ wide
    mean, moment = total / max(1, count), squares / max(1, count)
    values, directions = np.linalg.eigh(moment - np.outer(mean, mean))
    # What should be 0 is the rounding of a difference of numbers of the size of the moments.
    varying = values > np.trace(moment) * len(values) * np.finfo(np.float64).eps * 10
    if not varying.any():
        raise EvaluationError(f"whitening has nothing to learn from: {count} documents, all with one vector")
    return mean, directions[:, varying] / np.sqrt(values[varying])
