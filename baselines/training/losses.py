"""Losses that several papers share: of contrast, and of distillation."""

from __future__ import annotations

import torch
from torch.nn.functional import kl_div, log_softmax, softmax


def contrastive(
    queries: torch.Tensor,
    documents: torch.Tensor,
    positives: torch.Tensor,
    temperature: float = 1.0,
    log_frequency: torch.Tensor | None = None,
    forbidden: torch.Tensor | None = None,
) -> torch.Tensor:
    """The mean of -log softmax(q.d / temperature) at each query's positive, over all of `documents`.

    `queries` [n, dimension], `documents` [m, dimension], `positives` long[n] places among the documents. InfoNCE
    (van den Oord et al. 2018, equation 4); with one document a query it is the loss over in-batch negatives. With
    `log_frequency` [m], the log of how often each document is drawn, it is the sampled softmax (Bengio and
    Senecal 2008): drawn in proportion to that, documents stand for all documents without bias.
    `forbidden`, bool[n, m], are no negatives.
    """
    scores = queries @ documents.T / temperature
    if log_frequency is not None:
        scores = scores - log_frequency
    return likelihood(scores, positives, forbidden)


def likelihood(
    scores: torch.Tensor, positives: torch.Tensor, forbidden: torch.Tensor | None = None
) -> torch.Tensor:
    """The mean of -log softmax(scores) at each query's positive, over the candidates that are not forbidden.

    `scores` [n, m], `positives` long[n] places among the candidates, `forbidden` bool[n, m].
    """
    if forbidden is not None:
        scores = scores.masked_fill(forbidden, float("-inf"))
    return torch.nn.functional.cross_entropy(scores, positives)


def divergence(
    student: torch.Tensor, taught: torch.Tensor, forbidden: torch.Tensor | None = None
) -> torch.Tensor:
    """KL(teacher || student) of scores [queries, candidates], each turned into shares, averaged over the queries.

    `forbidden`, bool[queries, candidates], have no share.
    """
    if forbidden is not None:
        lowest = torch.finfo(student.dtype).min  # not infinity, of which nothing times it is no number
        student, taught = student.masked_fill(forbidden, lowest), taught.masked_fill(forbidden, lowest)
    return kl_div(log_softmax(student, dim=1), softmax(taught, dim=1), reduction="batchmean")


def hit_rate(scores: torch.Tensor, positives: torch.Tensor) -> float:
    """How many queries score their own candidate highest, of 1; `scores` [n, m], `positives` long[n]."""
    return float((scores.detach().argmax(dim=1) == positives).float().mean())
