"""Token vectors on disk: ragged documents, end to end in shards, each kept as a codec says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Document, FloatArray, TokenEncoder
from benchmarks.retrieval.codecs import Arrays, Codec
from benchmarks.retrieval.shards import Shards
from benchmarks.retrieval.vectors import check_vectors

SAMPLE = 4_096
"""Documents whose vectors a codec learns from: some hundred MiB of them."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some documents of one shard: what is kept of their vectors, end to end, and how many each has."""

    rows: Arrays
    lengths: NDArray[np.integer]


class TokenShards(Shards):
    """Several vectors a document: `lengths` int32[documents] in each shard, and the codec's arrays."""

    def __init__(self, folder: Path, codec: Codec) -> None:
        super().__init__(folder)
        self._codec = codec

    def encode(self, encoder: TokenEncoder, documents: Iterable[Document], seed: int) -> None:
        """Complete the shards with an encoder. Raises `EvaluationError` for vectors it should not give."""

        def sample() -> FloatArray:
            return np.concatenate(checked(encoder, drawn(documents, SAMPLE, seed)))

        def arrays(shard: list[Document]) -> Arrays:
            matrices = checked(encoder, shard)
            lengths = np.array([len(matrix) for matrix in matrices], dtype=np.int32)
            return {"lengths": lengths, **self._codec.encode(np.concatenate(matrices))}

        self._codec.open(self.manifest, sample)
        self.complete(arrays, documents)

    def blocks(self, size: int) -> Iterator[tuple[int, Block]]:
        """Every document, about `size` vectors at once, with the position of the first of them."""
        for number in range(self.count):
            lengths = self.array("lengths", number)
            ends = np.cumsum(lengths)
            for first, last in cuts(ends, size):
                rows = slice(int(ends[first] - lengths[first]), int(ends[last - 1]))
                yield number * self.SIZE + first, Block(self._rows(number, rows), lengths[first:last])

    def chosen(self, positions: NDArray[np.int64], size: int) -> Iterator[tuple[NDArray[np.int64], Block]]:
        """The documents at `positions` [n], about `size` vectors at once, with their places in `positions`.

        Those of a block are about as long as each other, and given one length: the last vector of a shorter one
        stands there again, which changes no maximum.
        """
        numbers = positions // self.SIZE
        for number in np.unique(numbers).tolist():
            places = np.flatnonzero(numbers == number)
            of_shard = self.array("lengths", number).astype(np.int64)
            of_each = positions[places] - number * self.SIZE
            by_length = np.argsort(of_shard[of_each], kind="stable")
            places, of_each = places[by_length], of_each[by_length]
            ends, lengths = np.cumsum(of_shard)[of_each], of_shard[of_each]
            for first, last in cuts(np.cumsum(lengths), size):
                some = slice(first, last)
                rows = filled(ends[some] - lengths[some], lengths[some])
                same = np.full(last - first, lengths[last - 1])
                yield places[some], Block(self._rows(number, rows), same)

    def lengths(self) -> NDArray[np.int32]:
        """How many vectors each document has: int32[documents]."""
        return np.concatenate([self.array("lengths", number) for number in range(self.count)])

    def vectors(self, number: int, rows: NDArray[np.int64] | slice = slice(None)) -> FloatArray:
        """Vectors of a shard as they were kept: float32[rows, dimension]."""
        from torch.utils.dlpack import from_dlpack

        kept = {name: from_dlpack(array) for name, array in self._rows(number, rows).items()}
        decoded: FloatArray = self._codec.decode(kept).numpy()
        return decoded

    def _rows(self, number: int, rows: NDArray[np.int64] | slice) -> Arrays:
        arrays = {part: self.array(part, number) for part in self._codec.parts}
        if isinstance(rows, slice):
            return {part: array[rows] for part, array in arrays.items()}
        # NumPy gathers with one thread, in half the speed.
        return {part: _gathered(array, rows) for part, array in arrays.items()}


def checked(encoder: TokenEncoder, documents: Sequence[Document]) -> list[FloatArray]:
    """The documents' matrices. Raises `EvaluationError` for such as an encoder does not owe."""
    matrices = encoder.encode_documents(documents)
    check_matrices(matrices, len(documents))
    return matrices


def check_matrices(matrices: Sequence[FloatArray], texts: int) -> None:
    """Raise `EvaluationError` unless an encoder gave `texts` finite matrices of at least one row each."""
    if not isinstance(matrices, list) or len(matrices) != texts:
        raise EvaluationError(
            f"the encoder owes a list of {texts} matrices; it gave {type(matrices).__name__}"
        )
    for place, matrix in enumerate(matrices):
        if not len(matrix):
            raise EvaluationError(
                f"the encoder gave no vector for text {place} of its batch; it owes one or more"
            )
        check_vectors(matrix, len(matrix))


def drawn(documents: Iterable[Document], count: int, seed: int) -> list[Document]:
    """`count` of the documents, each as likely as any other, read once (Vitter 1985, Algorithm R)."""
    generator = np.random.default_rng(seed)
    kept: list[Document] = []
    for number, document in enumerate(documents):
        if number < count:
            kept.append(document)
        elif (place := int(generator.integers(number + 1))) < count:
            kept[place] = document
    return kept


def cuts(ends: NDArray[np.integer], size: int) -> Iterator[tuple[int, int]]:
    """Cut documents that end at `ends` [n] into runs of at most `size` vectors, or one document: first, last + 1."""
    first = 0
    while first < len(ends):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + size, side="right")))
        yield first, last
        first = last


def filled(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """start, start + 1, ... of each stretch, its last again until it is as long as the longest: int64[n * longest]."""
    steps = np.minimum(np.arange(lengths.max()), lengths[:, None] - 1)
    return np.add(starts[:, None], steps).ravel()


def _gathered(array: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    import torch
    from torch.utils.dlpack import from_dlpack

    found: NDArray[Any] = torch.index_select(from_dlpack(array), 0, torch.from_numpy(rows)).numpy()
    return found
