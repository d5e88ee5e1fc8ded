"""Masked language modelling as an objective: how the lab's BERT is made, and what others are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.encoders.tower import Tokens, cut, padded
from baselines.training.chunks import CHUNK_TOKENS, read
from baselines.training.corpus import Corpus, open_corpus
from baselines.training.devices import mean_over_all, share
from baselines.training.masking import Head, guess_loss, masked, padded_labels
from baselines.training.objective import Footprint, Loss
from baselines.training.towers import framed, save_backbone
from baselines.training.trained import Materials


class MaskedLM:
    """Guess the hidden tokens of passages. Takes `mask`, the share that is hidden (0.15 in BERT)."""

    def __init__(self, materials: Materials) -> None:
        recipe = materials.recipe
        self._recipe, self._seed = recipe, materials.seed
        self.tokenizer = materials.start.weights.tokenizer()
        self.corpus = passages(materials, self.tokenizer)
        self.backbone = materials.start.weights.backbone()
        self.head = Head(self.backbone)
        self.model: torch.nn.Module = torch.nn.ModuleDict({"backbone": self.backbone, "head": self.head})

    def loss(self, step: int) -> Loss:
        """The mean cross entropy of the hidden tokens of `batch` passages."""
        rng = np.random.default_rng([self._seed, step])
        texts = drawn_passages(
            self.corpus, self.tokenizer, self._recipe.document_tokens, self._recipe.batch, rng
        )
        # Every process masks the whole batch, so that it is masked alike however many there are.
        all_hidden, all_labels = masked(texts, self._recipe.objective["mask"], self.tokenizer, rng)
        hidden, labels = share(all_hidden), share(all_labels)
        sums, counts = [], []
        for places in chunked(hidden, self.model):
            device = next(self.model.parameters()).device
            batch = padded([hidden[place] for place in places], self.tokenizer.pad_token_id, device)
            wanted = padded_labels([labels[place] for place in places], device)
            value, count = guess_loss(self.head, batch.run(self.backbone), wanted, self.backbone)
            sums.append(value)
            counts.append(count)
        return Loss(mean_over_all(torch.stack(sums).sum(), torch.stack(counts).sum()), read(hidden))

    def footprint(self) -> Footprint:
        """A batch, and the logits of what is hidden in it: kept, and their gradients twice."""
        recipe = self._recipe
        tokens = recipe.batch * recipe.document_tokens
        logits = round(tokens * recipe.objective["mask"]) * len(self.tokenizer)
        return Footprint(tokens, recipe.document_tokens, 3 * 4 * logits)

    def save(self, folder: Path) -> None:
        """The encoder, without the head."""
        save_backbone(self.backbone, self.tokenizer, folder)


def passages(materials: Materials, tokenizer: Any) -> Corpus:
    """The corpus of a recipe in passages that fill a document's tokens between [CLS] and [SEP]."""
    recipe = materials.recipe
    return open_corpus(
        recipe.corpus, tokenizer, recipe.document_tokens - 2, materials.cache, materials.progress
    )


def drawn_passages(
    corpus: Corpus, tokenizer: Any, longest: int, count: int, rng: np.random.Generator
) -> list[Tokens]:
    """`count` passages drawn at random, each between [CLS] and [SEP]: those of all processes."""
    drawn = rng.integers(len(corpus.passages) - 1, size=count).tolist()
    return [framed(tokenizer, longest, corpus.passage(number)) for number in drawn]


def chunked(texts: list[Tokens], model: torch.nn.Module) -> Iterator[list[int]]:
    """Places of texts in chunks of similar length, longest first."""
    order = sorted(range(len(texts)), key=lambda place: -len(texts[place].ids))
    return cut(order, texts, CHUNK_TOKENS[next(model.parameters()).device.type])
