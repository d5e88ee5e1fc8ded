"""DPR's similarities and losses, restated one question and one passage at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.dpr.distance import ByDistance
from baselines.dpr.losses import LOSSES, SIMILARITIES
from baselines.encoders.tower import Batch, Tokens, padded


def inner(q: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """The sum of products."""
    return torch.stack([a * b for a, b in zip(q, p, strict=True)]).sum()


ALIKE: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "dot": inner,
    "cosine": lambda q, p: inner(q, p) / (inner(q, q).sqrt() * inner(p, p).sqrt()),
    "l2": lambda q, p: -inner(q - p, q - p).sqrt(),
}


def slow(
    similarity: str, loss: str, asked: torch.Tensor, found: torch.Tensor, forbidden: torch.Tensor
) -> torch.Tensor:
    """Both losses with a loop for every sum."""
    values = []
    for i, question in enumerate(asked):
        scores = [ALIKE[similarity](question, passage) for passage in found]
        others = [score for j, score in enumerate(scores) if j != i and not forbidden[i, j]]
        if loss == "nll":
            shares = [torch.exp(score) for score in [scores[i], *others]]
            values.append(-torch.log(shares[0] / torch.stack(shares).sum()))
        else:
            values += [(1 - scores[i] + other).clamp(min=0) for other in others]
    return torch.stack(values).mean()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("similarity", SIMILARITIES)
@pytest.mark.parametrize("seed", range(5))
def test_losses_and_gradients_are_those_of_loops(similarity: str, loss: str, seed: int) -> None:
    """In float64, with some passages left out, and more passages than questions."""
    rng = np.random.default_rng(seed)
    questions, passages, dimension = rng.integers(2, 6), rng.integers(6, 40), rng.integers(1, 5)
    asked, found = (
        torch.tensor(rng.normal(size=(n, dimension)), requires_grad=True) for n in (questions, passages)
    )
    forbidden = torch.tensor(rng.random((questions, passages)) < 0.3)
    forbidden.fill_diagonal_(False)
    value = LOSSES[loss](SIMILARITIES[similarity](asked, found), forbidden)
    expected = slow(similarity, loss, asked, found, forbidden)
    torch.testing.assert_close(value, expected, atol=1e-9, rtol=1e-9)
    pairs = zip(*(torch.autograd.grad(one, (asked, found)) for one in (value, expected)), strict=True)
    for fast, restated in pairs:
        assert fast.abs().sum() > 0 or (similarity, dimension) == ("cosine", 1)
        torch.testing.assert_close(fast, restated, atol=1e-9, rtol=1e-9)


def test_a_triplet_that_is_far_enough_apart_teaches_nothing() -> None:
    """Beyond the margin of 1 the loss and its gradient are 0; short of it the loss is what is lacking."""
    scores = torch.tensor([[5.0, 4.0], [3.25, 4.0]], requires_grad=True)
    allowed = torch.zeros(2, 2, dtype=torch.bool)
    assert LOSSES["triplet"](scores, allowed).item() == pytest.approx((0 + 0.25) / 2)
    (gradient,) = torch.autograd.grad(LOSSES["triplet"](scores, allowed), scores)
    assert gradient[0].tolist() == [0, 0]
    assert gradient[1].tolist() == [0.5, -0.5]


def test_of_equal_scores_every_passage_has_an_equal_share() -> None:
    """The likelihood of one passage among n is 1 / n."""
    allowed = torch.zeros(3, 7, dtype=torch.bool)
    assert LOSSES["nll"](torch.ones(3, 7), allowed).item() == pytest.approx(math.log(7))


class Given(torch.nn.Module):
    """A model that gives the vectors it was given."""

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = vectors

    def forward(self, _batch: Batch) -> torch.Tensor:
        """All of them."""
        return self.vectors


coordinate = st.floats(-10, 10, width=32)


@given(
    st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=20), st.tuples(coordinate, coordinate)
)
def test_inner_products_of_longer_vectors_are_distances(
    passages: list[tuple[float, float]], question: tuple[float, float]
) -> None:
    """(|q|^2 - |q - p|^2) / 2, so that the nearest passage comes first."""
    q, p = torch.tensor([question], dtype=torch.float64), torch.tensor(passages, dtype=torch.float64)
    batch = padded([Tokens([1])], 0)
    found = ByDistance(Given(q), questions=True)(batch) @ ByDistance(Given(p), questions=False)(batch).T
    expected = [(inner(q[0], q[0]) - inner(q[0] - one, q[0] - one)) / 2 for one in p]
    torch.testing.assert_close(found[0], torch.stack(expected), atol=1e-9, rtol=1e-9)
