"""Masked language modelling: which tokens are hidden, and the head that guesses them.

Devlin et al. 2019, section 3.1: of the tokens chosen, 80 % become [MASK], 10 % another token, 10 % stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from baselines.encoders.tower import Tokens

IGNORED = -100
"""The label of a position that is not guessed, as torch's cross entropy has it."""


def masked(
    texts: Sequence[Tokens], rate: float, tokenizer: Any, rng: np.random.Generator
) -> tuple[list[Tokens], list[list[int]]]:
    """The texts with some tokens hidden, and for each position what stood there, or `IGNORED`.

    Special tokens are never chosen; a share `rate` of the others is, at least one of each text.
    """
    hidden, labels = [], []
    special = np.asarray(tokenizer.all_special_ids)
    for text in texts:
        ids = np.asarray(text.ids)
        places = np.flatnonzero(~np.isin(ids, special))
        chosen = rng.permutation(places)[: max(1, round(rate * len(places)))]
        label = np.full(len(ids), IGNORED)
        label[chosen] = ids[chosen]
        luck = rng.random(len(chosen))
        ids[chosen[luck < 0.8]] = tokenizer.mask_token_id
        others = chosen[luck >= 0.9]
        ids[others] = rng.integers(len(tokenizer), size=len(others))
        hidden.append(Tokens(ids.tolist()))
        labels.append(label.tolist())
    return hidden, labels


class Head(torch.nn.Module):
    """BERT's masked-LM head: a dense layer, a norm, and the word embeddings again as the output layer."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        width = backbone.config.hidden_size
        self.dense = torch.nn.Linear(width, width)
        self.norm = torch.nn.LayerNorm(width, eps=backbone.config.layer_norm_eps)
        self.bias = torch.nn.Parameter(torch.zeros(backbone.config.vocab_size))
        torch.nn.init.normal_(self.dense.weight, std=backbone.config.initializer_range)
        torch.nn.init.zeros_(self.dense.bias)

    def forward(self, hidden: torch.Tensor, embeddings: torch.Tensor) -> torch.Tensor:
        """Hidden states [positions, width] and word embeddings [pieces, width] to logits [positions, pieces]."""
        turned = self.norm(torch.nn.functional.gelu(self.dense(hidden)))
        return torch.nn.functional.linear(turned, embeddings, self.bias)


def guess_loss(
    head: Head, hidden: torch.Tensor, labels: torch.Tensor, backbone: Any
) -> tuple[torch.Tensor, torch.Tensor]:
    """The summed cross entropy at the labelled positions, and how many those are.

    `hidden` [texts, tokens, width], `labels` [texts, tokens]. Logits are computed where there is a label and nowhere else.
    """
    wanted = labels != IGNORED
    logits = head(hidden[wanted], backbone.embeddings.word_embeddings.weight)
    return torch.nn.functional.cross_entropy(logits, labels[wanted], reduction="sum"), wanted.sum()


def padded_labels(labels: Sequence[Sequence[int]], device: Any) -> torch.Tensor:
    """Labels side by side, long[texts, tokens], with nothing to guess in the padding."""
    longest = max(map(len, labels))
    return torch.tensor([[*row, *[IGNORED] * (longest - len(row))] for row in labels], device=device)
