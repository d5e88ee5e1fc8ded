"""MaxSim: queries of several vectors against documents of several vectors.

Khattab and Zaharia 2020, section 3.3: the score of a document is the sum over the query's vectors
of the largest inner product with one of the document's. Documents lie end to end, without padding:
one matrix product scores a block, and a segmented maximum takes the best of each document's stretch.
A machine with a GPU scores there; scores come back to memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.interfaces import FloatArray

if TYPE_CHECKING:
    import torch

BLOCK = {"cpu": 4_096, "cuda": 262_144}
"""Document vectors that are best scored together. On a CPU they, and their products, should stay in its caches."""

_NARROW = 64
"""Up to so many columns NumPy's segmented maximum is faster than a call of torch for each document."""


class MaxSim:
    """Some queries, float32[n_i, dimension] each, ready where documents are scored with them."""

    def __init__(self, queries: Sequence[FloatArray]) -> None:
        import torch

        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.block = BLOCK[self._device]
        self._starts = _starts(np.array([len(query) for query in queries]))
        words = torch.from_numpy(np.concatenate(queries)).to(self._device)
        # With the documents' vectors on the left the product is a third faster than with them on the right.
        self._columns = words.T.contiguous()

    def tensors(self, arrays: Mapping[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
        """What is kept of documents, brought to where they are scored."""
        from torch.utils.dlpack import from_dlpack

        # By DLPack: arrays mapped from disk are read-only, which `from_numpy` warns of. Nothing writes to them here.
        return {name: from_dlpack(array).to(self._device) for name, array in arrays.items()}

    def __call__(self, vectors: torch.Tensor, lengths: NDArray[np.integer]) -> FloatArray:
        """float32[queries, documents] for documents laid end to end.

        `vectors` is float32[sum of lengths, dimension], where `tensors` brings them; `lengths` [documents] are
        all at least 1.
        """
        best = reduced(vectors @ self._columns, lengths)
        scores: FloatArray = np.add.reduceat(best, self._starts, axis=1).T
        return scores


def maxsim(queries: Sequence[FloatArray], vectors: FloatArray, lengths: NDArray[np.integer]) -> FloatArray:
    """float32[queries, documents] for queries float32[n_i, dimension] and documents laid end to end."""
    scorer = MaxSim(queries)
    return scorer(scorer.tensors({"vectors": vectors})["vectors"], lengths)


def reduced(products: torch.Tensor, lengths: NDArray[np.integer]) -> FloatArray:
    """The largest of each document's rows, column by column: float32[documents, columns].

    Stretches of one length are five times faster than ragged ones, which is why `TokenShards.chosen` gives such.
    """
    import torch

    columns = products.shape[1]
    if (lengths == lengths[0]).all():
        best = products.view(len(lengths), -1, columns).amax(dim=1)
    elif products.is_cuda:
        best = segmented(products, lengths)
    elif columns > _NARROW:
        best = torch.stack([rows.amax(dim=0) for rows in torch.split(products, lengths.tolist())])
    else:
        narrow: FloatArray = np.maximum.reduceat(products.numpy(), _starts(lengths), axis=0)
        return narrow
    found: FloatArray = best.cpu().numpy()
    return found


def segmented(products: torch.Tensor, lengths: NDArray[np.integer]) -> torch.Tensor:
    """The same of ragged stretches in one call, for a GPU: on a CPU it takes three times as long as NumPy's."""
    import torch

    counts = torch.from_numpy(lengths.astype(np.int64)).to(products.device)
    return torch.segment_reduce(products, "max", lengths=counts, axis=0)


def _starts(lengths: NDArray[np.integer]) -> NDArray[np.int64]:
    starts = np.zeros(len(lengths), dtype=np.int64)
    np.cumsum(lengths[:-1], out=starts[1:])
    return starts
