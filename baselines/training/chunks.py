"""Texts to vectors in training: in chunks of little padding, with exact gradients.

Gradient caching (Gao et al. 2021, Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup): only the
vectors of a chunk are kept, and the chunk is run a second time, with the same dropout, when its gradients are
asked for. Memory is then that of one chunk whatever the batch, at a third more time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch.utils.checkpoint import checkpoint

from baselines.encoders.tower import Tokens, cut, padded

if TYPE_CHECKING:
    from baselines.encoders.tower import Batch

CHUNK_TOKENS = {"cpu": 4_096, "cuda": 65_536}
"""Padded tokens of a chunk."""


def vectors_of(
    model: torch.nn.Module, texts: Sequence[Tokens], padding: int, *, cached: bool, tokens: int = 0
) -> torch.Tensor:
    """`model` over `texts`, in chunks of at most `tokens` padded tokens: float[texts, dimension].

    `cached` trades a third more time for memory that does not grow with the texts.
    """
    device = next(model.parameters()).device
    order = sorted(range(len(texts)), key=lambda place: -len(texts[place].ids))
    found = []
    for places in cut(order, texts, tokens or CHUNK_TOKENS[device.type]):
        batch = padded([texts[place] for place in places], padding, device)
        found.append(_again(model, batch) if cached and torch.is_grad_enabled() else model(batch))
    back = torch.empty(len(order), dtype=torch.long, device=device)
    back[torch.tensor(order, device=device)] = torch.arange(len(order), device=device)
    return torch.cat(found)[back]


def _again(model: torch.nn.Module, batch: Batch) -> torch.Tensor:
    # Checkpointing a whole chunk is gradient caching: nothing of it is kept but its vectors.
    again: torch.Tensor = checkpoint(model, batch, use_reentrant=False)
    return again


def read(texts: Sequence[Tokens]) -> int:
    """The tokens of texts, padding left out."""
    return sum(len(text.ids) for text in texts)
