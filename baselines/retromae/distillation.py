"""Distillation (Xiao et al. 2022, section 4): the encoder's scores are to be spread as a teacher's are.

A query has its document and some that were mined; teacher and student each turn their scores of these into shares by
a softmax, and the loss is the Kullback-Leibler divergence of the student's shares from the teacher's. The paper's
teacher is a cross-encoder of its own training that was not released: any retriever of the bench that can score can be one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from baselines.training.chunks import read, vectors_of
from baselines.training.devices import share
from baselines.training.losses import divergence
from baselines.training.mining import negatives_of
from baselines.training.objective import Footprint, Loss, pair_footprint
from baselines.training.pairs import pairs_of
from baselines.training.teachers import teacher
from baselines.training.towers import Towers
from baselines.training.trained import Materials
from benchmarks.interfaces import Query


class Distillation:
    """Takes `teacher`, a spec, and `teacher_temperature`; and what fine-tuning on mined negatives takes."""

    def __init__(self, towers: Towers, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._options = materials.recipe.objective
        self._towers = towers
        self.model = towers.model
        self._data = pairs_of(self._recipe, materials.cache)
        self._mined = negatives_of(self._recipe, self._seed, materials.cache, materials.progress)
        self._teacher = teacher(self._options["teacher"], self._recipe.corpus, materials.cache)

    def loss(self, step: int) -> Loss:
        """The divergence, averaged over the queries of `step`."""
        pairs = share(self._data.batch(step, self._recipe.batch, self._seed))
        candidates = self.candidates(pairs, step)
        queries = [Query(query, self._data.queries[query]) for query, _ in pairs]
        texts = self._towers.query_tokens([query.text for query in queries])
        documents = self._data.documents([id for ids in candidates for id in ids])
        passages = self._towers.document_tokens(documents)
        padding, cached = self._towers.tokenizer.pad_token_id, self._options.get("cached", False)
        asked = vectors_of(self._towers.query, texts, padding, cached=cached)
        found = vectors_of(self._towers.document, passages, padding, cached=cached)
        scores = torch.einsum("qd,qcd->qc", asked, found.view(len(pairs), -1, found.shape[1]))
        taught = torch.from_numpy(np.stack(self._teacher.score(queries, candidates))).to(scores.device)
        value = divergence(
            scores / self._options["temperature"], taught / self._options["teacher_temperature"]
        )
        return Loss(value, read(texts) + read(passages))

    def candidates(self, pairs: list[tuple[str, str]], step: int) -> list[list[str]]:
        """For each pair its document, and then mined ones, drawn with replacement."""
        rng = np.random.default_rng([self._seed, step])
        each = self._options["negatives_each"]
        return [
            [document, *rng.choice(self._mined.get(query) or [document], size=each).tolist()]
            for query, document in pairs
        ]

    def footprint(self) -> Footprint:
        """Queries, and several documents of each."""
        return pair_footprint(self._recipe, 2 + self._options["negatives_each"])

    def save(self, folder: Path) -> None:
        """The towers."""
        self._towers.save(folder)
