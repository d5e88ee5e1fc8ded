"""The reader's three linear outputs on top of BERT, as a torch module."""

from __future__ import annotations

from typing import Any

import torch

from baselines.encoders.tower import Batch
from baselines.encoders.weights import Weights

OUTPUTS = {"qa_outputs": 2, "qa_classifier": 1}
"""The linear layers by their name in a checkpoint, and how many numbers each gives."""


class SpanHead(torch.nn.Module):
    """Karpukhin et al. 2020, section 6.1: w_start, w_end and w_selected, each an inner product.

    Every token has a start and an end score; the relevance of the whole passage, read off [CLS], stands
    beside each of them. Without `weights` the three are drawn from torch's generator.
    """

    def __init__(self, backbone: Any, weights: Weights | None) -> None:
        super().__init__()
        self.backbone = backbone
        size = backbone.config.hidden_size
        for name, rows in OUTPUTS.items():
            layer = torch.nn.Linear(size, rows)
            if weights is not None:
                layer.load_state_dict(
                    {
                        "weight": weights.tensor(f"span_predictor.{name}.weight", (rows, size)),
                        "bias": weights.tensor(f"span_predictor.{name}.bias", (rows,)),
                    }
                )
            self.add_module(name, layer)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, tokens, 3]: start, end, relevance."""
        hidden = batch.run(self.backbone)
        spans = self.get_submodule("qa_outputs")(hidden)
        relevance = self.get_submodule("qa_classifier")(hidden[:, :1])
        return torch.cat([spans, relevance.expand(-1, hidden.shape[1], -1)], dim=2)
