"""ColBERT's head on every position, as a torch module."""

from __future__ import annotations

from typing import Any

import torch

from baselines.encoders.tower import Batch


class Head(torch.nn.Module):
    """W x, scaled to length 1, for every position x; no bias, no activation."""

    weight: torch.Tensor

    def __init__(self, backbone: Any, weight: torch.Tensor) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("weight", weight)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, tokens, dimension]."""
        projected = torch.nn.functional.linear(batch.run(self.backbone), self.weight)
        return torch.nn.functional.normalize(projected, dim=-1)
