"""ANCE's head on RoBERTa's first token, as a torch module."""

from __future__ import annotations

from typing import Any

import torch

from baselines.encoders.tower import Batch

NAMES = {
    "weight": "embeddingHead.weight", "bias": "embeddingHead.bias", "scale": "norm.weight", "shift": "norm.bias",
}  # fmt: skip
"""What the head's tensors are called in the released files."""


class Head(torch.nn.Module):
    """LayerNorm(W x + b) of the first token x."""

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
        self.weight, self.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
        self.scale, self.shift = torch.nn.Parameter(scale), torch.nn.Parameter(shift)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        projected = torch.nn.functional.linear(batch.run(self.backbone)[:, 0], self.weight, self.bias)
        return torch.nn.functional.layer_norm(
            projected, projected.shape[-1:], self.scale, self.shift, eps=1e-5
        )


def drawn(backbone: Any) -> Head:
    """A head that has learnt nothing: W as the backbone's own layers are drawn, from torch's generator."""
    hidden = backbone.config.hidden_size
    weight = torch.empty(hidden, hidden).normal_(std=backbone.config.initializer_range)
    return Head(backbone, weight, torch.zeros(hidden), torch.ones(hidden), torch.zeros(hidden))
