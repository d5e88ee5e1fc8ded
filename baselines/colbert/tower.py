"""ColBERT in training: texts to matrices, and the way to disk in the released layout."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from baselines.colbert.encoder import (
    DOCUMENT_MARKER,
    LINEAR,
    QUERY_MARKER,
    Conventions,
    document_tokens,
    query_tokens,
    stored,
)
from baselines.colbert.head import Head
from baselines.colbert.interaction import Matrices
from baselines.encoders.tower import Batch, Tokens
from baselines.encoders.weights import Weights
from baselines.training.chunks import vectors_of
from baselines.training.devices import gathered
from baselines.training.towers import save_under
from benchmarks.interfaces import Document


class ColbertTower:
    """One encoder for both sides, as `ColbertEncoder` reads it."""

    def __init__(self, tokenizer: Any, head: Head, conventions: Conventions) -> None:
        self.tokenizer, self.model, self.conventions = tokenizer, head, conventions

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """As the encoder has them."""
        return query_tokens(self.tokenizer, texts, self.conventions)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """As the encoder has them."""
        return document_tokens(self.tokenizer, documents, self.conventions)

    def matrices(self, texts: Sequence[Tokens], longest: int, *, cached: bool = False) -> Matrices:
        """The vectors of texts of at most `longest` tokens, padded to that; those of the other processes among them."""
        model = _Padded(self.model, longest)
        vectors = vectors_of(model, texts, self.tokenizer.pad_token_id, cached=cached)
        kept = torch.zeros(len(texts), longest, dtype=torch.bool)
        for row, text in enumerate(texts):
            kept[row, range(len(text.ids)) if text.kept is None else text.kept] = True
        return Matrices(gathered(vectors), gathered(kept.to(vectors)) > 0)

    def save(self, folder: Path) -> None:
        """The backbone and `linear.weight` in one file, its configuration, its tokenizer."""
        backbone = self.model.backbone
        others = {LINEAR: self.model.weight}
        save_under(f"{backbone.base_model_prefix}.", backbone, others, self.tokenizer, folder)


class _Padded(torch.nn.Module):
    """A head's vectors, with zeros up to a length that is the same for all batches."""

    def __init__(self, head: Head, longest: int) -> None:
        super().__init__()
        self._head, self._longest = head, longest

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, longest, dimension]."""
        found = self._head(batch)
        return torch.nn.functional.pad(found, (0, 0, 0, self._longest - found.shape[1]))


def opened(weights: Weights, conventions: Conventions) -> ColbertTower:
    """What was trained before, its linear layer with it."""
    return ColbertTower(weights.tokenizer(), stored(weights, conventions), conventions)


def begun(weights: Weights, conventions: Conventions) -> ColbertTower:
    """A ColBERT on an encoder that is none yet: the linear layer is drawn from torch's generator.

    So are the embeddings of [Q] and [D] where the vocabulary lacks BERT's unused pieces, as those of BERT are what they
    were drawn as.
    """
    backbone = weights.backbone()
    tokenizer = _marking(weights.tokenizer(), backbone)
    linear = torch.nn.Linear(backbone.config.hidden_size, conventions.dimension, bias=False)
    return ColbertTower(
        tokenizer, Head(backbone, linear.weight.detach(), conventions.normalised), conventions
    )


def _marking(tokenizer: Any, backbone: Any) -> Any:
    """The tokenizer, or a copy with the markers that it lacks, for which `backbone` is given embeddings."""
    known = tokenizer.get_vocab()
    lacking = [marker for marker in (QUERY_MARKER, DOCUMENT_MARKER) if marker not in known]
    if not lacking:
        return tokenizer
    marking = copy.deepcopy(tokenizer)
    marking.add_tokens(lacking, special_tokens=True)
    backbone.resize_token_embeddings(len(marking), mean_resizing=False)
    with torch.no_grad():
        words = backbone.get_input_embeddings().weight
        words[-len(lacking) :].normal_(0.0, backbone.config.initializer_range)
    return marking
