"""DPR's encoders in training: two BERTs, one for questions and one for passages, and nothing on top of either.

Karpukhin et al. 2020, section 3.1. On disk they lie in the layout of transformers' DPR classes, and `DualEncoder` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from baselines.encoders.dual import SIDES, paired
from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Tokens
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import FolderWeights, Weights
from baselines.training.recipe import Recipe
from baselines.training.starts import Start
from baselines.training.towers import save_under
from benchmarks.interfaces import Document


class TwoBerts:
    """Takes `pooling`. Both begin as the start, or as its tower of their side; a projection of the start's is left out."""

    def __init__(self, start: Start, recipe: Recipe) -> None:
        self._recipe = recipe
        self.tokenizer = _weights(start, SIDES[0])[0].tokenizer()
        pooling = POOLINGS[recipe.objective["pooling"]]
        self.query, self.document = (Pooled(_backbone(start, side), pooling, False) for side in SIDES)
        self.model: torch.nn.Module = torch.nn.ModuleDict({"query": self.query, "document": self.document})

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """[CLS] question [SEP], with plain apostrophes, as `DualEncoder` has it."""
        plain = [text.replace("\u2019", "'") for text in texts]
        return tokenised(self.tokenizer, plain, self._recipe.query_tokens)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """[CLS] title [SEP] text [SEP]."""
        return paired(self.tokenizer, documents, self._recipe.document_tokens)

    def save(self, folder: Path) -> None:
        """Two folders, `question_encoder` and `ctx_encoder`."""
        for side, tower in zip(SIDES, (self.query, self.document), strict=True):
            save_bert(tower.backbone, f"{side}.bert_model.", self.tokenizer, folder / side, {})


def _weights(start: Start, side: str) -> tuple[Weights, str]:
    """The weights of a side, and what its names begin with."""
    if start.folder is not None and (start.folder / side).exists():
        return FolderWeights(start.folder / side), f"{side}.bert_model."
    return start.weights, ""


def _backbone(start: Start, side: str) -> Any:
    weights, prefix = _weights(start, side)
    return weights.backbone(prefix)


def save_bert(
    backbone: Any, prefix: str, tokenizer: Any, folder: Path, others: Mapping[str, torch.Tensor]
) -> None:
    """As `save_under`. The start's configuration may speak of a projection, which is not here."""
    save_under(prefix, backbone, others, tokenizer, folder, projection_dim=0)
