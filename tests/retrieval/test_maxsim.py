"""MaxSim over ragged documents against a loop over everything."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.interfaces import FloatArray
from benchmarks.retrieval.maxsim import maxsim, reduced, reduced_by_torch


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


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 99))
def test_both_maxima_are_one(lengths: list[int], seed: int) -> None:
    """The segmented maximum of a GPU gives what that of a CPU gives, bit for bit."""
    products = np.random.default_rng(seed).standard_normal((sum(lengths), 3), dtype=np.float32)
    expected = np.stack([part.max(axis=0) for part in np.split(products, np.cumsum(lengths)[:-1])])
    counts = np.array(lengths, dtype=np.int32)
    np.testing.assert_array_equal(reduced(products, counts), expected)
    np.testing.assert_array_equal(reduced_by_torch(torch.from_numpy(products), counts), expected)
