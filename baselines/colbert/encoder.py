"""ColBERT's encoder: BERT's last layer through a linear layer, a unit vector for each token.

Khattab and Zaharia 2020, section 3.2. Queries are `[CLS] [Q] text [SEP]` filled up to 32 with
[MASK]s, which are scored like words (query augmentation) though no position attends to them, as in
the released code. Passages are `[CLS] [D] text [SEP]`; the vectors of punctuation are left out.
[Q] and [D] are BERT's [unused0] and [unused1]. With unit vectors, MaxSim by inner product and by
negative squared distance (the paper's end-to-end form) rank alike: -|q - d|^2 = 2 q.d - 2.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    import torch

QUERY_TOKENS = 32
DIMENSION = 128
QUERY_MARKER, DOCUMENT_MARKER = "[unused0]", "[unused1]"


class ColbertEncoder:
    """One tower, a matrix a text."""

    token_vectors = "float16"

    def __init__(self, checkpoint: Checkpoint, document_tokens: int, setting: Setting) -> None:
        self._checkpoint, self._tokens, self._setting = checkpoint, document_tokens, setting
        self._tower = Tower(lambda: checkpoint.open(setting), _model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "model": self._checkpoint.identity(self._setting), "template": "[CLS] [D] title text [SEP]",
            "query_template": "[CLS] [Q] text [SEP] [MASK]...", "truncation": "end cut", "masks": "scored, not attended to",
            "punctuation": "left out", "normalised": True, "dtype": "float32", "dimension": DIMENSION,
            "query_tokens": QUERY_TOKENS, "document_tokens": self._tokens,
        }  # fmt: skip

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A list of float32[32, 128]."""
        tokenizer = self._tower.tokenizer
        found = []
        for ids in self._marked(list(texts), QUERY_MARKER, QUERY_TOKENS):
            masks = [tokenizer.mask_token_id] * (QUERY_TOKENS - len(ids))
            found.append(Tokens([*ids, *masks], attended=len(ids)))
        return self._tower.matrices(found)

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A list of float32[tokens that are no punctuation, 128]."""
        tokenizer = self._tower.tokenizer
        left_out = set(tokenizer.convert_tokens_to_ids(list(string.punctuation))) - {tokenizer.unk_token_id}
        found = []
        for ids in self._marked([document.contents for document in documents], DOCUMENT_MARKER, self._tokens):
            found.append(Tokens(ids, kept=[place for place, id in enumerate(ids) if id not in left_out]))
        return self._tower.matrices(found)

    def _marked(self, texts: list[str], marker: str, longest: int) -> list[list[int]]:
        """Token ids of each text between [CLS] and [SEP], the marker second, cut at `longest`."""
        if not texts:
            return []
        tokenizer = self._tower.tokenizer
        cut = tokenizer(texts, add_special_tokens=False, truncation=True, max_length=longest - 3)["input_ids"]
        second = tokenizer.convert_tokens_to_ids(marker)
        return [[tokenizer.cls_token_id, second, *ids, tokenizer.sep_token_id] for ids in cut]


def _model(weights: Weights) -> torch.nn.Module:
    from baselines.colbert.head import Head

    backbone = weights.backbone()
    return Head(backbone, weights.tensor("linear.weight", (DIMENSION, backbone.config.hidden_size)))
