"""MaxP in training (Xiong et al. 2021, section 5): a document is its passages, and scores what the best of them does.

Which passage that is depends on the query; the gradient goes to it alone. Refreshes search in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from baselines.ance.encoder import passages_of, template_of
from baselines.ance.training import OneNegative
from baselines.training.chunks import read
from baselines.training.objective import Footprint, pair_footprint
from benchmarks.interfaces import Document


class BestPassage(OneNegative):
    """Takes `passages`, how many of a document are read, of `document_tokens` each; and what `OneNegative` takes."""

    def encoded(self, documents: Sequence[Document]) -> tuple[torch.Tensor, int]:
        """The passages of each document, float[documents, passages, dimension], and the tokens that were read."""
        template, most = template_of(self._options), self._options["passages"]
        cut = passages_of(self._towers.tokenizer, documents, self._recipe.document_tokens, most, template)
        passages = [tokens for some in cut for tokens in some]
        vectors = self._vectors(self._towers.document, passages)
        return by_document(vectors, [len(some) for some in cut], most), read(passages)

    def scores(self, asked: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        """The best inner product of each query [n, dimension] with a passage of each document: float[n, documents]."""
        best: torch.Tensor = torch.einsum("qd,npd->qnp", asked, found).max(dim=2).values
        return best

    def footprint(self) -> Footprint:
        """Queries, and all passages of their documents and of a negative each."""
        texts = 1 + (1 + bool(self._kinds)) * self._options["passages"]
        return replace(super().footprint(), tokens=pair_footprint(self._recipe, texts).tokens)


def by_document(vectors: torch.Tensor, counts: Sequence[int], most: int) -> torch.Tensor:
    """Passages [sum of counts, dimension] by document: [documents, most, dimension].

    Of a document with fewer the last stands in for those that it has not: the best of them remains the best.
    """
    lengths = torch.tensor(counts, device=vectors.device)
    places = torch.arange(most, device=vectors.device)[None].minimum(lengths[:, None] - 1)
    return vectors[(lengths.cumsum(0) - lengths)[:, None] + places]
