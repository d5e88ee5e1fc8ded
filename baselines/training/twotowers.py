"""The two towers of Chang et al. 2020 (section 2.2): BERT, its [CLS], a linear layer; or bags of words.

On disk BERTs are two folders in the layout of transformers' DPR classes, and bags of words two of their own
(`baselines/bow_mlp`); `DualEncoder` reads both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from baselines.bow_mlp import bag
from baselines.encoders.dual import SIDES, paired
from baselines.encoders.modules import Pooled, Scaled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Batch, Tokens
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import FolderWeights, Weights
from baselines.training.recipe import Recipe
from baselines.training.starts import Start
from baselines.training.towers import save_under
from benchmarks.interfaces import Document


class ProjectedTower(torch.nn.Module):
    """[CLS] of the last layer (or what `pooling` names), then W x + b."""

    def __init__(self, backbone: Any, projection: torch.nn.Linear, pooling: str) -> None:
        super().__init__()
        self.pooled = Pooled(backbone, POOLINGS[pooling], normalised=False)
        self.projection = projection

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        projected: torch.Tensor = self.projection(self.pooled(batch))
        return projected


class Kind(Protocol):
    """What towers may be: how one is made anew, read and written."""

    def fresh(self, start: Start) -> torch.nn.Module:
        """A tower with nothing learnt but the start."""

    def stored(self, weights: Weights, side: str) -> torch.nn.Module:
        """The tower of a side, as `save` wrote it."""

    def save(self, tower: Any, side: str, tokenizer: Any, folder: Path) -> None:
        """Write the tower of a side."""


class TwoTowers:
    """A tower for queries and one for documents; one for both where the recipe says `shared`.

    Takes `dimension`, `shared`, `pooling`, and `normalised`, which scales vectors to length 1. Unless they were trained
    before, both begin alike; what the start does not have is drawn from torch's generator.
    """

    def __init__(self, start: Start, recipe: Recipe) -> None:
        self._recipe, self._kind = recipe, _kind(recipe)
        query, document, self.tokenizer = _towers(start, self._kind, recipe.objective["shared"])
        self.plain = (query, document)
        self.model: torch.nn.Module = torch.nn.ModuleDict({"query": query, "document": document})
        scaled = recipe.objective["normalised"]
        self.query = Scaled(query) if scaled else query
        self.document = self.query if document is query else Scaled(document) if scaled else document

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """[CLS] query [SEP]."""
        return tokenised(self.tokenizer, list(texts), self._recipe.query_tokens)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """[CLS] title [SEP] text [SEP], as `DualEncoder` has them."""
        return paired(self.tokenizer, documents, self._recipe.document_tokens)

    def save(self, folder: Path) -> None:
        """Two folders, `question_encoder` and `ctx_encoder`."""
        for side, tower in zip(SIDES, self.plain, strict=True):
            self._kind.save(tower, side, self.tokenizer, folder / side)


def _kind(recipe: Recipe) -> Kind:
    size = recipe.objective["dimension"]
    if recipe.objective.get("architecture") == "bow":
        return _Bags(size)
    return _Berts(size, recipe.objective["pooling"])


def _towers(start: Start, kind: Kind, shared: bool) -> tuple[Any, Any, Any]:
    if start.folder is not None and (start.folder / SIDES[0]).exists():
        sides = [FolderWeights(start.folder / side) for side in SIDES]
        query, document = (kind.stored(weights, side) for weights, side in zip(sides, SIDES, strict=True))
        return query, query if shared else document, sides[0].tokenizer()
    query = kind.fresh(start)
    document = query if shared else kind.fresh(start)
    document.load_state_dict(query.state_dict())
    return query, document, start.weights.tokenizer()


@dataclass(frozen=True)
class _Berts:
    """Towers with a BERT in them."""

    size: int
    pooling: str

    def fresh(self, start: Start) -> ProjectedTower:
        backbone = start.weights.backbone()
        return self._tower(backbone, torch.nn.Linear(backbone.config.hidden_size, self.size))

    def stored(self, weights: Weights, side: str) -> ProjectedTower:
        backbone = weights.backbone(f"{side}.bert_model.")
        projection = torch.nn.Linear(backbone.config.hidden_size, self.size)
        with torch.no_grad():
            for name in ("weight", "bias"):
                parameter = getattr(projection, name)
                parameter.copy_(weights.tensor(f"{side}.encode_proj.{name}", tuple(parameter.shape)))
        return self._tower(backbone, projection)

    def _tower(self, backbone: Any, projection: torch.nn.Linear) -> ProjectedTower:
        return ProjectedTower(backbone, projection, self.pooling)

    def save(self, tower: ProjectedTower, side: str, tokenizer: Any, folder: Path) -> None:
        """In the layout of transformers' DPR classes."""
        projection = tower.projection
        others = {f"{side}.encode_proj.{name}": tensor for name, tensor in projection.state_dict().items()}
        save_under(
            f"{side}.bert_model.", tower.pooled.backbone, others, tokenizer, folder,
            projection_dim=projection.out_features,
        )  # fmt: skip


@dataclass(frozen=True)
class _Bags:
    """Bags of words; of a start they take the word pieces alone."""

    size: int

    def fresh(self, start: Start) -> bag.BagOfWords:
        return bag.BagOfWords(start.weights.tokenizer(), self.size)

    def stored(self, weights: Weights, side: str) -> bag.BagOfWords:
        return bag.stored(weights, side, self.size)

    def save(self, tower: bag.BagOfWords, side: str, tokenizer: Any, folder: Path) -> None:
        bag.save(tower, side, tokenizer, folder)
