"""MaxSim beside the padded product that PyLate's scorer takes, and beside the machine's own rate.

    nox -s latency -- -k maxsim

Documents of 20 to 180 vectors of 128 dimensions, queries of 32: a re-ranking of 1,000 of 4,000 documents, and a
search of all for sixteen queries. Both go the way of a measurement, from files that are in the page cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.interfaces import Document, FloatArray
from benchmarks.retrieval.codecs import Floats
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.maxsim import MaxSim
from benchmarks.retrieval.tokenshards import cuts
from tests.speed.test_kernels import ratio, seconds

DIMENSION = 128
GENERATOR = np.random.default_rng(0)
LENGTHS = GENERATOR.integers(20, 181, size=4_000)
VECTORS = np.split(
    GENERATOR.standard_normal((int(LENGTHS.sum()), DIMENSION), dtype=np.float32), np.cumsum(LENGTHS)[:-1]
)
QUERIES = list(GENERATOR.standard_normal((16, 32, DIMENSION), dtype=np.float32))
CANDIDATES = GENERATOR.permutation(len(VECTORS))[:1_000]


class Given:
    """An encoder whose vectors are there already: a document's text is its place."""

    token_vectors = "float16"

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its name."""
        return {"model": "given"}

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """None is asked."""
        raise NotImplementedError

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """The vectors of these."""
        return [VECTORS[int(document.text)] for document in documents]


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> LateInteraction:
    """An index of all documents, in half precision."""
    found = LateInteraction(Given(), Floats("float16"))
    documents = [Document(f"d{place}", "", str(place)) for place in range(len(VECTORS))]
    found.index(documents, tmp_path_factory.mktemp("late"))
    return found


@pytest.fixture(scope="module")
def padded() -> tuple[torch.Tensor, torch.Tensor]:
    """The candidates side by side, and which places are none's."""
    documents = [torch.from_numpy(VECTORS[place]) for place in CANDIDATES]
    together = torch.nn.utils.rnn.pad_sequence(documents, batch_first=True)
    return together, torch.arange(together.shape[1]) < torch.from_numpy(LENGTHS[CANDIDATES])[:, None]


@pytest.mark.benchmark(group="MaxSim, 32 x 128 against 1,000 documents of 20 to 180 vectors")
@pytest.mark.parametrize("stored", [torch.float32, torch.float16])
def test_maxsim_beats_a_padded_product(
    stored: torch.dtype, benchmark: Any, padded: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """At least twice as fast as the product over padded documents (PyLate's way), and the same scores.

    Both begin where the vectors are in memory, ours end to end. What a re-ranking takes besides, to find and gather
    them, is in the tests below.
    """
    documents, real = padded
    query = torch.from_numpy(QUERIES[0])[None]
    vectors = torch.from_numpy(np.concatenate([VECTORS[place] for place in CANDIDATES]))
    lengths, together = LENGTHS[CANDIDATES], vectors.to(stored)

    def ours() -> FloatArray:
        scorer, ends, scores = MaxSim(QUERIES[:1]), np.cumsum(lengths), []
        for first, last in cuts(ends, scorer.block):
            rows = slice(int(ends[first] - lengths[first]), int(ends[last - 1]))
            scores.append(scorer(together[rows].float(), lengths[first:last])[0])
        return np.concatenate(scores)

    def theirs() -> FloatArray:
        products = torch.einsum("ash,bth->abst", query, documents) * real[None, :, None, :]
        found: FloatArray = products.amax(dim=-1).sum(dim=-1)[0].numpy()
        return found

    np.testing.assert_allclose(ours(), theirs(), rtol=2e-3)
    assert ratio(benchmark, ours, theirs, rounds=15) >= 2.0


def share_of_rate(work: Callable[[], object], multiply_adds: int, benchmark: Any) -> float:
    """Multiply-adds a second beside those of a square product of 1,024, both at their best of 25, in turn.

    The square product runs from the caches; MaxSim reads every vector from files, widens it, and takes a maximum of
    each product.
    """
    square = torch.randn(1024, 1024)
    pairs = [(seconds(work), seconds(lambda: square @ square)) for _ in range(25)]
    mine, product = (min(times) for times in zip(*pairs, strict=True))
    share = (multiply_adds / mine) / (1024**3 / product)
    benchmark.extra_info["share of the rate of a square product"] = round(share, 2)
    benchmark.pedantic(work, rounds=1)
    print(f"\n{benchmark.name}: {share:.2f} of the rate of a square product")
    return share


@pytest.mark.benchmark(group="MaxSim, 32 x 128 against 1,000 documents of 20 to 180 vectors")
def test_a_reranking_keeps_its_share_of_the_rate_of_a_product(benchmark: Any, late: LateInteraction) -> None:
    """One query: half of the time goes into gathering and widening what is multiplied by so little."""
    work = QUERIES[0].size * int(LENGTHS[CANDIDATES].sum())
    assert share_of_rate(lambda: late.score_positions(QUERIES[0], CANDIDATES), work, benchmark) >= 0.25


@pytest.mark.benchmark(group="MaxSim, 16 queries of 32 x 128 against 4,000 documents of 20 to 180 vectors")
def test_a_search_keeps_its_share_of_the_rate_of_a_product(benchmark: Any, late: LateInteraction) -> None:
    """Several queries share what was read."""
    work = len(QUERIES) * QUERIES[0].size * int(LENGTHS.sum())
    assert share_of_rate(lambda: late.find(QUERIES, 100), work, benchmark) >= 0.3
