"""BERT's pooler and a single output on top of it, as a torch module."""

from __future__ import annotations

from typing import Any

import torch

from baselines.encoders.tower import Batch


class Head(torch.nn.Module):
    """v . tanh(W x + b) + c of the first token x."""

    pooler: torch.Tensor
    pooler_bias: torch.Tensor
    output: torch.Tensor
    output_bias: torch.Tensor

    def __init__(
        self,
        backbone: Any,
        pooler: torch.Tensor,
        pooler_bias: torch.Tensor,
        output: torch.Tensor,
        output_bias: torch.Tensor,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("pooler", pooler)
        self.register_buffer("pooler_bias", pooler_bias)
        self.register_buffer("output", output)
        self.register_buffer("output_bias", output_bias)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[pairs, 1]."""
        linear = torch.nn.functional.linear
        pooled = torch.tanh(linear(batch.run(self.backbone)[:, 0], self.pooler, self.pooler_bias))
        return linear(pooled, self.output, self.output_bias)
