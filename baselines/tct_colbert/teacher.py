"""The teacher of a step: a ColBERT, frozen, that scores all pairs of a batch in its own conventions."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from baselines.colbert.encoder import ColbertEncoder, Conventions
from baselines.colbert.interaction import of_all
from baselines.colbert.tower import ColbertTower, begun, opened
from baselines.training.chunks import CHUNK_TOKENS
from baselines.training.memory import layer_bytes
from baselines.training.starts import ScratchWeights
from baselines.training.trained import Materials
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document, Setting
from benchmarks.registry import variant_of
from benchmarks.spec import Leaf, parse


class Teacher:
    """A ColBERT with no gradients, which stays as it is."""

    def __init__(self, tower: ColbertTower) -> None:
        self._tower = tower
        tower.model.eval().requires_grad_(False)

    def scores(
        self, queries: Sequence[str], documents: Sequence[Document], device: torch.device
    ) -> torch.Tensor:
        """MaxSim of every query with every document, those of the other processes among them: float[queries, documents]."""
        tower, conventions = self._tower, self._tower.conventions
        tower.model.to(device)
        with torch.no_grad():
            asked = tower.matrices(tower.query_tokens(queries), conventions.query_tokens)
            found = tower.matrices(tower.document_tokens(documents), conventions.document_tokens)
            return of_all(asked, found)

    def bytes_for(self, tokens: int) -> int:
        """What it holds in memory for a batch of so many padded tokens: weights, a layer of a chunk, vectors and products."""
        model, conventions = self._tower.model, self._tower.conventions
        weights = 4 * sum(parameter.numel() for parameter in model.parameters())
        layer = layer_bytes(model.backbone.config, conventions.document_tokens)
        products = 3 * 4 * tokens * (conventions.dimension + conventions.query_tokens)
        return weights + layer * min(tokens, max(CHUNK_TOKENS.values())) + products


def teacher(materials: Materials) -> Teacher:
    """That of a recipe: takes `teacher`, a ColBERT that compares by MaxSim, perhaps `@SEED`.

    As where training starts, `scratch:SIZE` is one drawn from the seed. Raises `UsageError` for what is no ColBERT.
    """
    recipe = materials.recipe
    name, _, seed = recipe.objective["teacher"].partition("@")
    own = Setting(seed=int(seed) if seed else materials.seed)
    if name.startswith("scratch:"):
        weights = ScratchWeights(name.removeprefix("scratch:"), own.seed, materials.start.weights.tokenizer())
        return Teacher(begun(weights, Conventions(recipe.document_tokens)))
    leaf = parse(name)
    found = variant_of(leaf)[1].build(own) if isinstance(leaf, Leaf) else None
    if not isinstance(found, ColbertEncoder):
        raise UsageError(f"{name} cannot teach a TCT-ColBERT: it is no ColBERT that compares by MaxSim")
    return Teacher(opened(found.weights(), found.conventions))
