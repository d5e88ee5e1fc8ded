"""How ColBERT compares a query's vectors with a document's, in training (Khattab and Zaharia 2020, section 3.3).

Texts lie side by side, padded; what is padding, or punctuation, counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Matrices:
    """The vectors of texts, float[texts, longest, dimension], and which of them count, bool[texts, longest]."""

    vectors: torch.Tensor
    kept: torch.Tensor

    def __getitem__(self, places: Sequence[int]) -> Matrices:
        chosen = torch.tensor(places, dtype=torch.long, device=self.vectors.device)
        return Matrices(self.vectors[chosen], self.kept[chosen])


def maxsim(queries: Matrices, documents: Matrices) -> torch.Tensor:
    """The score of each query with its document, float[pairs]: sum_i max_j q_i.d_j (equation 3).

    One query may stand for all pairs.
    """
    # In 16 bits the sum of 32 products would be off by more than a teacher's temperature bears.
    with torch.autocast(queries.vectors.device.type, enabled=False):
        products = queries.vectors @ documents.vectors.transpose(1, 2)
    best = products.masked_fill(~documents.kept[:, None], float("-inf")).amax(dim=2)
    return (best * queries.kept).sum(dim=1)


def maxsim_l2(queries: Matrices, documents: Matrices) -> torch.Tensor:
    """The same by negative squared distance, of vectors of length 1: -|q - d|^2 = 2 q.d - 2."""
    return 2 * maxsim(queries, documents) - 2 * queries.kept.sum(dim=1)


def average(queries: Matrices, documents: Matrices) -> torch.Tensor:
    """The mean in the place of the maximum (Figure 5): sum_i mean_j q_i.d_j."""
    asked = (queries.vectors * queries.kept[..., None]).sum(dim=1)
    found = (documents.vectors * documents.kept[..., None]).sum(dim=1)
    return (asked * found).sum(dim=1) / documents.kept.sum(dim=1)


def first_token(queries: Matrices, documents: Matrices) -> torch.Tensor:
    """The two [CLS] alone (Figure 5)."""
    return (queries.vectors[:, 0] * documents.vectors[:, 0]).sum(dim=1)


INTERACTIONS = {
    "MaxSim": maxsim, "MaxSim L2": maxsim_l2, "average": average, "first token": first_token,
}  # fmt: skip


def of_all(queries: Matrices, documents: Matrices) -> torch.Tensor:
    """MaxSim of every query with every document, float[queries, documents]; one query at a time."""
    scores = [maxsim(queries[[place]], documents) for place in range(len(queries.vectors))]
    return torch.stack(scores)
