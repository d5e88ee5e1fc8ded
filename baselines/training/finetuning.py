"""Fine-tuning on judged pairs: the softmax of a query's document over those of the batch.

Besides the documents of the other queries each query may bring mined ones (`negatives` names the depth they are drawn
from). Documents that are judged relevant to a query are no negatives of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from baselines.training.chunks import read, vectors_of
from baselines.training.devices import gathered, share
from baselines.training.losses import contrastive, hit_rate
from baselines.training.mining import Negatives, negatives_of
from baselines.training.objective import Footprint, Loss, pair_footprint
from baselines.training.pairs import TrainingPairs, training_pairs
from baselines.training.towers import Towers
from baselines.training.trained import Materials


class FineTuning:
    """Takes `share` (of 100 pairs), `temperature`, and `negatives`: 0, or the depth that some are mined from.

    These are `negatives_each` a query, or one, and found by `miner`, a spec, or by what it starts from.
    """

    def __init__(self, towers: Towers, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._options = materials.recipe.objective
        self._towers = towers
        self.model = self._towers.model
        self._data: TrainingPairs = training_pairs(
            self._recipe.corpus, self._options["share"], materials.cache
        )
        self._mined: Negatives = {}
        self._each = self._options.get("negatives_each", 1)
        if self._options.get("negatives"):
            self._mined = negatives_of(self._recipe, self._seed, materials.cache, materials.progress)

    def loss(self, step: int) -> Loss:
        """Minus the log of the right documents' shares, averaged over the queries."""
        pairs = self._data.batch(step, self._recipe.batch, self._seed)
        queries, documents = [query for query, _ in pairs], self.with_negatives(pairs, step)
        texts = self._towers.query_tokens([self._data.queries[query] for query in share(queries)])
        passages = self._towers.document_tokens(self._data.documents(share(documents)))
        padding, cached = self._towers.tokenizer.pad_token_id, self._options.get("cached", False)
        asked = gathered(vectors_of(self._towers.query, texts, padding, cached=cached))
        found = gathered(vectors_of(self._towers.document, passages, padding, cached=cached))
        right = torch.arange(len(pairs), device=asked.device)
        known = torch.from_numpy(self._data.false_negatives(queries, documents)).to(asked.device)
        known[right, right] = False
        value = contrastive(asked, found, right, self._options["temperature"], forbidden=known)
        return Loss(value, read(texts) + read(passages), {"hits": hit_rate(asked, found, right)})

    def with_negatives(self, pairs: list[tuple[str, str]], step: int) -> list[str]:
        """The documents of the pairs, and then mined negatives of each query that has some."""
        rng = np.random.default_rng([self._seed, step])
        hard = [
            found[place]
            for query, _ in pairs if (found := self._mined.get(query))
            for place in rng.integers(len(found), size=self._each)
        ]  # fmt: skip
        return [document for _, document in pairs] + hard

    def footprint(self) -> Footprint:
        """Queries and documents of a batch."""
        return pair_footprint(self._recipe, 2 + self._each if self._mined else 2)

    def save(self, folder: Path) -> None:
        """The towers."""
        self._towers.save(folder)
