"""How token vectors are kept on disk: as floats, or a byte a dimension.

A codec turns vectors into named arrays of one row a vector, and rows of them back into vectors.
`residual.py` has the one that learns from the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import FloatArray
from benchmarks.storage.manifest import Manifest

if TYPE_CHECKING:
    import torch

Arrays = dict[str, NDArray[Any]]


class Codec(Protocol):
    """One way to keep vectors. `parts` names its arrays, `learnt` what it keeps besides, once an index."""

    parts: tuple[str, ...]
    learnt: tuple[str, ...]

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What can move a number: JSON values, among them `stored`."""

    def open(self, manifest: Manifest, sample: Callable[[], FloatArray]) -> None:
        """Load what was learnt in this folder, or learn it from `sample()`, float32[vectors, dimension]."""

    def encode(self, vectors: FloatArray) -> Arrays:
        """Arrays of len(vectors) rows, by name."""

    def decode(self, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """float32[rows, dimension], on the device of the rows."""

    def bytes_per_vector(self, dimension: int) -> float:
        """Bytes on disk of one vector."""


class Floats:
    """`float16` or `float32`: the vectors themselves."""

    parts: tuple[str, ...] = ("vectors",)
    learnt: tuple[str, ...] = ()

    def __init__(self, stored: str) -> None:
        self._type = np.dtype(stored)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The type."""
        return {"stored": self._type.name}

    def open(self, manifest: Manifest, sample: Callable[[], FloatArray]) -> None:
        """Nothing is learnt."""

    def encode(self, vectors: FloatArray) -> Arrays:
        """`vectors` [n, dimension]. Raises `EvaluationError` for what float16 has no number for."""
        with np.errstate(over="ignore"):
            kept = vectors.astype(self._type)
        if not np.isfinite(kept).all():
            raise EvaluationError(
                f"a token vector is too large for {self._type.name}; keep these vectors as float32 (@float32)"
            )
        return {"vectors": kept}

    def decode(self, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Widened."""
        return rows["vectors"].float()

    def bytes_per_vector(self, dimension: int) -> float:
        """So many numbers."""
        return dimension * self._type.itemsize


class Bytes:
    """`int8`: each vector scaled so that its largest component is 127, and rounded."""

    parts: tuple[str, ...] = ("vectors", "scales")
    learnt: tuple[str, ...] = ()

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The type, and whose scale it is."""
        return {"stored": "int8", "scale": "a vector"}

    def open(self, manifest: Manifest, sample: Callable[[], FloatArray]) -> None:
        """Nothing is learnt."""

    def encode(self, vectors: FloatArray) -> Arrays:
        """`vectors` int8[n, dimension] and `scales` float32[n, 1]."""
        scales = np.abs(vectors).max(axis=1, keepdims=True) / np.float32(127)
        scales[scales == 0] = 1  # the zero vector stays what it is
        return {"vectors": np.rint(vectors / scales).astype(np.int8), "scales": scales}

    def decode(self, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Widened and scaled."""
        return rows["vectors"].float().mul_(rows["scales"])

    def bytes_per_vector(self, dimension: int) -> float:
        """A byte a dimension, and the scale."""
        return dimension + np.dtype(np.float32).itemsize
