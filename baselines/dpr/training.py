"""DPR's training (Karpukhin et al. 2020, section 3.2): a question's passage against others, in and beside its batch.

Which passages these are is said in `supervision.py` and in the shared `negatives.py`, what is learnt from them in
`losses.py`. On the paper's choices, dot and nll, it is the fine-tuning that all papers share.
"""

from __future__ import annotations

import torch

from baselines.dpr.losses import LOSSES, SIMILARITIES
from baselines.dpr.supervision import supervision
from baselines.dpr.towers import TwoBerts
from baselines.training.finetuning import FineTuning
from baselines.training.trained import Materials


class DualTraining(FineTuning):
    """Takes `similarity` (dot, cosine, l2), `loss` (nll, triplet), `positives`, and what `FineTuning` takes.

    `hits` of the log are by inner product, whatever the similarity.
    """

    def __init__(self, materials: Materials) -> None:
        data, negatives = supervision(materials)
        super().__init__(TwoBerts(materials.start, materials.recipe), materials, data, negatives)

    def value(self, asked: torch.Tensor, found: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
        """The loss of similarities, which `temperature` divides; shapes as `FineTuning` has them."""
        alike = SIMILARITIES[self._options["similarity"]](asked, found)
        return LOSSES[self._options["loss"]](alike / self._options["temperature"], forbidden)
