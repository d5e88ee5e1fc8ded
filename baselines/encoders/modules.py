"""Models on top of a backbone that several papers share, as torch modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from baselines.encoders.pooling import Pooling
from baselines.encoders.tower import Batch


class Pooled(torch.nn.Module):
    """A backbone and a pooling of its last layer; scaled to length 1 where `normalised`."""

    def __init__(self, backbone: Any, pooling: Pooling, normalised: bool) -> None:
        super().__init__()
        self.backbone, self._pooling, self._normalised = backbone, pooling, normalised

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        vectors = self._pooling(batch.run(self.backbone), batch.kept)
        return torch.nn.functional.normalize(vectors, dim=1) if self._normalised else vectors


class LayersPooled(torch.nn.Module):
    """A backbone and a pooling of all its layers, the embeddings first."""

    def __init__(
        self, backbone: Any, pooling: Callable[[Sequence[torch.Tensor], torch.Tensor], torch.Tensor]
    ) -> None:
        super().__init__()
        self.backbone, self._pooling = backbone, pooling

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        return self._pooling(batch.layers(self.backbone), batch.attended)


class Projected(torch.nn.Module):
    """W x + b of another model's vector x."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, model: torch.nn.Module, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        return torch.nn.functional.linear(self.model(batch), self.weight, self.bias)


class Scaled(torch.nn.Module):
    """Another model's vectors, scaled to length 1."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        return torch.nn.functional.normalize(self.model(batch), dim=1)
