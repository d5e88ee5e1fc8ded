"""MaxSim: a query of several vectors against documents of several vectors.

Khattab and Zaharia 2020, section 3.3: the score of a document is the sum over the query's vectors
of the largest inner product with one of the document's. Documents lie end to end, without padding:
one matrix product scores a block, and `reduceat` takes the maximum over each document's stretch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.interfaces import FloatArray


def maxsim(queries: Sequence[FloatArray], vectors: FloatArray, lengths: NDArray[np.integer]) -> FloatArray:
    """float32[queries, documents] for queries float32[n_i, dimension] and documents laid end to end.

    `vectors` is float32[sum of lengths, dimension]; `lengths` [documents] are all at least 1.
    """
    products = np.concatenate(queries) @ vectors.T
    best = np.maximum.reduceat(products, _starts(lengths), axis=1)
    scores: FloatArray = np.add.reduceat(best, _starts(np.array([len(query) for query in queries])), axis=0)
    return scores


def _starts(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    starts = np.zeros(len(lengths), dtype=np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    return starts
