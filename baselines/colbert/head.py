"""ColBERT's head on every position, as a torch module."""

from __future__ import annotations

from typing import Any

import torch

from baselines.encoders.tower import Batch


class Head(torch.nn.Module):
    """W x for every position x, scaled to length 1 where `normalised`; no bias, no activation."""

    def __init__(self, backbone: Any, weight: torch.Tensor, normalised: bool = True) -> None:
        super().__init__()
        self.backbone = backbone
        self.weight = torch.nn.Parameter(weight)
        self._normalised = normalised

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, tokens, dimension]."""
        projected = torch.nn.functional.linear(batch.run(self.backbone), self.weight)
        return torch.nn.functional.normalize(projected, dim=-1) if self._normalised else projected
