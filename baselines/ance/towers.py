"""ANCE's tower in training (Xiong et al. 2021, section 4, "BERT-Siamese"): one for both sides, with its head."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from baselines.ance.encoder import document_tokens, model, query_tokens, template_of
from baselines.ance.head import NAMES, Head, drawn
from baselines.encoders.tower import Tokens
from baselines.training.recipe import Recipe
from baselines.training.starts import Start
from baselines.training.towers import save_under
from benchmarks.interfaces import Document


class HeadedTower:
    """Takes `documents`: whether url and title stand apart. On disk it has the layout of the released checkpoints.

    A start of ANCE's own has a head; on any other one is drawn from torch's generator.
    """

    def __init__(self, start: Start, recipe: Recipe) -> None:
        self._recipe = recipe
        self.tokenizer = start.weights.tokenizer()
        headed = recipe.start.startswith("ance:")
        made = model(start.weights) if headed else drawn(start.weights.backbone())
        assert isinstance(made, Head)
        self._head = made
        self.model: torch.nn.Module = made
        self.query = self.document = self.model

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """As `AnceEncoder` has them."""
        return query_tokens(self.tokenizer, texts, self._recipe.query_tokens)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """As `AnceEncoder` has them."""
        template = template_of(self._recipe.objective)
        return document_tokens(self.tokenizer, documents, self._recipe.document_tokens, template)

    def save(self, folder: Path) -> None:
        """`roberta.*` (or what the backbone is), `embeddingHead.*`, `norm.*`, configuration and tokenizer."""
        backbone = self._head.backbone
        others = {name: getattr(self._head, own) for own, name in NAMES.items()}
        save_under(f"{backbone.base_model_prefix}.", backbone, others, self.tokenizer, folder)
