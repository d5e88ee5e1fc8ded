"""MaxSim beside the padded product that PyLate's scorer takes, and beside the machine's own rate.

    nox -s latency -- -k maxsim

A re-ranking: 1,000 documents of 20 to 180 vectors, 32 vectors of a query, 128 dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.interfaces import FloatArray
from benchmarks.retrieval.maxsim import MaxSim
from benchmarks.retrieval.tokenshards import cuts
from tests.speed.test_kernels import ratio, seconds

DIMENSION = 128
GENERATOR = np.random.default_rng(0)
LENGTHS = GENERATOR.integers(20, 181, size=1_000)
VECTORS = GENERATOR.standard_normal((int(LENGTHS.sum()), DIMENSION), dtype=np.float32)
QUERY = GENERATOR.standard_normal((32, DIMENSION), dtype=np.float32)


def ours(kept: torch.Tensor) -> FloatArray:
    """Block after block, as re-ranking goes."""
    scorer, ends = MaxSim([QUERY]), np.cumsum(LENGTHS)
    scores = []
    for first, last in cuts(ends, scorer.block):
        rows = slice(int(ends[first] - LENGTHS[first]), int(ends[last - 1]))
        scores.append(scorer(kept[rows].float(), LENGTHS[first:last])[0])
    return np.concatenate(scores)


@pytest.fixture(scope="module")
def padded() -> tuple[torch.Tensor, torch.Tensor]:
    """The documents side by side, and which places are none's."""
    documents = np.split(VECTORS, np.cumsum(LENGTHS)[:-1])
    together = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(d) for d in documents], batch_first=True)
    return together, torch.arange(together.shape[1]) < torch.from_numpy(LENGTHS)[:, None]


@pytest.mark.benchmark(group="MaxSim, 32 x 128 against 1,000 documents of 20 to 180 vectors")
@pytest.mark.parametrize("stored", [torch.float32, torch.float16])
def test_maxsim_beats_a_padded_product(
    stored: torch.dtype, benchmark: Any, padded: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """At least twice as fast as the product over padded documents (PyLate's way), and the same scores."""
    documents, real = padded
    query, kept = torch.from_numpy(QUERY)[None], torch.from_numpy(VECTORS).to(stored)

    def theirs() -> FloatArray:
        products = torch.einsum("ash,bth->abst", query, documents) * real[None, :, None, :]
        found: FloatArray = products.amax(dim=-1).sum(dim=-1)[0].numpy()
        return found

    np.testing.assert_allclose(ours(kept), theirs(), rtol=2e-3)
    assert ratio(benchmark, lambda: ours(kept), theirs, rounds=15) >= 2.0


@pytest.mark.benchmark(group="MaxSim, 32 x 128 against 1,000 documents of 20 to 180 vectors")
def test_maxsim_keeps_much_of_the_rate_of_a_product(benchmark: Any) -> None:
    """Multiply-adds a second beside those of a square product of 1,024, both at their best of 25, in turn.

    The square product runs from the caches; a re-ranking reads every vector once from memory and takes a maximum of
    each product, which costs it about half of the rate.
    """
    square, kept = torch.randn(1024, 1024), torch.from_numpy(VECTORS).half()
    pairs = [(seconds(lambda: ours(kept)), seconds(lambda: square @ square)) for _ in range(25)]
    mine, product = (min(times) for times in zip(*pairs, strict=True))
    share = (QUERY.size * len(VECTORS) / mine) / (1024**3 / product)
    benchmark.extra_info["share of the rate of a square product"] = round(share, 2)
    benchmark.pedantic(lambda: ours(kept), rounds=1)
    print(f"\n{benchmark.name}: {share:.2f} of the rate of a square product")
    assert share >= 0.4
