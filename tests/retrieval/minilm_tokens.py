"""Real token vectors where no ColBERT can be had: MiniLM's last layer, turned into 128 dimensions, unit length.

As ColBERT does, a query is filled up to 32 vectors with [MASK]s that no position attends to. Nothing was trained for
late interaction: this shows how an index behaves on vectors of a language model, not what ColBERT finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.tower import Batch, Tokens, Tower
from baselines.encoders.weights import Weights
from baselines.minilm import CHECKPOINT
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    import torch

DIMENSION, QUERY_TOKENS, DOCUMENT_TOKENS = 128, 32, 180


class MiniLMTokens:
    """A vector for each of MiniLM's word pieces."""

    token_vectors = "float16"

    def __init__(self) -> None:
        self._tower = Tower(lambda: CHECKPOINT.open(Setting()), _model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its name."""
        return {"model": "MiniLM tokens", "dimension": DIMENSION}

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A list of float32[32, 128]."""
        mask = self._tower.tokenizer.mask_token_id
        cut = self._ids(texts, QUERY_TOKENS)
        return self._tower.matrices(
            [Tokens([*ids, *[mask] * (QUERY_TOKENS - len(ids))], attended=len(ids)) for ids in cut]
        )

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A list of float32[tokens, 128]."""
        cut = self._ids([document.contents for document in documents], DOCUMENT_TOKENS)
        return self._tower.matrices([Tokens(ids) for ids in cut])

    def _ids(self, texts: Sequence[str], longest: int) -> list[list[int]]:
        if not texts:
            return []
        found: list[list[int]] = self._tower.tokenizer(list(texts), truncation=True, max_length=longest)[
            "input_ids"
        ]
        return found


def _model(weights: Weights) -> torch.nn.Module:
    import torch

    class Turned(torch.nn.Module):
        """The last layer in the first columns of a rotation that a seed fixes."""

        def __init__(self) -> None:
            super().__init__()
            self.backbone = weights.backbone()
            rotation, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((384, DIMENSION)))
            self.register_buffer("rotation", torch.from_numpy(rotation.astype(np.float32)))

        def forward(self, batch: Batch) -> torch.Tensor:
            return torch.nn.functional.normalize(batch.run(self.backbone) @ self.rotation, dim=-1)

    return Turned()
