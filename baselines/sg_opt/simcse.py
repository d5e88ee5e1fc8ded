"""SimCSE without labels (Gao, Yao and Chen 2021, section 3): the reference whose views are two dropouts of one sentence.

It reads what SG-OPT reads, in as many steps. The head, a linear layer and a tanh, is of training alone (section 6.3).
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn.functional import normalize

from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.transformer import tokenised
from baselines.sg_opt.sentences import Sentences
from baselines.training.chunks import read, vectors_of
from baselines.training.devices import gathered, share
from baselines.training.losses import contrastive, hit_rate
from baselines.training.objective import Footprint, Loss
from baselines.training.towers import save_backbone
from baselines.training.trained import Materials


class SimCSE:
    """Takes `temperature` and `pooling`. Tokens are counted once, though each is run twice: budgets are of text."""

    def __init__(self, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._sentences = Sentences(self._recipe.corpus, materials.cache)
        self.tokenizer = materials.start.weights.tokenizer()
        self.backbone = materials.start.weights.backbone()
        width = self.backbone.config.hidden_size
        self.tower: torch.nn.Module = Pooled(
            self.backbone, POOLINGS[self._recipe.objective["pooling"]], normalised=False
        )
        self._head = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.Tanh())
        self.model: torch.nn.Module = torch.nn.ModuleDict({"tower": self.tower, "head": self._head})

    def loss(self, step: int) -> Loss:
        """Each sentence is to find its own second reading among those of the batch (equation 4)."""
        sentences = self._sentences.batch(step, self._recipe.batch, self._seed)
        texts = tokenised(self.tokenizer, share(sentences), self._recipe.document_tokens)
        vectors = vectors_of(self.tower, [*texts, *texts], self.tokenizer.pad_token_id, cached=False)
        first, second = normalize(self._head(vectors), dim=1).chunk(2)
        first, second = gathered(first), gathered(second)
        own = torch.arange(len(first), device=first.device)
        value = contrastive(first, second, own, self._recipe.objective["temperature"])
        return Loss(value, read(texts), {"hits": hit_rate(first @ second.T, own)})

    def footprint(self) -> Footprint:
        """A batch, twice."""
        recipe = self._recipe
        return Footprint(2 * recipe.batch * recipe.document_tokens, recipe.document_tokens)

    def save(self, folder: Path) -> None:
        """The encoder, without the head."""
        save_backbone(self.backbone, self.tokenizer, folder)
