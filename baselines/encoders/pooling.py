"""From the last layer to one vector: the mean over a text's tokens, or its first token."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Pooling = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Hidden states [texts, tokens, dimension] and a mask [texts, tokens] to [texts, dimension]."""


def mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens of `mask`."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def first(hidden: torch.Tensor, _mask: torch.Tensor) -> torch.Tensor:
    """The first token: [CLS] of BERT, <s> of RoBERTa."""
    return hidden[:, 0]


POOLINGS: dict[str, Pooling] = {"mean": mean, "first token": first}
