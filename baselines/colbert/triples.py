"""ColBERT's training (Khattab and Zaharia 2020, section 3.3): pairwise softmax cross-entropy over triples.

Of a query, a document that answers it and one that does not, the first is to have the greater share of the softmax of
the two scores: -log(e^s+ / (e^s+ + e^s-)) = softplus(s- - s+). The other documents of a batch are no negatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import softplus

from baselines.colbert.interaction import INTERACTIONS
from baselines.colbert.tower import ColbertTower
from baselines.encoders.tower import Tokens
from baselines.training.devices import share
from baselines.training.negatives import Candidates, Negatives
from baselines.training.objective import Footprint, Loss, pair_footprint
from baselines.training.pairs import pairs_of
from baselines.training.trained import Materials


class Triples:
    """Takes `share` (of 100 pairs), `by_query`, `interaction`, and what `Negatives` takes: a pair makes as many triples as it has."""

    def __init__(self, tower: ColbertTower, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._options = materials.recipe.objective
        self._tower = tower
        self.model: torch.nn.Module = tower.model
        self._data = pairs_of(self._recipe, materials.cache)
        self._negatives = Negatives(self._data, materials)
        self._interaction = INTERACTIONS[self._options["interaction"]]

    def loss(self, step: int) -> Loss:
        """Averaged over the triples of `step`."""
        pairs = self._data.batch(step, self._recipe.batch, self._seed)
        candidates = self.candidates(pairs, step)
        asked = self._tower.query_tokens([self._data.queries[query] for query, _ in share(pairs)])
        found = self._tower.document_tokens(self._data.documents(share(candidates.documents)))
        cached, lengths = self._options.get("cached", False), self._tower.conventions
        queries = self._tower.matrices(asked, lengths.query_tokens, cached=cached)
        documents = self._tower.matrices(found, lengths.document_tokens, cached=cached)
        scores = self._interaction(queries[candidates.owners], documents)
        right, wrong = scores[candidates.owners[len(pairs) :]], scores[len(pairs) :]
        ordered = float((right > wrong).float().mean())
        return Loss(softplus(wrong - right).mean(), attended(asked) + attended(found), {"ordered": ordered})

    def candidates(self, pairs: list[tuple[str, str]], step: int) -> Candidates:
        """The documents of the pairs, and then the negatives of each query."""
        return self._negatives.candidates(pairs, np.random.default_rng([self._seed, step]))

    def footprint(self) -> Footprint:
        """A query, its document and its negatives."""
        return pair_footprint(self._recipe, 2 + self._negatives.each)

    def save(self, folder: Path) -> None:
        """In the released layout."""
        self._tower.save(folder)


def attended(texts: Sequence[Tokens]) -> int:
    """The tokens that were read: without the [MASK]s, so that the budget of an ablation without them is the same."""
    return sum(len(text.ids) if text.attended is None else text.attended for text in texts)
