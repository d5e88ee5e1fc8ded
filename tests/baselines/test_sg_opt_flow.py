"""BERT-flow: one to one, with the right volume, likelier after an epoch, and kept."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.sg_opt.flow import Flow, Flowed, trained
from benchmarks.errors import EvaluationError
from tests.baselines.test_sg_opt import HashEncoder, documents


@pytest.fixture
def flow() -> Flow:
    """Of five dimensions, an odd number, and four steps, all of it drawn anew in float64."""
    torch.manual_seed(0)
    made = Flow(5, steps=4, width=3).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter) / 2)
    return made


def undone(flow: Flow, row: torch.Tensor, step: int) -> torch.Tensor:
    """What a step was given, from what it gave."""
    kept, moved = row[:2], row[2:]
    hidden = torch.relu(kept @ flow.inner[step] + flow.inner_bias[step])
    before = torch.empty_like(row)
    before[flow.orders[step]] = torch.cat([kept, moved - hidden @ flow.outer[step] - flow.outer_bias[step]])
    return before / flow.log_scales[step].exp() - flow.shifts[step]


def back(flow: Flow, mapped: torch.Tensor) -> torch.Tensor:
    """f: what each step does is undone, last step first, vector by vector."""
    steps = reversed(range(len(flow.shifts)))
    for step in steps:
        mapped = torch.stack([undone(flow, row, step) for row in mapped])
    return mapped


def test_no_vector_is_lost(flow: Flow) -> None:
    """Undoing the steps gives back what went in."""
    vectors = torch.randn(20, 5, dtype=torch.float64)
    torch.testing.assert_close(back(flow, flow(vectors)), vectors, atol=1e-9, rtol=0)


def test_the_loss_is_the_likelihood(flow: Flow) -> None:
    """Minus log N(u) and the logarithm of the Jacobian's determinant, which autograd makes, less the constant."""
    vectors = torch.randn(6, 5, dtype=torch.float64)
    expected = []
    for vector in vectors:
        jacobian = torch.autograd.functional.jacobian(lambda z: flow(z[None])[0], vector)
        density = torch.distributions.MultivariateNormal(
            torch.zeros(5, dtype=torch.float64), torch.eye(5, dtype=torch.float64)
        ).log_prob(flow(vector[None])[0])
        expected.append(-(density + torch.linalg.slogdet(jacobian).logabsdet))
    constant = 5 / 2 * math.log(2 * math.pi)
    assert flow.loss(vectors).item() == pytest.approx(
        torch.stack(expected).mean().item() - constant, abs=1e-9
    )


def curved(count: int) -> torch.Tensor:
    """Vectors on a bent sheet, far from the origin, which no linear map makes Gaussian."""
    across = torch.randn(count, 4)
    return torch.cat([across, across.square() + 0.1 * torch.randn(count, 4)], dim=1) * 3 + 40


def test_an_epoch_makes_unseen_vectors_likelier() -> None:
    """Than shifts and scales alone do, which every step begins with."""
    torch.manual_seed(1)
    seen, unseen = curved(20_000), curved(500)
    begun = Flow(8)
    begun.normalise(seen)
    before = begun(seen)
    torch.testing.assert_close(before.mean(dim=0), torch.zeros(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(before.std(dim=0), torch.ones(8), atol=1e-2, rtol=0)
    assert trained(seen).loss(unseen) < begun.loss(unseen) - 1


def test_what_was_learnt_is_kept(tmp_path: Path) -> None:
    """A second encoder opens the folder, reads no document, and gives the same vectors; learning again does too."""
    first, second, third = (Flowed(HashEncoder()) for _ in range(3))
    first.fit(documents(60), tmp_path / "one")
    second.fit([], tmp_path / "one")
    third.fit(documents(60), tmp_path / "two")
    vectors = first.encode_documents(documents(60))
    assert vectors.dtype == np.float32 and np.isfinite(vectors).all()
    np.testing.assert_array_equal(second.encode_documents(documents(60)), vectors)
    np.testing.assert_array_equal(third.encode_documents(documents(60)), vectors)


def test_one_document_is_too_few(tmp_path: Path) -> None:
    """One line."""
    with pytest.raises(EvaluationError, match="fewer than two documents"):
        Flowed(HashEncoder()).fit(documents(1), tmp_path)
