"""Self-guided contrastive training (Kim, Yoo and Lee 2021, section 3).

Two copies of one BERT. BERT_F stays as it is, and its layers are the views that BERT_T's [CLS] is drawn to. BERT_T
learns all but its embeddings, and is not to go far from BERT_F. What comes out is BERT_T, read at [CLS], without the head.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import normalize

from baselines.encoders.modules import LayersPooled, Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Tokens
from baselines.encoders.transformer import tokenised
from baselines.sg_opt.losses import SAMPLED, distance, opt3
from baselines.sg_opt.sentences import Sentences
from baselines.sg_opt.views import Head, Views, sampled
from baselines.training.chunks import read, vectors_of
from baselines.training.devices import gathered, share
from baselines.training.objective import Footprint, Loss
from baselines.training.towers import save_backbone
from baselines.training.trained import Materials


class SelfGuided:
    """Takes `loss` (sg, opt1, opt2, sg-opt), `temperature`, `lambda`, `head` (its width), `view` (max, mean), `pooling`."""

    def __init__(self, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._options = materials.recipe.objective
        self._sentences = Sentences(self._recipe.corpus, materials.cache)
        weights = materials.start.weights
        self.tokenizer = weights.tokenizer()
        self.backbone = weights.backbone()
        self.fixed = weights.backbone().requires_grad_(False)
        # The embeddings are layer 0 of both: they stay as they are.
        self.backbone.embeddings.requires_grad_(False)
        config = self.backbone.config
        self.tower: torch.nn.Module = Pooled(
            self.backbone, POOLINGS[self._options["pooling"]], normalised=False
        )
        self._guide = LayersPooled(self.fixed, Views(self._options["view"]))
        self._head = Head(config.hidden_size, self._options["head"], config.initializer_range)
        self._layers: int = config.num_hidden_layers
        self.model: torch.nn.Module = torch.nn.ModuleDict(
            {"tuned": self.tower, "guide": self._guide, "head": self._head}
        )

    def loss(self, step: int) -> Loss:
        """The contrast of the sentences of a step, and lambda times the distance from BERT_F."""
        sentences = self._sentences.batch(step, self._recipe.batch, self._seed)
        texts = tokenised(self.tokenizer, share(sentences), self._recipe.document_tokens)
        vectors = vectors_of(self.tower, texts, self.tokenizer.pad_token_id, cached=False)
        c = gathered(normalize(self._head(vectors), dim=-1))
        h = gathered(normalize(self._head(self._views(texts, len(sentences), step)), dim=-1))
        contrast = SAMPLED.get(self._options["loss"], opt3)(c, h, self._options["temperature"])
        apart = distance(self.backbone, self.fixed)
        value = contrast + self._options["lambda"] * apart
        return Loss(value, read(texts), {"contrast": contrast.item(), "distance": apart.item()})

    def _views(self, texts: list[Tokens], sentences: int, step: int) -> torch.Tensor:
        """All views of this process' texts, or one of each where the loss takes one."""
        # BERT_F is fixed in all respects: it drops nothing out, though the loop trains the model as a whole.
        self._guide.eval()
        with torch.no_grad():
            views = vectors_of(self._guide, texts, self.tokenizer.pad_token_id, cached=False)
        if self._options["loss"] not in SAMPLED:
            return views
        drawn = sampled(np.random.default_rng([self._seed, step]), sentences, self._layers)
        return views[torch.arange(len(texts)), share(drawn.tolist())]

    def footprint(self) -> Footprint:
        """A batch of BERT_T's; beside it the views, and what the head keeps for its gradients of each."""
        recipe, width = self._recipe, self.backbone.config.hidden_size
        rows = recipe.batch * (self._layers + 2)
        layers = (self._layers + 1) * recipe.batch * recipe.document_tokens * width
        return Footprint(
            recipe.batch * recipe.document_tokens, recipe.document_tokens,
            4 * layers + 4 * rows * (width + 6 * self._options["head"]),
        )  # fmt: skip

    def save(self, folder: Path) -> None:
        """BERT_T, without the head."""
        save_backbone(self.backbone, self.tokenizer, folder)
