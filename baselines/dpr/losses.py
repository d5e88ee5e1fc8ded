"""How alike a question and a passage are, and what is learnt from it (Karpukhin et al. 2020).

The paper's choice is the inner product (equation 1) with the negative log-likelihood of the positive passage
(equation 2). Appendix B tries the Euclidean distance, negated where it goes into the softmax, and the triplet loss with
a margin of 1; the cosine is named in section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch.nn.functional import normalize, relu

from baselines.training.losses import likelihood

MARGIN = 1.0


def dot(asked: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Equation 1: inner products [questions, passages] of vectors [questions, dimension], [passages, dimension]."""
    return asked @ found.T


def cosine(asked: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Inner products of directions."""
    return normalize(asked, dim=1) @ normalize(found, dim=1).T


def distance(asked: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
    """Minus the Euclidean distances."""
    return -torch.cdist(asked, found)


def nll(scores: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
    """Equation 2: minus the log of the positive's share of a softmax, averaged over the questions.

    `scores` [questions, passages], question i answered by passage i; `forbidden`, bool of that shape, are no negatives.
    """
    return likelihood(scores, torch.arange(len(scores), device=scores.device), forbidden)


def triplet(scores: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
    """How far each negative is from scoring `MARGIN` less than the positive, averaged over all pairs of the two."""
    right = scores.diagonal()[:, None]
    compared = ~forbidden
    compared.fill_diagonal_(False)
    return relu(MARGIN - right + scores)[compared].mean()


Similarity = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
SIMILARITIES: Mapping[str, Similarity] = MappingProxyType({"dot": dot, "cosine": cosine, "l2": distance})
LOSSES: Mapping[str, Similarity] = MappingProxyType({"nll": nll, "triplet": triplet})
