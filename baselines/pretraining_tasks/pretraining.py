"""Pre-training two towers on pairs (Chang et al. 2020, section 2.3 and 3).

The loss is the softmax of the right passage over those of the batch, corrected for how often each is drawn, on
inner products; each pair is of a task drawn uniformly.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from baselines.pretraining_tasks.tasks import Pair, mixed, task
from baselines.training.chunks import read, vectors_of
from baselines.training.corpus import open_corpus
from baselines.training.devices import gathered, share
from baselines.training.losses import contrastive, hit_rate
from baselines.training.mlm import MaskedLM
from baselines.training.objective import Footprint, Loss, Objective, pair_footprint
from baselines.training.towers import framed
from baselines.training.trained import Materials
from baselines.training.twotowers import TwoTowers


class TwoTowerPretraining:
    """Takes `tasks` (ict, bfs, wlp), `removal` (of ICT), `temperature`, `cached`, and what `TwoTowers` takes."""

    def __init__(self, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._towers = TwoTowers(materials.start, self._recipe)
        self.model = self._towers.model
        # A document is [CLS] title [SEP] passage [SEP]: a title of ten pieces leaves the passage whole.
        longest = self._recipe.document_tokens - 13
        self._corpus = open_corpus(
            self._recipe.corpus, self._towers.tokenizer, longest, materials.cache, materials.progress
        )
        named = self._recipe.objective["tasks"]
        self._tasks = [task(name, self._corpus, self._recipe.objective["removal"]) for name in named]
        self._log_frequencies = torch.from_numpy(np.log(np.maximum(mixed(self._tasks), 1e-30))).float()

    def pairs(self, step: int) -> list[Pair]:
        """The pairs of a step: those of all processes."""
        rng = np.random.default_rng([self._seed, step])
        chosen = rng.integers(len(self._tasks), size=self._recipe.batch)
        return [self._tasks[number].draw(rng) for number in chosen]

    def loss(self, step: int) -> Loss:
        """Minus the log of the right passages' shares, averaged over the pairs."""
        drawn = self.pairs(step)
        own = share(drawn)
        tokenizer, recipe = self._towers.tokenizer, self._recipe
        queries = [framed(tokenizer, recipe.query_tokens, pair.query) for pair in own]
        passages = [
            framed(tokenizer, recipe.document_tokens, self._title(pair.number), pair.passage) for pair in own
        ]
        cached, padding = recipe.objective.get("cached", False), tokenizer.pad_token_id
        asked = gathered(vectors_of(self._towers.query, queries, padding, cached=cached))
        found = gathered(vectors_of(self._towers.document, passages, padding, cached=cached))
        right = torch.arange(len(drawn), device=asked.device)
        log_frequency = self._log_frequencies[[pair.number for pair in drawn]].to(right.device)
        value = contrastive(asked, found, right, recipe.objective["temperature"], log_frequency)
        return Loss(value, read(queries) + read(passages), {"hits": hit_rate(asked @ found.T, right)})

    def _title(self, passage: int) -> list[int]:
        return self._corpus.title(self._corpus.article_of(passage))

    def footprint(self) -> Footprint:
        """Queries and passages of a batch; of a chunk where gradients are cached."""
        return pair_footprint(self._recipe)

    def save(self, folder: Path) -> None:
        """Both towers."""
        self._towers.save(folder)


class MaskedTowers(MaskedLM):
    """The MLM row: one BERT is trained by masked words, and both towers begin as it, with a projection as drawn."""

    def __init__(self, materials: Materials) -> None:
        super().__init__(materials)
        self._start = materials.start

    def save(self, folder: Path) -> None:
        """Both towers."""
        towers = TwoTowers(self._start, self._recipe)
        for tower in towers.plain:
            tower.pooled.backbone.load_state_dict(self.backbone.state_dict())
        towers.save(folder)


def objective(materials: Materials) -> Objective:
    """The objective of a recipe's tasks."""
    masked = materials.recipe.objective["tasks"] == ["mlm"]
    return MaskedTowers(materials) if masked else TwoTowerPretraining(materials)
