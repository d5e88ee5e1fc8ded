"""MaxSim over ragged documents against a loop over everything."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.interfaces import FloatArray
from benchmarks.retrieval.maxsim import maxsim, reduced, segmented


def slowly(query: FloatArray, document: FloatArray) -> float:
    """MaxSim as a triple loop."""
    total = 0.0
    for word in query:
        best = -np.inf
        for token in document:
            best = max(best, sum(float(a) * float(b) for a, b in zip(word, token, strict=True)))
        total += best
    return total


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.integers(0, 99),
)
def test_maxsim_is_a_triple_loop(queries: list[int], lengths: list[int], seed: int) -> None:
    """Ragged queries against ragged documents, every pair."""
    generator = np.random.default_rng(seed)
    asked = [generator.standard_normal((rows, 4), dtype=np.float32) for rows in queries]
    documents = [generator.standard_normal((rows, 4), dtype=np.float32) for rows in lengths]
    found = maxsim(asked, np.concatenate(documents), np.array(lengths))
    expected = [[slowly(query, document) for document in documents] for query in asked]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8), st.booleans(), st.sampled_from([3, 99]),
    st.integers(0, 99),
)  # fmt: skip
def test_maxima_of_stretches(lengths: list[int], same: bool, columns: int, seed: int) -> None:
    """Bit for bit those of a loop: ragged or of one length, of few columns (a query's) or many (several queries'), and in a GPU's way."""
    counts = np.array([lengths[0]] * len(lengths) if same else lengths, dtype=np.int32)
    products = np.random.default_rng(seed).standard_normal((counts.sum(), columns), dtype=np.float32)
    expected = np.stack([part.max(axis=0) for part in np.split(products, np.cumsum(counts)[:-1])])
    np.testing.assert_array_equal(reduced(torch.from_numpy(products), counts), expected)
    np.testing.assert_array_equal(segmented(torch.from_numpy(products), counts).numpy(), expected)
