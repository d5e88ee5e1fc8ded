"""Towers that were trained by Euclidean distance, for an index that ranks by inner product."""

from __future__ import annotations

import torch

from baselines.encoders.dual import SIDES
from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Batch
from baselines.encoders.weights import Weights


class ByDistance(torch.nn.Module):
    """One coordinate more than another model's vectors: (q, 1) for questions, (p, -|p|^2 / 2) for passages.

    Their inner product is (|q|^2 - |q - p|^2) / 2: of one question the nearest passage has the highest.
    """

    def __init__(self, model: torch.nn.Module, *, questions: bool) -> None:
        super().__init__()
        self.model, self._questions = model, questions

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension + 1]."""
        vectors: torch.Tensor = self.model(batch)
        squares = vectors.square().sum(dim=1, keepdim=True)
        more = torch.ones_like(squares) if self._questions else -squares / 2
        return torch.cat([vectors, more], dim=1)


def by_distance(pooling: str, weights: Weights, side: str) -> ByDistance:
    """The tower of a side as `DualEncoder` wants it built."""
    pooled = Pooled(weights.backbone(f"{side}.bert_model."), POOLINGS[pooling], normalised=False)
    return ByDistance(pooled, questions=side == SIDES[0])
