"""From several layers of BERT to one vector: rows of SG-OPT's Table 1 that are not tuned.

Each function takes the hidden states, a sequence of layers + 1 tensors [texts, tokens, dimension] that
begins with the embeddings, and a mask [texts, tokens] that is 1 up to the last token of a text and 0
after it; it gives [texts, dimension].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from baselines.encoders.pooling import mean
from benchmarks.errors import EvaluationError

if TYPE_CHECKING:
    import torch

LayerPooling = Callable[[Sequence["torch.Tensor"], "torch.Tensor"], "torch.Tensor"]
WK_FIRST_LAYER = 4
"""SBERT-WK leaves out the embeddings and the three layers above them."""
WK_WINDOW = 2
"""Layers on either side that a layer is compared with."""


def mean_of_last_two(hidden_states: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """The mean over a text's tokens, averaged over the last two layers."""
    return mean((hidden_states[-1] + hidden_states[-2]) / 2, mask)


def wk(hidden_states: Sequence[torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """SBERT-WK (Wang and Kuo 2020, arXiv 2002.06652, the section on the method), without training.

    A word's vector is a weighted sum of its layers: layers unlike their neighbours (inverse alignment),
    and layers with a component outside the neighbours' span (novelty), weigh more, in equal parts. A
    sentence's vector is the sum of its words', weighted by how much a word changes from layer to layer.

    As in the authors' code the layers begin with the fourth, and the last token, [SEP], is left out. Where
    code and paper differ, this is the paper: alignment is with the whole vector (theirs: with its part
    inside the neighbours' span), and at the ends a window holds the layers there are (theirs: the first
    two layers have none on the left). Raises `EvaluationError` for a model of too few layers.
    """
    import torch

    if len(hidden_states) < WK_FIRST_LAYER + 3:
        raise EvaluationError(
            f"WK pooling compares layers {WK_FIRST_LAYER} to the last and needs three; the model has "
            f"{len(hidden_states) - 1}"
        )
    words = mask.bool()
    words = words & torch.roll(words, -1, dims=1)
    words[:, -1] = False
    # [words of all texts, layers, dimension]
    layers = torch.stack(list(hidden_states[WK_FIRST_LAYER:]), dim=2)[words]
    unit = torch.nn.functional.normalize(layers, dim=2)
    alike = unit @ unit.transpose(1, 2)
    weights = (_shares(_inverse_alignment(alike)) + _shares(_novelty(layers))) / 2
    vectors = (weights.unsqueeze(2) * layers).sum(dim=1)
    change = alike.diagonal(offset=1, dim1=1, dim2=2).var(dim=1, correction=0)
    importance = torch.zeros(mask.shape, dtype=change.dtype, device=mask.device)
    importance[words] = change
    text = torch.nonzero(words)[:, 0]
    share = _shares(importance)[words].unsqueeze(1)
    pooled = torch.zeros_like(hidden_states[-1][:, 0])
    return pooled.index_add(0, text, share * vectors)


def _neighbours(layer: int, layers: int) -> list[int]:
    window = range(max(0, layer - WK_WINDOW), min(layers, layer + WK_WINDOW + 1))
    return [other for other in window if other != layer]


def _inverse_alignment(alike: torch.Tensor) -> torch.Tensor:
    """One over the mean cosine of a layer with its neighbours, [words, layers]."""
    import torch

    layers = alike.shape[1]
    return torch.stack(
        [1 / alike[:, layer, _neighbours(layer, layers)].mean(dim=1) for layer in range(layers)], dim=1
    )


def _novelty(layers: torch.Tensor) -> torch.Tensor:
    """The part of a layer's length that is outside the span of its neighbours, [words, layers].

    By QR, as the paper advises for speed: in the basis of the neighbours and then the layer itself, the layer's last
    coordinate is what is new in it.
    """
    import torch

    parts = []
    for layer in range(layers.shape[1]):
        window = layers[:, [*_neighbours(layer, layers.shape[1]), layer]].transpose(1, 2)
        coordinates = torch.linalg.qr(window, mode="r").R[:, :, -1]
        parts.append(coordinates[:, -1].abs() / coordinates.norm(dim=1))
    return torch.stack(parts, dim=1)


def _shares(values: torch.Tensor) -> torch.Tensor:
    """Each row divided by its sum."""
    return values / values.sum(dim=1, keepdim=True)
