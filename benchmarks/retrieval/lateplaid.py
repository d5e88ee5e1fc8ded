"""PLAID: late interaction over compressed vectors, by the library fast-plaid.

Santhanam et al. 2022 (PLAID, section 4): centroids near a query's vectors name documents, the documents' centroids
alone prune them, and what is left is decompressed, scaled to unit length, and scored: for encoders whose vectors
have that length. fast-plaid pins its own torch, and is an extra.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.errors import Unavailable
from benchmarks.evaluation.ranking import ranking_order
from benchmarks.interfaces import Document, FloatArray, TokenEncoder
from benchmarks.protocol import fingerprint
from benchmarks.retrieval.codecs import Floats
from benchmarks.retrieval.idtable import IdTable
from benchmarks.retrieval.late import Found, LateInteraction
from benchmarks.storage.cache import bytes_below

DEFAULTS = {"n_ivf_probe": 8, "n_full_scores": 4096}
"""fast-plaid's own: centroids that each vector of a query goes to, and documents that are decompressed."""


class PlaidSearch(LateInteraction):
    """Searches with fast-plaid, `bits` a dimension; as a re-ranker it is exact."""

    def __init__(
        self, encoder: TokenEncoder, bits: int, parameters: Mapping[str, int], seed: int = 0
    ) -> None:
        super().__init__(encoder, Floats(encoder.token_vectors), seed)
        self._bits, self._parameters = bits, {**DEFAULTS, **parameters}
        self._folder: Path
        self._plaid: Any = None

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The vectors' protocol, the library, and what it searches with. Raises `Unavailable`."""
        index = {"library": f"fast-plaid {_version()}", "bits": self._bits, "parameters": self._parameters}
        return {**super().protocol, "index": index, "seed": self.seed}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Encode `documents` into `folder`, and build the library's index beside them. Raises `Unavailable`."""
        self._folder = folder / f"plaid-{fingerprint([_version(), self._bits, self.seed])}"
        super().index(documents, folder)
        manifest = self.shards.manifest
        if self._marker not in manifest:
            start = time.perf_counter()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._build()
            manifest.write(self._marker, lambda file: file.write(b"{}"), time.perf_counter() - start)
        self._plaid = _opened(self._folder)

    def find(self, matrices: Sequence[FloatArray], depth: int) -> Found:
        """The best `depth` of the documents that PLAID finds, by its own scores."""
        import torch

        rows = self._plaid.search(
            [torch.from_numpy(matrix) for matrix in matrices], top_k=depth, show_progress=False,
            **self._capped(),
        )  # fmt: skip
        results = []
        for row in rows:
            positions = np.array([position for position, _ in row], dtype=np.int64)
            scores = np.array([score for _, score in row], dtype=np.float32)
            best = ranking_order(scores, self.ids.ranks[positions])
            results.append((positions[best], scores[best]))
        return results

    def index_bytes(self) -> int:
        """Bytes a search reads: the library's index and the ids."""
        return self.shards.manifest.size(*IdTable.FILES) + bytes_below(self._folder)

    def build_seconds(self) -> dict[str, float]:
        """Seconds spent encoding and indexing, over all the runs it took."""
        seconds = super().build_seconds()
        return {**seconds, "index": seconds["index"] + self.shards.manifest.seconds(self._marker)}

    @property
    def _marker(self) -> str:
        # Written last: its presence says that the folder of this name is whole.
        return f"{self._folder.name}.json"

    def _capped(self) -> dict[str, int]:
        """The parameters, with no more centroids to go to than there are: fast-plaid breaks off otherwise."""
        centroids = len(np.load(self._folder / "centroids.npy", mmap_mode="r"))
        return {**self._parameters, "n_ivf_probe": min(self._parameters["n_ivf_probe"], centroids)}

    def _build(self) -> None:
        """Hand over every document's vectors as they lie, mapped from disk."""
        from torch.utils.dlpack import from_dlpack

        matrices = []
        for number in range(self.shards.count):
            ends = np.cumsum(self.shards.array("lengths", number))[:-1]
            matrices += [from_dlpack(part) for part in np.split(self.shards.array("vectors", number), ends)]
        # From so few documents on, it would keep the vectors besides.
        _opened(self._folder).create(matrices, nbits=self._bits, seed=self.seed, start_from_scratch=0)


def _opened(folder: Path) -> Any:
    _version()
    from fast_plaid.search import FastPlaid

    return FastPlaid(index=str(folder))


def _version() -> str:
    """Which fast-plaid is here. Raises `Unavailable` where none is."""
    try:
        return version("fast-plaid")
    except PackageNotFoundError:
        raise Unavailable(
            "@plaid needs fast-plaid, which is not installed: pip install 'retriever-bench[plaid]'"
        ) from None
