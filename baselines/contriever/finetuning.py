"""Fine-tuning with judgments (Izacard et al. 2022, appendix on fine-tuning): in-batch negatives, and one of its own a query.

First that one is any document of the collection. With the encoder that comes out, hard negatives are mined; then
the pre-trained encoder is fine-tuned anew, and its own negative is a mined one now and then. The paper's optimiser is
ASAM on top of AdamW's learning rate; here, as in the paper's ablations (section 6), it is AdamW alone.
"""

from __future__ import annotations

import numpy as np

from baselines.training.finetuning import FineTuning
from baselines.training.negatives import Candidates
from baselines.training.objective import Footprint, pair_footprint


class OneNegativeEach(FineTuning):
    """Takes `hard`, how often a query's own negative is a mined one, and what `FineTuning` takes."""

    def candidates(self, pairs: list[tuple[str, str]], step: int) -> Candidates:
        """The documents of the pairs, and then one negative of each query."""
        rng = np.random.default_rng([self._seed, step])
        hard = rng.random(len(pairs)) < self._options["hard"]
        own = self._data.drawn(len(pairs), rng)
        for place, (query, _) in enumerate(pairs):
            if hard[place] and (found := self._negatives.mined.get(query)):
                own[place] = found[rng.integers(len(found))]
        return Candidates([document for _, document in pairs] + own, [*range(len(pairs))] * 2)

    def footprint(self) -> Footprint:
        """Three texts a pair."""
        return pair_footprint(self._recipe, 3)
