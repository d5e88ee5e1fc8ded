"""The two towers of Chang et al. 2020 (section 2.2): BERT, its [CLS], a linear layer.

On disk they are two folders in the layout of transformers' DPR classes, which `DualEncoder` reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from baselines.encoders.dual import paired
from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Batch, Tokens
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import FolderWeights
from baselines.training.recipe import Recipe
from baselines.training.starts import Start
from benchmarks.interfaces import Document

SIDES = ("question_encoder", "ctx_encoder")


class ProjectedTower(torch.nn.Module):
    """[CLS] of the last layer (or what `pooling` names), then W x + b; scaled to length 1 where `normalised`."""

    def __init__(self, backbone: Any, projection: torch.nn.Linear, recipe: Recipe) -> None:
        super().__init__()
        self.pooled = Pooled(backbone, POOLINGS[recipe.objective["pooling"]], normalised=False)
        self.projection = projection
        self._normalised = recipe.objective["normalised"]

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        projected: torch.Tensor = self.projection(self.pooled(batch))
        return torch.nn.functional.normalize(projected, dim=1) if self._normalised else projected


class TwoTowers:
    """A tower for queries and one for documents; one for both where the recipe says `shared`.

    Takes `dimension`, `shared`, `pooling`, `normalised`. From a plain BERT both begin alike, with a projection drawn
    from torch's generator.
    """

    def __init__(self, start: Start, recipe: Recipe) -> None:
        self._recipe = recipe
        self.query, self.document, self.tokenizer = _towers(start, recipe)
        self.model: torch.nn.Module = torch.nn.ModuleDict({"query": self.query, "document": self.document})

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """[CLS] query [SEP]."""
        return tokenised(self.tokenizer, list(texts), self._recipe.query_tokens)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """[CLS] title [SEP] text [SEP], as `DualEncoder` has them."""
        return paired(self.tokenizer, documents, self._recipe.document_tokens)

    def save(self, folder: Path) -> None:
        """Two folders, `question_encoder` and `ctx_encoder`."""
        for side, tower in zip(SIDES, (self.query, self.document), strict=True):
            _save(tower, side, self.tokenizer, folder / side)


def _towers(start: Start, recipe: Recipe) -> tuple[ProjectedTower, ProjectedTower, Any]:
    shared = recipe.objective["shared"]
    if start.folder is not None and (start.folder / SIDES[0]).exists():
        sides = [FolderWeights(start.folder / side) for side in SIDES]
        query, document = (_stored(weights, side, recipe) for weights, side in zip(sides, SIDES, strict=True))
        return query, query if shared else document, sides[0].tokenizer()
    query = _fresh(start, recipe)
    document = query if shared else _fresh(start, recipe)
    document.load_state_dict(query.state_dict())
    return query, document, start.weights.tokenizer()


def _fresh(start: Start, recipe: Recipe) -> ProjectedTower:
    backbone = start.weights.backbone()
    return ProjectedTower(backbone, _projection(backbone, recipe), recipe)


def _stored(weights: FolderWeights, side: str, recipe: Recipe) -> ProjectedTower:
    backbone = weights.backbone(f"{side}.bert_model.")
    projection = _projection(backbone, recipe)
    with torch.no_grad():
        for name in ("weight", "bias"):
            parameter = getattr(projection, name)
            parameter.copy_(weights.tensor(f"{side}.encode_proj.{name}", tuple(parameter.shape)))
    return ProjectedTower(backbone, projection, recipe)


def _projection(backbone: Any, recipe: Recipe) -> torch.nn.Linear:
    return torch.nn.Linear(backbone.config.hidden_size, recipe.objective["dimension"])


def _save(tower: ProjectedTower, side: str, tokenizer: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    backbone, projection = tower.pooled.backbone, tower.projection
    tensors = {f"{side}.bert_model.{name}": tensor for name, tensor in backbone.state_dict().items()}
    tensors |= {f"{side}.encode_proj.{name}": tensor for name, tensor in projection.state_dict().items()}
    save_file(
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors"
    )
    config = type(backbone.config).from_dict(
        {**backbone.config.to_dict(), "projection_dim": projection.out_features}
    )
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
