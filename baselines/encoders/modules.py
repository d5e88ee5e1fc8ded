"""Models on top of a backbone that several papers share, as torch modules."""

from __future__ import annotations

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
        vectors = self._pooling(batch.run(self.backbone), batch.attended)
        return torch.nn.functional.normalize(vectors, dim=1) if self._normalised else vectors
