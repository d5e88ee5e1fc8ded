"""Negatives: the documents that a query brings to its batch besides its own, which should not be taken for an answer.

Four kinds, after Karpukhin et al. 2020, section 3.2, and Xiong et al. 2021, section 5: what a retriever ranks high
(`miner`), any document, what answers another query, and, without being brought, the other documents of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.training.mining import Mined, negatives_of
from baselines.training.pairs import TrainingPairs
from baselines.training.trained import Materials

Pairs = Sequence[tuple[str, str]]
"""Query id and document id."""


@dataclass(frozen=True)
class Candidates:
    """The documents of a batch by id: that of each pair, in their order, and then negatives.

    `owners` says which pair brought each.
    """

    documents: list[str]
    owners: list[int]

    def forbidden(self, pairs: Pairs, data: TrainingPairs, *, in_batch: bool) -> NDArray[np.bool_]:
        """Which documents a query is not compared with, bool[pairs, documents]: other relevant ones.

        Without `in_batch`, what other pairs brought as well.
        """
        own = np.arange(len(pairs))
        refused = data.false_negatives([query for query, _ in pairs], self.documents)
        if not in_batch:
            refused |= own[:, None] != np.array(self.owners)
        refused[own, own] = False
        return refused


class Negatives:
    """Takes `negatives_each` (1) mined from the best `negatives` (0: none), `random_each` and `gold_each` (0).

    They are mined by `miner`, a spec, or by what the recipe starts from, unless they are given.
    """

    def __init__(self, data: TrainingPairs, materials: Materials, mined: Mined | None = None) -> None:
        options = materials.recipe.objective
        self._data = data
        self.mined: Mined = mined or {}
        self._mined_each = options.get("negatives_each", 1) if options.get("negatives") else 0
        if self._mined_each and mined is None:
            self.mined = negatives_of(materials.recipe, materials.seed, materials.cache, materials.progress)
        self._random_each, self._gold_each = options.get("random_each", 0), options.get("gold_each", 0)

    @property
    def each(self) -> int:
        """How many negatives a query brings at most."""
        return int(self._mined_each + self._random_each + self._gold_each)

    def candidates(self, pairs: Pairs, rng: np.random.Generator) -> Candidates:
        """The documents of the pairs, and then of each kind those of each query, drawn with replacement.

        A query of which nothing was mined brings none of that kind.
        """
        documents, owners = [document for _, document in pairs], list(range(len(pairs)))
        for place, (query, _) in enumerate(pairs):
            if found := self.mined.get(query):
                documents += [found[n] for n in rng.integers(len(found), size=self._mined_each)]
                owners += [place] * self._mined_each
        for each, drawn in ((self._random_each, self._data.drawn), (self._gold_each, self._gold)):
            if each:
                documents += drawn(each * len(pairs), rng)
                owners += [place for place in range(len(pairs)) for _ in range(each)]
        return Candidates(documents, owners)

    def _gold(self, count: int, rng: np.random.Generator) -> list[str]:
        """Documents that answer some query."""
        return [self._data.pairs[n][1] for n in rng.integers(len(self._data.pairs), size=count)]
