"""BERT-flow (Li et al. 2020, arXiv 2011.05864): vectors mapped, one to one, to where they look drawn from a Gaussian.

A vector z is taken for f(u), u from N(0, I), and replaced by u = f^-1(z). f^-1 is learnt by maximum likelihood,
log p(z) = log N(f^-1(z)) + log |det df^-1(z)/dz|, from unlabelled sentences; the encoder stays as it is. It is made of
steps of Glow (Kingma and Dhariwal 2018), as the paper simplifies them: each dimension is shifted and scaled, the
dimensions change places, and a small network of the first half is added to the second. Of these only the scales change
volumes.

These simplifications, one epoch and the learning rate are recalled from the paper, not checked in it. The width and the number of steps are ours, and a flow of one
scale stands where Glow has levels.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

import numpy as np
import torch

from baselines.sg_opt.fitted import Fitted, Learnt, Map
from benchmarks.errors import EvaluationError
from benchmarks.interfaces import FloatArray

STEPS, WIDTH = 9, 32
BATCH, LEARNING_RATE, CLIP, SEED = 32, 1e-3, 1.0, 0
FITTED_ON = 50_000
"""Documents, whose vectors are held in memory."""
_NARROWEST = 1e-6


class Flow(torch.nn.Module):
    """f^-1 for vectors of a dimension, of `steps` steps; begins as permutations alone."""

    def __init__(self, dimension: int, steps: int = STEPS, width: int = WIDTH) -> None:
        super().__init__()
        self.first: int = dimension // 2
        other = dimension - self.first
        self.orders: torch.Tensor
        self.register_buffer("orders", torch.stack([torch.randperm(dimension) for _ in range(steps)]))
        self.shifts = torch.nn.Parameter(torch.zeros(steps, dimension))
        self.log_scales = torch.nn.Parameter(torch.zeros(steps, dimension))
        self.inner = torch.nn.Parameter(torch.randn(steps, self.first, width) / max(1, self.first) ** 0.5)
        self.inner_bias = torch.nn.Parameter(torch.zeros(steps, width))
        self.outer = torch.nn.Parameter(torch.zeros(steps, width, other))
        self.outer_bias = torch.nn.Parameter(torch.zeros(steps, other))

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """u for z [n, dimension]."""
        for step in range(len(self.shifts)):
            vectors = self._after(step, vectors)
        return vectors

    def loss(self, vectors: torch.Tensor) -> torch.Tensor:
        """Minus the mean log-likelihood of vectors [n, dimension], less its constant."""
        found: torch.Tensor = 0.5 * self(vectors).square().sum(dim=1).mean() - self.log_scales.sum()
        return found

    @torch.no_grad()
    def normalise(self, vectors: torch.Tensor) -> None:
        """Choose shifts and scales so that behind each the vectors [n, dimension] have mean 0 and deviation 1."""
        for step in range(len(self.shifts)):
            self.shifts[step] = -vectors.mean(dim=0)
            self.log_scales[step] = -vectors.std(dim=0, correction=0).clamp_min(_NARROWEST).log()
            vectors = self._after(step, vectors)

    def _after(self, step: int, vectors: torch.Tensor) -> torch.Tensor:
        scaled = (vectors + self.shifts[step]) * self.log_scales[step].exp()
        vectors = scaled[:, self.orders[step]]
        kept, moved = vectors[:, : self.first], vectors[:, self.first :]
        hidden = torch.relu(kept @ self.inner[step] + self.inner_bias[step])
        return torch.cat([kept, moved + hidden @ self.outer[step] + self.outer_bias[step]], dim=1)


class Flowed(Fitted):
    """An encoder whose vectors go through a flow."""

    fitted_on = FITTED_ON
    names = ("orders", "shifts", "log_scales", "inner", "inner_bias", "outer", "outer_bias")
    conventions = MappingProxyType(
        {
            "flow": f"fitted on the collection's first {FITTED_ON:,} documents, once each", "flow_seed": SEED,
            "flow_steps": STEPS, "flow_width": WIDTH, "flow_batch": BATCH, "flow_learning_rate": LEARNING_RATE,
            "flow_clip": CLIP,
        }
    )  # fmt: skip

    def learn(self, batches: Iterable[FloatArray]) -> Learnt:
        """One epoch, in an order and from a start that are always the same. Raises `EvaluationError` for one vector."""
        found = list(batches)
        if sum(map(len, found)) < 2:
            raise EvaluationError("a flow has nothing to learn from: fewer than two documents")
        with torch.random.fork_rng():
            torch.manual_seed(SEED)
            learnt = trained(torch.from_numpy(np.concatenate(found)).float())
        return {name: tensor.numpy() for name, tensor in learnt.state_dict().items()}

    def opened(self, learnt: Learnt) -> Map:
        """float32[n, dimension]."""
        with torch.random.fork_rng():
            flow = Flow(learnt["shifts"].shape[1])
        flow.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in learnt.items()})

        def mapped(vectors: FloatArray) -> FloatArray:
            with torch.inference_mode():
                found: FloatArray = flow(torch.from_numpy(vectors)).numpy()
            return found

        return mapped


def trained(vectors: torch.Tensor) -> Flow:
    """A flow that was trained on vectors [n, dimension] for an epoch, drawn and ordered by torch's generator."""
    flow = Flow(vectors.shape[1])
    flow.normalise(vectors)
    optimizer = torch.optim.Adam(flow.parameters(), LEARNING_RATE)
    for places in torch.split(torch.randperm(len(vectors)), BATCH):
        flow.loss(vectors[places]).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(flow.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad()
    return flow
