"""MoCo (He et al. 2020; Izacard et al. 2022, section 3.2): negatives from a queue, made by a momentum encoder.

Keys come from an encoder that follows the queries' own slowly, so that those of many past batches are alike enough
to stand in one softmax. No gradient goes through a key.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import torch

from baselines.contriever import conventions
from baselines.contriever.cropping import Pairs
from baselines.contriever.inbatch import pairs_footprint
from baselines.training.chunks import read, vectors_of
from baselines.training.devices import gathered
from baselines.training.losses import hit_rate
from baselines.training.objective import Footprint, Loss
from baselines.training.towers import OneTower
from baselines.training.trained import Materials


class MomentumQueue(torch.nn.Module):
    """The queries' encoder, the keys' encoder that follows it, and the last `size` keys.

    All of it is in the module's state. The queue begins empty, and its oldest keys make room for new ones.
    """

    queue: torch.Tensor
    pushed: torch.Tensor

    def __init__(self, encoder: torch.nn.Module, dimension: int, size: int, momentum: float) -> None:
        super().__init__()
        self.query = encoder
        self.key = copy.deepcopy(encoder).requires_grad_(False)
        self._momentum = momentum
        self.register_buffer("queue", torch.zeros(size, dimension))
        self.register_buffer("pushed", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def follow(self) -> None:
        """Move the keys' encoder: m times itself and 1 - m times the queries' (He et al., equation 2)."""
        for key, query in zip(self.key.parameters(), self.query.parameters(), strict=True):
            key.lerp_(query, 1 - self._momentum)

    @torch.no_grad()
    def push(self, keys: torch.Tensor) -> None:
        """Put keys [n, dimension] into the queue, in the place of the oldest."""
        newest = keys[-len(self.queue) :]
        places = (self.pushed + torch.arange(len(newest), device=keys.device)) % len(self.queue)
        self.queue[places] = newest.to(self.queue.dtype)
        self.pushed += len(newest)

    def negatives(self) -> torch.Tensor:
        """The keys of past batches [at most size, dimension]; a copy, which no later push changes."""
        return self.queue[: int(self.pushed)].clone()


class MoCo:
    """Takes `queue` (keys), `momentum`, `temperature`, `cached`, and what `Pairs` takes."""

    def __init__(self, materials: Materials) -> None:
        self._recipe = materials.recipe
        options = self._recipe.objective
        self._tower = OneTower(materials.start.weights, conventions(self._recipe))
        width = self._tower.backbone.config.hidden_size
        self._moco = MomentumQueue(self._tower.model, width, options["queue"], options["momentum"])
        self.model: torch.nn.Module = self._moco
        self._pairs = Pairs(materials, self._tower.tokenizer)

    def loss(self, step: int) -> Loss:
        """Equation 1: a query's own key against the keys of past batches, averaged over the queries.

        The other keys of the batch are no negatives until they are in the queue.
        """
        queries, keys = self._pairs.texts(step)
        options, padding = self._recipe.objective, self._tower.tokenizer.pad_token_id
        self._moco.follow()
        with torch.no_grad():
            found = gathered(vectors_of(self._moco.key, keys, padding, cached=False))
        asked = gathered(vectors_of(self._moco.query, queries, padding, cached=options["cached"]))
        positive, negative = (asked * found).sum(dim=1, keepdim=True), asked @ self._moco.negatives().T
        scores = torch.cat([positive, negative], dim=1)
        own = torch.arange(len(asked), device=asked.device)
        value = torch.nn.functional.cross_entropy(scores / options["temperature"], torch.zeros_like(own))
        said = {"hits": hit_rate(asked @ found.T, own)}
        self._moco.push(found)
        return Loss(value, read(queries) + read(keys), said)

    def footprint(self) -> Footprint:
        """The views, and beside them the candidates once more, their scores, and the gradients of these."""
        options, batch = self._recipe.objective, self._recipe.batch
        width = self._tower.backbone.config.hidden_size
        extra = 4 * (options["queue"] + batch) * (width + 4 * batch)
        return replace(pairs_footprint(self._recipe, self._pairs), extra_bytes=extra)

    def save(self, folder: Path) -> None:
        """The queries' encoder, which serves for documents too."""
        self._tower.save(folder)
