"""LAMB against the algorithm written out, number by number; and that the loop takes it."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.training import loop
from baselines.training.lamb import Lamb
from baselines.training.loop import optimizer_of, train
from benchmarks.errors import UsageError
from tests.baselines.training.made import QUIET
from tests.baselines.training.test_loop import PLAIN, Line

NUMBERS = st.floats(-3, 3, allow_subnormal=False)


def restated(
    weights: list[float], gradients: list[list[float]], rate: float, betas: tuple[float, float], decay: float
) -> list[float]:
    """Algorithm 2 of You et al. 2020, with lists: one layer, epsilon 1e-6, phi the identity."""
    m, v = [0.0] * len(weights), [0.0] * len(weights)
    for t, g in enumerate(gradients, 1):
        m = [betas[0] * a + (1 - betas[0]) * b for a, b in zip(m, g, strict=True)]
        v = [betas[1] * a + (1 - betas[1]) * b * b for a, b in zip(v, g, strict=True)]
        m_hat, v_hat = [a / (1 - betas[0] ** t) for a in m], [a / (1 - betas[1] ** t) for a in v]
        r = [a / (sqrt(b) + 1e-6) for a, b in zip(m_hat, v_hat, strict=True)]
        u = [a + decay * x for a, x in zip(r, weights, strict=True)]
        long, moved = sqrt(sum(x * x for x in weights)), sqrt(sum(a * a for a in u))
        ratio = long / moved if long > 0 and moved > 0 else 1.0
        weights = [x - rate * ratio * a for x, a in zip(weights, u, strict=True)]
    return weights


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(NUMBERS, min_size=3, max_size=3),
    gradients=st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=5),
    decay=st.sampled_from([0.0, 0.1]),
)
def test_steps_are_those_of_the_algorithm(
    weights: list[float], gradients: list[list[float]], decay: float
) -> None:
    """In float64 to 1e-9, tensors of zeros and gradients of zeros included."""
    parameter = torch.nn.Parameter(torch.tensor(weights, dtype=torch.float64))
    optimizer = Lamb([{"params": [parameter], "weight_decay": decay}], 0.1, (0.8, 0.95))
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    expected = torch.tensor(restated(weights, gradients, 0.1, (0.8, 0.95), decay), dtype=torch.float64)
    torch.testing.assert_close(parameter.detach(), expected, atol=1e-9, rtol=1e-9)


def test_a_step_is_as_long_as_the_rate_times_the_tensor() -> None:
    """Each tensor by itself, whatever its gradient's size; one without a gradient stays."""
    big, small, still = (torch.nn.Parameter(torch.full((4, 4), size)) for size in (100.0, 0.01, 1.0))
    optimizer = Lamb([big, small, still], 0.02)
    big.grad, small.grad = torch.randn(4, 4) * 1e-4, torch.randn(4, 4) * 1e4
    before = [parameter.detach().clone() for parameter in (big, small, still)]
    optimizer.step()
    for parameter, old in zip((big, small), before, strict=False):
        assert float((parameter.detach() - old).norm() / old.norm()) == pytest.approx(0.02, rel=1e-4)
    assert torch.equal(still, before[2])


def test_the_recipe_names_the_optimizer() -> None:
    """`optimizer` is the objective's key: recipes that say nothing are what they were, and take AdamW."""
    model = torch.nn.Linear(3, 2)
    recipe = replace(PLAIN, objective={"optimizer": "lamb"}, weight_decay=0.3, epsilon=1e-5)
    found = optimizer_of(model, recipe)
    assert isinstance(found, Lamb)
    assert [group["weight_decay"] for group in found.param_groups] == [0.3, 0.0]
    assert {group["eps"] for group in found.param_groups} == {1e-5}
    assert isinstance(optimizer_of(model, PLAIN), torch.optim.AdamW)
    assert "optimizer" not in PLAIN.to_json()
    with pytest.raises(UsageError, match="no optimizer 'lars' in the recipe; known: adamw, lamb"):
        optimizer_of(model, replace(PLAIN, objective={"optimizer": "lars"}))


def test_a_killed_training_goes_on_with_lambs_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights of one that never was, bit for bit."""
    recipe = replace(PLAIN, objective={"optimizer": "lamb"}, steps=8)
    whole, killed, again = Line(), Line(), Line()
    train(whole, recipe, 0, tmp_path / "whole", QUIET)
    monkeypatch.setattr(loop, "SAVED_EVERY", 0.0)
    good = killed.loss

    def dies(step: int) -> object:
        if step == 5:
            raise KeyboardInterrupt
        return good(step)

    monkeypatch.setattr(killed, "loss", dies)
    (tmp_path / "killed").mkdir()
    with pytest.raises(KeyboardInterrupt):
        train(killed, recipe, 0, tmp_path / "killed", QUIET)
    train(again, recipe, 0, tmp_path / "killed", QUIET)
    assert again.seen == [5, 6, 7]
    for one, two in zip(whole.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, two)
