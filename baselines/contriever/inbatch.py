"""In-batch negatives (Izacard et al. 2022, section 3.2): the keys of the other queries, from the same encoder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from baselines.contriever import conventions
from baselines.contriever.cropping import Pairs
from baselines.training.chunks import read, vectors_of
from baselines.training.devices import gathered
from baselines.training.losses import contrastive, hit_rate
from baselines.training.objective import Footprint, Loss, pair_footprint
from baselines.training.recipe import Recipe
from baselines.training.towers import OneTower
from baselines.training.trained import Materials


class InBatch:
    """Takes `temperature`, `cached`, and what `Pairs` takes."""

    def __init__(self, materials: Materials) -> None:
        self._recipe = materials.recipe
        self._tower = OneTower(materials.start.weights, conventions(self._recipe))
        self.model = self._tower.model
        self._pairs = Pairs(materials, self._tower.tokenizer)

    def loss(self, step: int) -> Loss:
        """Equation 1, with s(q, k) the inner product of means, averaged over the queries."""
        queries, keys = self._pairs.texts(step)
        cached, padding = self._recipe.objective["cached"], self._tower.tokenizer.pad_token_id
        asked, found = (
            gathered(vectors_of(self.model, texts, padding, cached=cached)) for texts in (queries, keys)
        )
        right = torch.arange(len(asked), device=asked.device)
        value = contrastive(asked, found, right, self._recipe.objective["temperature"])
        return Loss(value, read(queries) + read(keys), {"hits": hit_rate(asked @ found.T, right)})

    def footprint(self) -> Footprint:
        """Queries and keys of a batch, or of a chunk where gradients are cached."""
        return pairs_footprint(self._recipe, self._pairs)

    def save(self, folder: Path) -> None:
        """The encoder."""
        self._tower.save(folder)


def pairs_footprint(recipe: Recipe, pairs: Pairs) -> Footprint:
    """That of the views of a batch, which are not as long as what the finished encoder reads."""
    query, key = pairs.longest
    return pair_footprint(replace(recipe, query_tokens=query, document_tokens=key))
