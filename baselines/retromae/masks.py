"""What the decoder is given of a text, and what it has to say (Xiao et al. 2022, sections 3.2 and 3.3).

basic      the text with most of its tokens hidden; every position sees every other; what is hidden is asked
enhanced   the text as it is; each position sees the sentence embedding and a sample of its own of the other
           tokens, never itself (equation 6); every token is asked
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.encoders.tower import Tokens
from baselines.training.masking import IGNORED, masked

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Reconstruction:
    """One text for the decoder.

    `seen`, bool[tokens, tokens], says which positions (columns) each position (row) attends to; position 0 is that
    of the sentence embedding. `labels` are the tokens asked for, or `IGNORED`.
    """

    text: Tokens
    labels: list[int]
    seen: Mask


def basic(text: Tokens, rate: float, tokenizer: Any, rng: np.random.Generator) -> Reconstruction:
    """Hide a share `rate` of [CLS] text [SEP], as the encoder's input is hidden."""
    (hidden,), (labels,) = masked([text], rate, tokenizer, rng)
    return Reconstruction(hidden, labels, np.ones((len(text.ids), len(text.ids)), dtype=bool))


def enhanced(text: Tokens, rate: float, _tokenizer: Any, rng: np.random.Generator) -> Reconstruction:
    """Ask for every token of [CLS] text [SEP]; a share `rate` of the others is hidden from each."""
    labels = [IGNORED, *text.ids[1:-1], IGNORED]
    return Reconstruction(text, labels, sampled(len(text.ids) - 2, rate, rng))


def sampled(words: int, rate: float, rng: np.random.Generator) -> Mask:
    """Which positions each position sees of [CLS], `words` tokens and [SEP]: bool[words + 2, words + 2].

    A token sees position 0 and of the other tokens a random `1 - rate`, rounded. [CLS] and [SEP] are not asked for
    and see position 0 alone; [SEP] is seen by none.
    """
    luck = rng.random((words, words))
    np.fill_diagonal(luck, np.inf)
    kept = round((1 - rate) * (words - 1))
    seen = np.zeros((words + 2, words + 2), dtype=bool)
    seen[:, 0] = True
    np.put_along_axis(seen[1:-1, 1:-1], luck.argsort(axis=1)[:, :kept], True, axis=1)
    return seen


def padded_masks(masks: Sequence[Mask], device: Any) -> torch.Tensor:
    """Masks of texts of several lengths, bool[texts, tokens, tokens]; padding sees position 0 alone."""
    longest = max(map(len, masks))
    seen = torch.zeros((len(masks), longest, longest), dtype=torch.bool)
    seen[:, :, 0] = True
    for row, mask in enumerate(masks):
        seen[row, : len(mask), : len(mask)] = torch.from_numpy(mask)
    return seen.to(device)
