"""Fine-tuning on judged pairs: the softmax of a query's document over those of the batch.

Besides the documents of the other queries each query may bring negatives of its own (`negatives.py`). Documents that
are judged relevant to a query are no negatives of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from baselines.encoders.tower import Tokens
from baselines.training.chunks import read, vectors_of
from baselines.training.devices import gathered, share
from baselines.training.losses import hit_rate, likelihood
from baselines.training.mining import Mined
from baselines.training.negatives import Candidates, Negatives
from baselines.training.objective import Footprint, Loss, pair_footprint
from baselines.training.pairs import TrainingPairs, pairs_of
from baselines.training.towers import Towers
from baselines.training.trained import Materials
from benchmarks.interfaces import Document


class FineTuning:
    """Takes `share` (of 100 pairs), `by_query` (false), `temperature`, `in_batch` (true), and what `Negatives` takes.

    Without `in_batch` a query is compared with its own document and its own negatives alone. `data` and `mined` stand
    in for the judged pairs, and for what `Negatives` would mine.
    """

    def __init__(
        self,
        towers: Towers,
        materials: Materials,
        data: TrainingPairs | None = None,
        mined: Mined | None = None,
    ) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._options = materials.recipe.objective
        self._towers = towers
        self.model = self._towers.model
        self._data = data or pairs_of(self._recipe, materials.cache)
        self._negatives = Negatives(self._data, materials, mined)

    def loss(self, step: int) -> Loss:
        """The loss of the pairs of `step`, averaged over the queries."""
        pairs = self._data.batch(step, self._recipe.batch, self._seed)
        candidates = self.candidates(pairs, step)
        texts = self._towers.query_tokens([self._data.queries[query] for query, _ in share(pairs)])
        asked = gathered(self._vectors(self._towers.query, texts))
        found, tokens = self.encoded(self._data.documents(share(candidates.documents)))
        found = gathered(found)
        forbidden = torch.from_numpy(
            candidates.forbidden(pairs, self._data, in_batch=self._options.get("in_batch", True))
        )
        right = torch.arange(len(pairs), device=asked.device)
        value = self.value(asked, found, forbidden.to(asked.device))
        return Loss(value, read(texts) + tokens, {"hits": hit_rate(self.scores(asked, found), right)})

    def encoded(self, documents: Sequence[Document]) -> tuple[torch.Tensor, int]:
        """What stands for each document, float[documents, dimension], and the tokens that were read for it."""
        passages = self._towers.document_tokens(documents)
        return self._vectors(self._towers.document, passages), read(passages)

    def scores(self, asked: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        """Of each query with each document, float[queries, documents]: inner products."""
        return asked @ found.T

    def value(self, asked: torch.Tensor, found: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
        """Minus the log of the right documents' shares: query i is answered by document i.

        `asked` [queries, dimension], `found` [documents, dimension], `forbidden` bool[queries, documents].
        """
        right = torch.arange(len(asked), device=asked.device)
        return likelihood(self.scores(asked, found) / self._options["temperature"], right, forbidden)

    def candidates(self, pairs: list[tuple[str, str]], step: int) -> Candidates:
        """The documents of the pairs, and then the negatives of each query."""
        return self._negatives.candidates(pairs, np.random.default_rng([self._seed, step]))

    def footprint(self) -> Footprint:
        """Queries and documents of a batch."""
        return pair_footprint(self._recipe, 2 + self._negatives.each)

    def _vectors(self, tower: torch.nn.Module, texts: Sequence[Tokens]) -> torch.Tensor:
        padding, cached = self._towers.tokenizer.pad_token_id, self._options.get("cached", False)
        return vectors_of(tower, texts, padding, cached=cached)

    def save(self, folder: Path) -> None:
        """The towers."""
        self._towers.save(folder)
