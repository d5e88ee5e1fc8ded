"""TCT-ColBERT in training: texts to the tokens that `TctEncoder` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from baselines.encoders.tower import Tokens
from baselines.encoders.weights import Weights
from baselines.tct_colbert.encoder import document_tokens, pooled, query_tokens
from baselines.training.towers import save_backbone
from benchmarks.interfaces import Document


class TctTower:
    """One encoder for both sides; queries have `asked` tokens, documents are cut at `longest`."""

    def __init__(self, weights: Weights, asked: int, longest: int) -> None:
        self.tokenizer = weights.tokenizer()
        self.pooled = pooled(weights)
        self.model: torch.nn.Module = self.pooled
        self.query = self.document = self.model
        self._asked, self._longest = asked, longest

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """As the encoder has them."""
        return query_tokens(self.tokenizer, texts, self._asked)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """As the encoder has them."""
        return document_tokens(self.tokenizer, documents, self._longest)

    def save(self, folder: Path) -> None:
        """As transformers saves a model and its tokenizer."""
        save_backbone(self.pooled.backbone, self.tokenizer, folder)
