"""What a sentence is compared with in training (Kim, Yoo and Lee 2021, section 3): the layers of BERT_F.

A view h_{i,k} is layer k of sentence i pooled over its tokens, for k from 0, the embeddings, to the last. The paper pools
by the maximum; the released code's default is the mean. In training alone, all vectors go through one head.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.encoders.pooling import Pooling, mean


def maximum(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The largest value of each dimension over the tokens of `mask`."""
    return hidden.masked_fill(mask.unsqueeze(2) == 0, float("-inf")).amax(dim=1)


POOLED: Mapping[str, Pooling] = MappingProxyType({"max": maximum, "mean": mean})


class Views:
    """All layers, each pooled alike: float[texts, layers + 1, dimension]."""

    def __init__(self, pooling: str) -> None:
        self._pooling = POOLED[pooling]

    def __call__(self, hidden_states: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
        """Of hidden states that begin with the embeddings, each [texts, tokens, dimension]."""
        return torch.stack([self._pooling(layer, mask) for layer in hidden_states], dim=1)


def sampled(rng: np.random.Generator, sentences: int, layers: int) -> NDArray[np.int64]:
    """The sampler: a layer for each sentence, every layer of 0 to `layers` as likely."""
    return rng.integers(layers + 1, size=sentences)


class Head(torch.nn.Sequential):
    """The projection head: Linear, GELU, Linear, GELU, drawn as BERT's own weights are; biases begin at 0."""

    def __init__(self, width: int, head_width: int, spread: float) -> None:
        layers = [torch.nn.Linear(width, head_width), torch.nn.Linear(head_width, head_width)]
        super().__init__(layers[0], torch.nn.GELU(), layers[1], torch.nn.GELU())
        for layer in layers:
            torch.nn.init.normal_(layer.weight, std=spread)
            torch.nn.init.zeros_(layer.bias)
