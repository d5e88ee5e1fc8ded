"""TCT-ColBERT's training (Lin et al. 2021, section 3): in-batch distillation from a tightly coupled ColBERT.

The teacher is run in the step: of every query of the batch and every passage of it, own, hard negative or another query's,
it gives the MaxSim, and the student's softmax over all these passages is to be as the teacher's of MaxSim / tau is. The
loss is the Kullback-Leibler divergence alone; no label is looked at. Pairwise distillation (Table 2) is the same over a
query's own passage and its own negatives.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from baselines.tct_colbert.teacher import Teacher
from baselines.training.chunks import read
from baselines.training.devices import gathered, share
from baselines.training.finetuning import FineTuning
from baselines.training.losses import divergence, hit_rate
from baselines.training.objective import Footprint, Loss
from baselines.training.towers import Towers
from baselines.training.trained import Materials


class TightlyCoupled(FineTuning):
    """Takes `teacher_temperature` (tau), `in_batch` (true; false: pairwise), and what `FineTuning` and `teacher` take.

    But for `temperature`: the teacher's scores alone are divided, by its own.
    """

    def __init__(self, towers: Towers, teacher: Teacher, materials: Materials) -> None:
        super().__init__(towers, materials)
        self._teacher = teacher

    def loss(self, step: int) -> Loss:
        """The divergence, averaged over the queries of `step`."""
        pairs = self._data.batch(step, self._recipe.batch, self._seed)
        candidates = self.candidates(pairs, step)
        queries = [self._data.queries[query] for query, _ in share(pairs)]
        documents = self._data.documents(share(candidates.documents))
        texts, passages = self._towers.query_tokens(queries), self._towers.document_tokens(documents)
        asked = gathered(self._vectors(self._towers.query, texts))
        found = gathered(self._vectors(self._towers.document, passages))
        taught = self._teacher.scores(queries, documents, asked.device)
        forbidden = None
        if not self._options.get("in_batch", True):
            own = torch.arange(len(pairs), device=asked.device)
            forbidden = own[:, None] != torch.tensor(candidates.owners, device=asked.device)
        value = divergence(asked @ found.T, taught / self._options["teacher_temperature"], forbidden)
        right = torch.arange(len(pairs), device=asked.device)
        return Loss(value, read(texts) + read(passages), {"hits": hit_rate(asked @ found.T, right)})

    def footprint(self) -> Footprint:
        """The student's, and the teacher's weights and matrices."""
        own = super().footprint()
        return replace(own, extra_bytes=own.extra_bytes + self._teacher.bytes_for(own.tokens))
