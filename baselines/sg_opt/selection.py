"""Where training stops (Kim, Yoo and Lee 2021, appendix; the released code): at the best on STS-B's dev pairs.

Every 50 steps Spearman's correlation with people's similarities is looked at; after ten looks without a better one the
paper stops, and here nothing more is looked at. The weights that come out are the same.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, Protocol

import torch
from scipy.stats import spearmanr

from baselines.encoders.transformer import tokenised
from baselines.training.chunks import vectors_of
from baselines.training.objective import Footprint, Loss, Objective
from baselines.training.trained import Materials
from benchmarks.collections.collection import open_collection
from benchmarks.retrieval.sentences import cosine, parted

EVERY, PATIENCE = 50, 10
_NONE = -2.0
"""Below any correlation."""


class Sentential(Objective, Protocol):
    """An objective whose encoder is one `backbone`, pooled by `tower`."""

    backbone: Any
    tower: torch.nn.Module
    tokenizer: Any


class Best(torch.nn.Module):
    """The best weights so far, their score, and the looks since: what a resumed training needs."""

    score: torch.Tensor
    waited: torch.Tensor

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone = copy.deepcopy(backbone).requires_grad_(False)
        self.register_buffer("score", torch.tensor(_NONE))
        self.register_buffer("waited", torch.tensor(0))

    def offer(self, backbone: Any, score: float) -> None:
        """Keep these weights where they are better."""
        self.waited += 1
        if score > self.score.item():
            self.score.fill_(score)
            self.waited.zero_()
            self.backbone.load_state_dict(backbone.state_dict())


class Selected:
    """An objective whose best weights are saved and not its last. Takes `select`, a collection of judged pairs."""

    def __init__(self, objective: Sentential, materials: Materials) -> None:
        self._objective, self._recipe, self._cache = objective, materials.recipe, materials.cache
        self.best = Best(objective.backbone)
        self.model: torch.nn.Module = torch.nn.ModuleDict({"trained": objective.model, "best": self.best})

    def loss(self, step: int) -> Loss:
        """The objective's own; every so many steps the weights before it are looked at."""
        if step and step % EVERY == 0 and self.best.waited.item() < PATIENCE:
            self.best.offer(self._objective.backbone, self.score())
        return self._objective.loss(step)

    def score(self) -> float:
        """Spearman's correlation of cosines with people's similarities, without dropout."""
        collection = open_collection(self._recipe.objective["select"], self._cache)
        pairs = list(collection.documents())
        texts = [text for pair in pairs for text in parted(pair.text)]
        tokens = tokenised(self._objective.tokenizer, texts, self._recipe.document_tokens)
        self._objective.tower.eval()
        with torch.no_grad():
            found = vectors_of(
                self._objective.tower, tokens, self._objective.tokenizer.pad_token_id, cached=False
            )
        self._objective.tower.train()
        vectors = found.float().cpu().numpy()
        ((_, grades),) = collection.judgments().items()
        people = [grades[pair.id] for pair in pairs]
        return float(spearmanr(cosine(vectors[::2], vectors[1::2]), people).statistic)

    def footprint(self) -> Footprint:
        """The objective's own."""
        return self._objective.footprint()

    def save(self, folder: Path) -> None:
        """The best of what was looked at; the last of a training too short for a look."""
        if self.best.score.item() > _NONE:
            self._objective.backbone.load_state_dict(self.best.backbone.state_dict())
        self._objective.save(folder)
