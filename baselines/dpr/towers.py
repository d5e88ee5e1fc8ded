"""DPR's encoders in training: two BERTs, one for questions and one for passages, and nothing on top of either.

Karpukhin et al. 2020, section 3.1. On disk they lie in the layout of transformers' DPR classes, and `DualEncoder` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from baselines.encoders.checkpoints import SAFETENSORS
from baselines.encoders.dual import paired
from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Tokens
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import FolderWeights, Weights
from baselines.training.recipe import Recipe
from baselines.training.starts import Start
from benchmarks.interfaces import Document

SIDES = ("question_encoder", "ctx_encoder")


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
    backbone: Any, prefix: str, tokenizer: Any, folder: Path, others: dict[str, torch.Tensor]
) -> None:
    """Write a BERT whose names begin with `prefix`, other tensors beside it, configuration and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {**{f"{prefix}{name}": tensor for name, tensor in backbone.state_dict().items()}, **others}
    save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, folder / SAFETENSORS)
    # The start's configuration may speak of a projection that is not here.
    plain = {**backbone.config.to_dict(), "projection_dim": 0}
    type(backbone.config).from_dict(plain).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
