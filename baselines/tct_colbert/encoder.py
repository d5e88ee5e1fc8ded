"""TCT-ColBERT's encoder: the mean of BERT's last layer, with ColBERT's ways kept half.

Lin et al. 2021, section 3, and the authors' documentation. A query is `[CLS] [Q] text` filled up
with [MASK]s to 36 word pieces, a passage `[CLS] [D] text`, neither with a [SEP]. `[Q]` and `[D]` are
no special tokens: three pieces each, so that the four leading positions are left out of the mean,
and a query's [MASK]s are in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.pooling import mean
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    import torch

MARKERS = 4
QUERY_TOKENS = 32 + MARKERS
PASSAGE_TOKENS = 150 + MARKERS
FIRSTP_TOKENS = 512
"""Of a passage, and of a document, of which the beginning is read (Table 4)."""


class TctEncoder:
    """One tower, two formats. `tokens` are the most a document may have."""

    def __init__(self, checkpoint: Checkpoint, setting: Setting, tokens: int = PASSAGE_TOKENS) -> None:
        self._checkpoint, self._setting, self._tokens = checkpoint, setting, tokens
        self._tower = Tower(lambda: checkpoint.open(setting), _model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "model": self._checkpoint.identity(self._setting), "template": "[CLS] [D] title text",
            "query_template": "[CLS] [Q] text [MASK]...", "truncation": "end cut",
            "pooling": f"mean from position {MARKERS}", "normalised": False, "dtype": "float32",
            "query_tokens": QUERY_TOKENS, "document_tokens": self._tokens,
        }  # fmt: skip

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        masks = self._tower.tokenizer.mask_token * QUERY_TOKENS
        return self._encode([f"[CLS] [Q] {text}{masks}" for text in texts], QUERY_TOKENS)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]; an empty document gives the zero vector."""
        return self._encode([f"[CLS] [D] {document.contents}" for document in documents], self._tokens)

    def _encode(self, texts: list[str], longest: int) -> FloatArray:
        if not texts:
            return self._tower.vectors([])
        cut = self._tower.tokenizer(texts, add_special_tokens=False, truncation=True, max_length=longest)
        return self._tower.vectors(
            [Tokens(ids, kept=list(range(MARKERS, len(ids)))) for ids in cut["input_ids"]]
        )


def _model(weights: Weights) -> torch.nn.Module:
    from baselines.encoders.modules import Pooled

    return Pooled(weights.backbone(), mean, normalised=False)
