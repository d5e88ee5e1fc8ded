"""HyDE's vector (Gao et al. 2023, equation 8)."""

from __future__ import annotations

import numpy as np

from benchmarks.interfaces import FloatArray


def mean_with_query(query: FloatArray, passages: FloatArray) -> FloatArray:
    """The mean of the query's vector float32[dimension] and its passages' [n, dimension]."""
    found: FloatArray = np.vstack([query, passages]).mean(axis=0)
    return found
