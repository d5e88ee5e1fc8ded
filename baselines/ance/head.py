"""ANCE's head on RoBERTa's first token, as a torch module."""

from __future__ import annotations

from typing import Any

import torch

from baselines.encoders.tower import Batch


class Head(torch.nn.Module):
    """LayerNorm(W x + b) of the first token x."""

    weight: torch.Tensor
    bias: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor

    def __init__(
        self,
        backbone: Any,
        weight: torch.Tensor,
        bias: torch.Tensor,
        scale: torch.Tensor,
        shift: torch.Tensor,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        for name, tensor in (("weight", weight), ("bias", bias), ("scale", scale), ("shift", shift)):
            self.register_buffer(name, tensor)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        projected = torch.nn.functional.linear(batch.run(self.backbone)[:, 0], self.weight, self.bias)
        return torch.nn.functional.layer_norm(
            projected, projected.shape[-1:], self.scale, self.shift, eps=1e-5
        )
