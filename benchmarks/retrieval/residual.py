"""Token vectors as the nearest of some centroids and what is left over, in a few bits a dimension.

ColBERTv2 (Santhanam et al. 2022, section 3.3): v is kept as the index of its closest centroid C_t and a
quantised residual r = v - C_t. The centroids come from k-means over the vectors of a sample of documents; their
number goes with the square root of that of the vectors, here of the sample's, which is bounded. The paper leaves
open how a dimension of r becomes b bits: here 2^b intervals, equally filled by the sample, each decoded to the mean
of what fell into it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.interfaces import FloatArray
from benchmarks.retrieval.codecs import Arrays
from benchmarks.storage.manifest import Manifest

if TYPE_CHECKING:
    import torch

_CENTROIDS, _INTERVALS = "centroids.npy", "intervals.npy"
_PER_ROOT = 16
_POINTS_PER_CENTROID = 39
"""Centroids: 16 for each root of the sample's vectors, and none with fewer than 39 of them (faiss' own floor)."""
_ITERATIONS = 10
_QUANTISED = 16_384
"""Vectors of the sample whose residuals fix the intervals."""


class Residual:
    """`residual1`, `residual2`, `residual4`: so many bits a dimension."""

    parts: tuple[str, ...] = ("codes", "nearest")
    learnt: tuple[str, ...] = (_CENTROIDS, _INTERVALS)

    def __init__(self, bits: int, seed: int) -> None:
        self._bits, self._seed = bits, seed
        self._centroids: FloatArray
        self._intervals: FloatArray

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Bits, and how centroids and intervals come about."""
        return {
            "stored": f"residual{self._bits}", "centroids": f"k-means, {_PER_ROOT} a root of the sample's vectors",
            "iterations": _ITERATIONS, "intervals": "equally filled", "codec_seed": self._seed,
        }  # fmt: skip

    def open(self, manifest: Manifest, sample: Callable[[], FloatArray]) -> None:
        """Load centroids and intervals, or learn them from `sample()`."""
        if _INTERVALS in manifest:
            manifest.check(*self.learnt)
        else:
            self._learn(manifest, sample)
        self._centroids = np.array(manifest.array(_CENTROIDS))
        # The bounds between intervals, then what each is decoded to.
        self._intervals = np.array(manifest.array(_INTERVALS))

    def encode(self, vectors: FloatArray) -> Arrays:
        """`codes` uint8[n, bytes], several dimensions a byte, and `nearest` int32[n, 1]."""
        nearest = closest(self._centroids, vectors)
        bounds = self._intervals[: 2**self._bits - 1]
        places = np.searchsorted(bounds, vectors - self._centroids[nearest], side="right").astype(np.uint8)
        return {"codes": packed(places, self._bits), "nearest": nearest[:, None]}

    def decode(self, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Centroid and residual together."""
        import torch

        device = rows["codes"].device
        values = torch.from_numpy(self._intervals[2**self._bits - 1 :])
        # Each of the 256 bytes stands for the same few dimensions, one after the other.
        table = values[torch.from_numpy(unpacked(np.arange(256, dtype=np.uint8)[:, None], self._bits)).long()]
        residuals = torch.nn.functional.embedding(rows["codes"].int(), table.to(device)).flatten(1)
        centroids = torch.from_numpy(self._centroids).to(device)
        return centroids[rows["nearest"][:, 0]].add_(residuals[:, : centroids.shape[1]])

    def bytes_per_vector(self, dimension: int) -> float:
        """The packed residual, and four bytes for the centroid."""
        return -(-dimension * self._bits // 8) + np.dtype(np.int32).itemsize

    def _learn(self, manifest: Manifest, draw: Callable[[], FloatArray]) -> None:
        import faiss

        start = time.perf_counter()
        sample = draw()
        wanted = min(_PER_ROOT * len(sample) ** 0.5, len(sample) / _POINTS_PER_CENTROID)
        count = 2 ** int(np.log2(max(1.0, wanted)))
        means: Any = faiss.Kmeans(sample.shape[1], count, niter=_ITERATIONS, seed=self._seed)
        means.train(sample)
        drawn = sample[np.random.default_rng(self._seed).permutation(len(sample))[:_QUANTISED]]
        left = np.sort((drawn - means.centroids[closest(means.centroids, drawn)]).ravel())
        groups = np.array_split(left, 2**self._bits)
        bounds = [group[0] if len(group) else left[-1] for group in groups[1:]]
        values = [group.mean() if len(group) else left[-1] for group in groups]
        manifest.write_array(_CENTROIDS, means.centroids)
        # The intervals come last: their presence says that both are there.
        intervals = np.array([*bounds, *values], dtype=np.float32)
        manifest.write_array(_INTERVALS, intervals, time.perf_counter() - start)


def closest(centroids: FloatArray, vectors: FloatArray) -> NDArray[np.int32]:
    """The centroid closest to each vector, by Euclidean distance: int32[n]."""
    import faiss

    index = faiss.IndexFlatL2(centroids.shape[1])
    index.add(centroids)
    _, found = index.search(np.ascontiguousarray(vectors), 1)
    nearest: NDArray[np.int32] = found[:, 0].astype(np.int32)
    return nearest


def packed(places: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Numbers below 2^bits [n, columns] in bytes, the first in the lowest bits; filled up with zeros."""
    per_byte = 8 // bits
    filled = np.pad(places, ((0, 0), (0, -places.shape[1] % per_byte)))
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    found: NDArray[np.uint8] = np.bitwise_or.reduce(
        filled.reshape(len(places), -1, per_byte) << shifts, axis=2
    )
    return found


def unpacked(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """The numbers in bytes [n, m]: uint8[n, m * 8 / bits]."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    found: NDArray[np.uint8] = (codes[:, :, None] >> shifts) & np.uint8(2**bits - 1)
    return found.reshape(len(codes), -1)
