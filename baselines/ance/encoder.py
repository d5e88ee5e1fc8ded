"""ANCE's encoder: RoBERTa's first token, a linear layer, a LayerNorm; inner product.

Xiong et al. 2021, section 4 ("BERT-Siamese"), in the layout of the released checkpoints:
`roberta.*`, `embeddingHead.*`, `norm.*`. Text is lower-cased, as in its training. Passages are
title and text joined by a space; documents are url, title and body with RoBERTa's separator between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    import torch

QUERY_TOKENS = 64
PASSAGE_TOKENS = 512
DOCUMENT_TEMPLATE = "url </s> title </s> text"
PASSAGES = 4
"""A document's passages under MaxP (section 5): 2,048 tokens, cut at 512."""


def model(weights: Weights) -> torch.nn.Module:
    """RoBERTa with its head. Raises `MissingWeights` where the file has no head."""
    from baselines.ance.head import NAMES, Head

    backbone = weights.backbone()
    hidden = backbone.config.hidden_size
    shapes = {own: (hidden, hidden) if own == "weight" else (hidden,) for own in NAMES}
    return Head(backbone, **{own: weights.tensor(name, shapes[own]) for own, name in NAMES.items()})


class AnceEncoder:
    """One vector a text, of its first `tokens` tokens; `documents` have urls and titles apart."""

    def __init__(self, checkpoint: Checkpoint, tokens: int, setting: Setting, *, documents: bool) -> None:
        self._checkpoint, self._tokens, self._setting = checkpoint, tokens, setting
        self._documents = documents
        self._tower = Tower(lambda: checkpoint.open(setting), model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        template = DOCUMENT_TEMPLATE if self._documents else "title text"
        return {
            **_shared(self._checkpoint, self._setting), "template": template, "document_tokens": self._tokens,
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._checkpoint.spent(self._setting)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        return _encode_queries(self._tower, texts)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        apart = self._documents
        return self._tower.vectors(
            document_tokens(self._tower.tokenizer, documents, self._tokens, apart=apart)
        )


class MaxPEncoder:
    """One vector a query, up to four a document: a document's score is its best passage's.

    That is late interaction with a query of one vector, and goes the same way.
    """

    token_vectors = "float32"

    def __init__(self, checkpoint: Checkpoint, setting: Setting) -> None:
        self._checkpoint, self._setting = checkpoint, setting
        self._tower = Tower(lambda: checkpoint.open(setting), model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            **_shared(self._checkpoint, self._setting), "template": DOCUMENT_TEMPLATE,
            "document_tokens": PASSAGE_TOKENS, "passages": PASSAGES, "aggregation": "best passage",
        }  # fmt: skip

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A list of float32[1, dimension]."""
        return [vector[None] for vector in _encode_queries(self._tower, texts)]

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A list of float32[passages, dimension], one to four passages a document."""
        cut = _passages(self._tower.tokenizer, documents)
        vectors = self._tower.vectors([Tokens(ids) for passages in cut for ids in passages])
        return np.split(vectors, np.cumsum([len(passages) for passages in cut])[:-1]) if cut else []


def _shared(checkpoint: Checkpoint, setting: Setting) -> dict[str, Any]:
    return {
        "model": checkpoint.identity(setting), "case": "lower", "truncation": "end cut",
        "pooling": "first token, linear, LayerNorm", "normalised": False, "dtype": "float32",
        "query_tokens": QUERY_TOKENS,
    }  # fmt: skip


def _encode_queries(tower: Tower, texts: Sequence[str]) -> FloatArray:
    return tower.vectors(query_tokens(tower.tokenizer, texts, QUERY_TOKENS))


def query_tokens(tokenizer: Any, texts: Sequence[str], longest: int) -> list[Tokens]:
    """Queries in lower case, cut."""
    return tokenised(tokenizer, [text.lower() for text in texts], longest)


def document_tokens(
    tokenizer: Any, documents: Sequence[Document], longest: int, *, apart: bool
) -> list[Tokens]:
    """Title and text joined by a space, or, `apart`, url, title and text with separators between; lower-cased, cut."""
    if apart:
        texts = [_with_separators(document, tokenizer) for document in documents]
    else:
        texts = [document.contents.lower() for document in documents]
    return tokenised(tokenizer, texts, longest)


def _with_separators(document: Document, tokenizer: Any) -> str:
    parts = (document.url, document.title, document.text)
    return f" {tokenizer.sep_token} ".join(part.lower() for part in parts if part)


def _passages(tokenizer: Any, documents: Sequence[Document]) -> list[list[list[int]]]:
    """Of each document the first four stretches of 510 tokens, each between <s> and </s>."""
    if not documents:
        return []
    texts = [_with_separators(document, tokenizer) for document in documents]
    inner = PASSAGE_TOKENS - 2
    return [
        [
            [tokenizer.cls_token_id, *ids[start : start + inner], tokenizer.sep_token_id]
            for start in range(0, max(1, min(len(ids), PASSAGES * inner)), inner)
        ]
        for ids in tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    ]
