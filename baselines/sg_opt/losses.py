"""SG-OPT's losses (Kim, Yoo and Lee 2021, section 3): a sentence's vector is drawn to its own hidden layers.

c_i is what BERT_T makes of sentence i, h_{i,k} layer k of BERT_F, both behind the projection head. They are given as
vectors of length 1, so that inner products are cosines: `c` float[sentences, dimension], `h` the same for one
layer a sentence, or float[sentences, layers, dimension] for all. Every loss is a mean, and needs two sentences or more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch

from baselines.training.losses import contrastive


def sg(c: torch.Tensor, h: torch.Tensor, temperature: float) -> torch.Tensor:
    """The base: NT-Xent (Chen et al. 2020) over the 2b vectors c and h, each to find its other among all others."""
    both = torch.cat([c, h])
    itself = torch.eye(len(both), dtype=torch.bool, device=c.device)
    other = torch.arange(len(both), device=c.device).roll(len(c))
    return contrastive(both, both, other, temperature, forbidden=itself)


def opt1(c: torch.Tensor, h: torch.Tensor, temperature: float) -> torch.Tensor:
    """The first change: only c seek. -log of c_i h_i against all h and all other c."""
    own = torch.arange(len(c), device=c.device)
    itself = torch.zeros(len(c), 2 * len(c), dtype=torch.bool, device=c.device)
    itself[own, len(c) + own] = True
    return contrastive(c, torch.cat([h, c]), own, temperature, forbidden=itself)


def opt2(c: torch.Tensor, h: torch.Tensor, temperature: float) -> torch.Tensor:
    """The second: c are no negatives of c either. -log of c_i h_i against all h."""
    return contrastive(c, h, torch.arange(len(c), device=c.device), temperature)


def opt3(c: torch.Tensor, h: torch.Tensor, temperature: float) -> torch.Tensor:
    """The third, SG-OPT's: every layer is a view. -log of c_i h_{i,k} against itself and all layers of the others.

    The mean runs over sentences and layers; a sentence's other layers are no negatives of it.
    """
    scores = torch.einsum("id,jkd->ijk", c, h) / temperature
    own = torch.eye(len(c), dtype=torch.bool, device=c.device)
    right = scores[own]
    wrong = scores.masked_fill(own.unsqueeze(2), float("-inf")).flatten(1).logsumexp(dim=1, keepdim=True)
    return (torch.logaddexp(right, wrong) - right).mean()


SAMPLED: Mapping[str, Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]] = MappingProxyType(
    {"sg": sg, "opt1": opt1, "opt2": opt2}
)
"""The losses that see one layer of each sentence, drawn anew at each step."""


def distance(tuned: torch.nn.Module, fixed: torch.nn.Module) -> torch.Tensor:
    """The regulariser: ||BERT_F - BERT_T||^2, the squares of all differences of weights, summed."""
    pairs = zip(tuned.parameters(), fixed.parameters(), strict=True)
    apart = [torch.nn.functional.mse_loss(a, b, reduction="sum") for a, b in pairs if a.requires_grad]
    return torch.stack(apart).sum()
