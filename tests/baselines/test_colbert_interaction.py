"""ColBERT's interactions in training against loops over queries, documents and tokens, on ragged random input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.colbert.interaction import INTERACTIONS, Matrices, of_all
from benchmarks.retrieval import maxsim as kernel

Rows = list[torch.Tensor]
"""A text's vectors, those that count."""


def best_product(query: Rows, document: Rows) -> torch.Tensor:
    """Equation 3."""
    total = torch.zeros((), dtype=torch.float64)
    for asked in query:
        products = [sum((a * b for a, b in zip(asked, found, strict=True)), total * 0) for found in document]
        total = total + max(products, key=lambda product: product.item())
    return total


def least_distance(query: Rows, document: Rows) -> torch.Tensor:
    """The end-to-end form: minus the squared distance to the nearest."""
    total = torch.zeros((), dtype=torch.float64)
    for asked in query:
        distances = [((asked - found) ** 2).sum() for found in document]
        total = total - min(distances, key=lambda distance: distance.item())
    return total


def mean_product(query: Rows, document: Rows) -> torch.Tensor:
    """Figure 5's average."""
    total = torch.zeros((), dtype=torch.float64)
    for asked in query:
        for found in document:
            total = total + (asked * found).sum() / len(document)
    return total


def first_product(query: Rows, document: Rows) -> torch.Tensor:
    """Figure 5's [CLS]."""
    return (query[0] * document[0]).sum()


SLOW: dict[str, Callable[[Rows, Rows], torch.Tensor]] = {
    "MaxSim": best_product, "MaxSim L2": least_distance, "average": mean_product, "first token": first_product,
}  # fmt: skip


def ragged(rng: np.random.Generator, texts: int, longest: int) -> tuple[torch.Tensor, Matrices]:
    """Unit vectors of texts of which any position but the first may not count; what does not is anything at all."""
    drawn = torch.from_numpy(rng.normal(size=(texts, longest, 4)))
    leaf = torch.nn.functional.normalize(drawn, dim=-1).requires_grad_()
    kept = torch.from_numpy(rng.random((texts, longest)) < 0.6)
    kept[:, 0] = True
    return leaf, Matrices(leaf, kept)


def rows(matrices: Matrices, text: int) -> Rows:
    """The vectors of one text that count."""
    return [vector for vector, kept in zip(matrices.vectors[text], matrices.kept[text], strict=True) if kept]


def test_every_interaction_is_restated() -> None:
    """None is without its loop."""
    assert SLOW.keys() == INTERACTIONS.keys()


@pytest.mark.parametrize("name", SLOW)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), pairs=st.integers(1, 4), asked=st.integers(1, 4), found=st.integers(1, 6))
def test_scores_and_gradients_are_those_of_a_triple_loop(
    name: str, seed: int, pairs: int, asked: int, found: int
) -> None:
    """To 1e-9 in float64, whatever lies in the padding."""
    rng = np.random.default_rng(seed)
    (query, queries), (document, documents) = ragged(rng, pairs, asked), ragged(rng, pairs, found)
    fast = INTERACTIONS[name](queries, documents)
    slow = torch.stack([SLOW[name](rows(queries, n), rows(documents, n)) for n in range(pairs)])
    torch.testing.assert_close(fast, slow, atol=1e-9, rtol=0)
    weights = torch.from_numpy(rng.normal(size=pairs))
    fast_gradients = torch.autograd.grad((fast * weights).sum(), (query, document))
    slow_gradients = torch.autograd.grad((slow * weights).sum(), (query, document))
    if name == "MaxSim L2":
        # Along a vector of length 1 a distance grows and 2 q.d - 2 does not: what moves the vectors are the rest.
        fast_gradients, slow_gradients = (
            tuple(g - (g * v).sum(-1, keepdim=True) * v for g, v in zip(some, (query, document), strict=True))
            for some in (fast_gradients, slow_gradients)
        )
    for one, other in zip(fast_gradients, slow_gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=0)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), asked=st.integers(1, 4), found=st.integers(1, 5))
def test_all_pairs_are_those_of_a_loop_and_of_the_search(seed: int, asked: int, found: int) -> None:
    """Every query with every document: the loop's, and what the bench's kernel finds in documents laid end to end."""
    rng = np.random.default_rng(seed)
    (_, queries), (_, documents) = ragged(rng, asked, 3), ragged(rng, found, 5)
    queries, documents = (Matrices(one.vectors.detach(), one.kept) for one in (queries, documents))
    fast = of_all(queries, documents)
    matrices = [rows(queries, n) for n in range(asked)], [rows(documents, n) for n in range(found)]
    slow = torch.tensor(
        [[best_product(query, document) for document in matrices[1]] for query in matrices[0]]
    )
    torch.testing.assert_close(fast, slow.double(), atol=1e-6, rtol=0)
    asked_rows = [torch.stack(query).detach().float().numpy() for query in matrices[0]]
    laid = torch.cat([torch.stack(document) for document in matrices[1]]).detach().float().numpy()
    lengths = np.array([len(document) for document in matrices[1]])
    np.testing.assert_allclose(kernel.maxsim(asked_rows, laid, lengths), fast.numpy(), atol=1e-5)
