"""SG-OPT's losses, views and sampler, against restatements in loops and sentence-transformers' own loss."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from baselines.sg_opt import losses
from baselines.sg_opt.views import POOLED, Head, Views, sampled

SENTENCES, LAYERS, WIDTH, TEMPERATURE = 5, 4, 6, 0.2
Slow = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def vectors(*shape: int, seed: int = 0) -> torch.Tensor:
    """Vectors of length 1."""
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normalize(drawn, dim=-1)


def power(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """exp(cosine / temperature) of two vectors."""
    return torch.exp(a @ b / a.norm() / b.norm() / TEMPERATURE)


def slow_sg(c: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Every vector of {c_i, h_i} against all others of the set."""
    total = torch.zeros((), dtype=torch.float64)
    everything = [(i, v) for i in range(len(c)) for v in (c[i], h[i])]
    for place, (i, x) in enumerate(everything):
        other = h[i] if place % 2 == 0 else c[i]
        below = sum(power(x, y) for n, (_, y) in enumerate(everything) if n != place)
        total = total - torch.log(power(x, other) / below)
    return total / len(everything)


def slow_opt1(c: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Only c seek, among all h and the other c."""
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(c)):
        below = sum(power(c[i], h[j]) for j in range(len(c)))
        below = below + sum(power(c[i], c[j]) for j in range(len(c)) if j != i)
        total = total - torch.log(power(c[i], h[i]) / below)
    return total / len(c)


def slow_opt2(c: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Only c seek, among all h."""
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(c)):
        total = total - torch.log(power(c[i], h[i]) / sum(power(c[i], h[j]) for j in range(len(c))))
    return total / len(c)


def slow_opt3(c: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
    """Each layer of a sentence's own, against itself and all layers of all other sentences."""
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(c)):
        for k in range(h.shape[1]):
            right = power(c[i], h[i, k])
            wrong = sum(power(c[i], h[m, n]) for m in range(len(c)) if m != i for n in range(h.shape[1]))
            total = total - torch.log(right / (right + wrong))
    return total / (len(c) * h.shape[1])


SLOW: dict[str, Slow] = {"sg": slow_sg, "opt1": slow_opt1, "opt2": slow_opt2, "opt3": slow_opt3}


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("seed", [0, 2])
def test_losses_and_gradients_are_the_papers(name: str, seed: int) -> None:
    """In float64 equal to the equations written as loops, to 1e-9, and so are the gradients of both sides."""
    shape = (SENTENCES, LAYERS, WIDTH) if name == "opt3" else (SENTENCES, WIDTH)
    generator = torch.Generator().manual_seed(seed)
    c = torch.randn(SENTENCES, WIDTH, generator=generator, dtype=torch.float64, requires_grad=True)
    h = torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
    fast = getattr(losses, name)(normalize(c, dim=-1), normalize(h, dim=-1), TEMPERATURE)
    slow = SLOW[name](c, h)
    torch.testing.assert_close(fast, slow, rtol=0, atol=1e-9)
    for found, expected in zip(
        torch.autograd.grad(fast, (c, h)), torch.autograd.grad(slow, (c, h)), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
        assert expected.abs().max() > 1e-3


def test_one_layer_a_sentence_makes_opt3_opt2() -> None:
    """Where every sentence has a single view both are the softmax over the views of the batch."""
    c, h = vectors(SENTENCES, WIDTH), vectors(SENTENCES, WIDTH, seed=1)
    torch.testing.assert_close(losses.opt3(c, h.unsqueeze(1), 0.1), losses.opt2(c, h, 0.1))


def test_opt2_is_in_batch_ranking() -> None:
    """As sentence-transformers' MultipleNegativesRankingLoss computes it, with scale 1 / temperature."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    c, h = vectors(SENTENCES, WIDTH), vectors(SENTENCES, WIDTH, seed=1)
    judge = MultipleNegativesRankingLoss(SentenceTransformer(modules=[torch.nn.Identity()]), scale=20.0)
    theirs = judge.compute_loss_from_embeddings([c, h], torch.tensor([]))
    torch.testing.assert_close(losses.opt2(c, h, 0.05), theirs, rtol=0, atol=1e-9)


def test_the_distance_is_the_sum_of_squared_differences() -> None:
    """Over all weights that learn; frozen ones add nothing, and the gradient is twice the difference."""
    torch.manual_seed(0)
    tuned, fixed = (torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2)).double() for _ in "ab")
    tuned[0].requires_grad_(False)
    found = losses.distance(tuned, fixed)
    expected = 0.0
    for a, b in zip(tuned[1].parameters(), fixed[1].parameters(), strict=True):
        for x, y in zip(a.flatten().tolist(), b.flatten().tolist(), strict=True):
            expected += (x - y) ** 2
    assert found.item() == pytest.approx(expected, abs=1e-9)
    found.backward()
    torch.testing.assert_close(tuned[1].weight.grad, 2 * (tuned[1].weight - fixed[1].weight).detach())
    assert tuned[0].weight.grad is None


@pytest.mark.parametrize("name", POOLED)
def test_views_are_layers_pooled_over_a_texts_own_tokens(name: str) -> None:
    """The maximum, or the mean, of each dimension over each text's tokens, the embeddings first, padding unseen."""
    lengths = [4, 1, 3]
    mask = torch.tensor([[int(token < length) for token in range(4)] for length in lengths])
    states = [
        torch.randn(3, 4, WIDTH, generator=torch.Generator().manual_seed(layer)).masked_fill(
            mask.unsqueeze(2) == 0, 99.0
        )
        for layer in range(LAYERS)
    ]
    found = Views(name)(states, mask)
    assert found.shape == (3, LAYERS, WIDTH)
    pool = {"max": np.max, "mean": np.mean}[name]
    for text, length in enumerate(lengths):
        for layer in range(LAYERS):
            expected = pool(states[layer][text, :length].numpy(), axis=0)
            np.testing.assert_allclose(found[text, layer], expected, rtol=1e-5)


def test_every_layer_is_drawn_as_often_as_another() -> None:
    """From 0, the embeddings, to the last; within five standard deviations of equal shares; the same by seed."""
    drawn = sampled(np.random.default_rng([7, 0]), 70_000, 6)
    counts = np.bincount(drawn, minlength=7)
    assert len(counts) == 7
    assert np.abs(counts - 10_000).max() < 5 * math.sqrt(70_000 * 1 / 7 * 6 / 7)
    np.testing.assert_array_equal(drawn, sampled(np.random.default_rng([7, 0]), 70_000, 6))


def test_the_head_is_the_papers() -> None:
    """Linear, GELU, Linear, GELU of the declared widths; weights of BERT's spread, biases at 0."""
    torch.manual_seed(0)
    head = Head(64, 256, 0.02)
    first, second = head[0], head[2]
    x = torch.randn(3, 64)
    gelu = torch.nn.functional.gelu
    expected = gelu(gelu(x @ first.weight.T) @ second.weight.T)
    torch.testing.assert_close(head(x), expected)
    assert head(x).shape == (3, 256)
    for layer in (first, second):
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert not layer.bias.any()
