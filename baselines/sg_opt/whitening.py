"""Whitening (Su et al. 2021, arXiv 2103.15316, section 3): vectors moved and turned to mean 0 and covariance 1.

x becomes (x - mu) W, where mu is the mean of the sentences' vectors, their covariance is U diag(lambda) U^T,
and W = U diag(lambda^-1/2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Document, Encoder, FloatArray
from benchmarks.storage.manifest import Manifest

_BATCH = 2048
_MEAN, _KERNEL = "mean.npy", "kernel.npy"


class Whitening:
    """An encoder whose vectors are whitened with what it learnt from the collection's own documents.

    Directions in which they do not vary (fewer documents than dimensions) are left out.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._mean: NDArray[np.float64]
        self._kernel: NDArray[np.float64]

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol and the whitening."""
        return {**self._encoder.protocol, "whitening": "fitted on the collection's documents"}

    def fit(self, documents: Iterable[Document], folder: Path) -> None:
        """Learn mu and W from `documents`, or load what was learnt. Raises `EvaluationError`."""
        manifest = Manifest(folder)
        manifest.check()
        if _KERNEL not in manifest:
            mean, kernel = whitening(self._batches(documents))
            manifest.write_array(_MEAN, mean)
            # The kernel comes last: its presence says that the fit is whole.
            manifest.write_array(_KERNEL, kernel)
        self._mean, self._kernel = np.asarray(manifest.array(_MEAN)), np.asarray(manifest.array(_KERNEL))

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), directions]."""
        return self._whitened(self._encoder.encode_queries(texts))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), directions]."""
        return self._whitened(self._encoder.encode_documents(documents))

    def _whitened(self, vectors: FloatArray) -> FloatArray:
        whitened: FloatArray = ((vectors - self._mean) @ self._kernel).astype(np.float32)
        return whitened

    def _batches(self, documents: Iterable[Document]) -> Iterator[FloatArray]:
        stream = iter(documents)
        while batch := list(islice(stream, _BATCH)):
            yield self._encoder.encode_documents(batch)


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
