"""Encoders whose vectors are mapped by what was learnt, without labels, from the collection's own documents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.interfaces import Document, Encoder, FloatArray
from benchmarks.storage.manifest import Manifest

_BATCH = 2048
Learnt = Mapping[str, NDArray[Any]]
"""What a map is made of, by name; what `Fitted.names` lists."""
Map = Callable[[FloatArray], FloatArray]
"""From vectors [n, dimension] to float32[n, dimension of the map]."""


class Fitted(ABC):
    """An encoder, and a map of its vectors that is learnt from the collection: all of it, or the first `fitted_on` documents."""

    fitted_on: int | None = None
    names: tuple[str, ...]
    conventions: Mapping[str, Any]
    """What the protocol says of the map."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._map: Map

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The encoder's protocol, and that of the map."""
        return {**self._encoder.protocol, **self.conventions}

    def fit(self, documents: Iterable[Document], folder: Path) -> None:
        """Learn the map from `documents`, or load what was learnt. Raises `EvaluationError`."""
        manifest = Manifest(folder)
        manifest.check()
        if f"{self.names[-1]}.npy" not in manifest:
            learnt = self.learn(self._batches(islice(documents, self.fitted_on)))
            for name in self.names:  # the last one says that the fit is whole
                manifest.write_array(f"{name}.npy", learnt[name])
        self._map = self.opened({name: np.asarray(manifest.array(f"{name}.npy")) for name in self.names})

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension of the map]."""
        return self._map(self._encoder.encode_queries(texts))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension of the map]."""
        return self._map(self._encoder.encode_documents(documents))

    @abstractmethod
    def learn(self, batches: Iterable[FloatArray]) -> Learnt:
        """What makes the map of vectors that come in batches [n, dimension]. Raises `EvaluationError`."""

    @abstractmethod
    def opened(self, learnt: Learnt) -> Map:
        """The map."""

    def _batches(self, documents: Iterable[Document]) -> Iterator[FloatArray]:
        stream = iter(documents)
        while batch := list(islice(stream, _BATCH)):
            yield self._encoder.encode_documents(batch)
