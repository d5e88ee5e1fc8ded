"""A language model as it is, with one of the poolings of `pooling.py` over its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.tower import Tower
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import Weights
from baselines.sg_opt.pooling import first_token, mean_of_last, mean_of_last_two, wk
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    import torch

TOKENS = 128
_FUNCTIONS = {"cls": first_token, "mean": mean_of_last, "last2": mean_of_last_two, "wk": wk}


class LayerEncoder:
    """One tower for all sentences. Vectors are not scaled; sentence pairs are compared by cosine."""

    def __init__(self, checkpoint: Checkpoint, pooling: str, setting: Setting) -> None:
        self._checkpoint, self._pooling, self._setting = checkpoint, pooling, setting
        self._tower = Tower(lambda: checkpoint.open(setting), self._model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "model": self._checkpoint.identity(self._setting), "template": "title text", "truncation": "end cut",
            "pooling": self._pooling, "normalised": False, "dtype": "float32", "tokens": TOKENS,
        }  # fmt: skip

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        return self._tower.vectors(tokenised(self._tower.tokenizer, list(texts), TOKENS))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        return self.encode_queries([document.contents for document in documents])

    def _model(self, weights: Weights) -> torch.nn.Module:
        from baselines.encoders.modules import LayersPooled

        return LayersPooled(weights.backbone(), _FUNCTIONS[self._pooling])
