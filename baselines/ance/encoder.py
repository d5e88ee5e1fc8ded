"""ANCE's encoder: RoBERTa's first token, a linear layer, a LayerNorm; inner product.

Xiong et al. 2021, section 4 ("BERT-Siamese"), in the layout of the released checkpoints:
`roberta.*`, `embeddingHead.*`, `norm.*`. Text is lower-cased, as in its training. Passages are
title and text joined by a space; documents are url, title and body with RoBERTa's separator between.
Of a document there is one vector (FirstP), or one for each of its first passages (MaxP), which the lab's towers give too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.dual import DualEncoder
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.transformer import tokenised
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    import torch

QUERY_TOKENS = 64
PASSAGE_TEMPLATE, DOCUMENT_TEMPLATE, TITLED_TEMPLATE = (
    "title text",
    "url </s> title </s> text",
    "title </s> text",
)
"""What is read of a document: the paper's passages, its documents, and what the lab's towers read; </s> is the tokenizer's."""


def model(weights: Weights) -> torch.nn.Module:
    """RoBERTa with its head. Raises `MissingWeights` where the file has no head."""
    from baselines.ance.head import NAMES, Head

    backbone = weights.backbone()
    hidden = backbone.config.hidden_size
    shapes = {own: (hidden, hidden) if own == "weight" else (hidden,) for own in NAMES}
    return Head(backbone, **{own: weights.tensor(name, shapes[own]) for own, name in NAMES.items()})


class AnceEncoder:
    """One vector a text, of the first `tokens` tokens of what the `template` has of it; of a query's `query_tokens`."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        tokens: int,
        setting: Setting,
        template: str,
        query_tokens: int = QUERY_TOKENS,
    ) -> None:
        self._checkpoint, self._tokens, self._setting = checkpoint, tokens, setting
        self._template, self._query_tokens = template, query_tokens
        self.document_tower = Tower(lambda: checkpoint.open(setting), model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "model": self._checkpoint.identity(self._setting), "case": "lower", "truncation": "end cut",
            "pooling": "first token, linear, LayerNorm", "normalised": False, "dtype": "float32",
            "query_tokens": self._query_tokens, "template": self._template, "document_tokens": self._tokens,
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._checkpoint.spent(self._setting)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        tower = self.document_tower
        return tower.vectors(query_tokens(tower.tokenizer, texts, self._query_tokens))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        tower = self.document_tower
        return tower.vectors(document_tokens(tower.tokenizer, documents, self._tokens, self._template))


class MaxPEncoder:
    """One vector a query, and one for each of the first `most` passages of a document, of so many `tokens` each.

    A document's score is its best passage's: late interaction with a query of one vector, and it goes the same way.
    Queries and passages are encoded as by `single`.
    """

    token_vectors = "float32"

    def __init__(self, single: AnceEncoder | DualEncoder, tokens: int, most: int, template: str) -> None:
        self._single, self._tokens, self._most, self._template = single, tokens, most, template

    @property
    def protocol(self) -> Mapping[str, Any]:
        """That of single vectors, and how documents are cut."""
        return {
            **self._single.protocol, "template": self._template, "case": "lower", "truncation": "end cut",
            "document_tokens": self._tokens, "passages": self._most, "aggregation": "best passage",
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._single.training

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A list of float32[1, dimension]."""
        return [vector[None] for vector in self._single.encode_queries(texts)]

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A list of float32[passages, dimension], one to `most` passages a document."""
        tower = self._single.document_tower
        cut = passages_of(tower.tokenizer, documents, self._tokens, self._most, self._template)
        vectors = tower.vectors([tokens for passages in cut for tokens in passages])
        return np.split(vectors, np.cumsum([len(passages) for passages in cut])[:-1]) if cut else []


def template_of(options: Mapping[str, Any]) -> str:
    """What a recipe's towers read of a document, by the options of its objective."""
    if "shared" in options:
        return TITLED_TEMPLATE
    return DOCUMENT_TEMPLATE if options["documents"] else PASSAGE_TEMPLATE


def query_tokens(tokenizer: Any, texts: Sequence[str], longest: int) -> list[Tokens]:
    """Queries in lower case, cut."""
    return tokenised(tokenizer, [text.lower() for text in texts], longest)


def document_tokens(
    tokenizer: Any, documents: Sequence[Document], longest: int, template: str
) -> list[Tokens]:
    """The first `longest` tokens of each document's text, special ones included."""
    return tokenised(tokenizer, _texts(tokenizer, documents, template), longest)


def passages_of(
    tokenizer: Any, documents: Sequence[Document], longest: int, most: int, template: str
) -> list[list[Tokens]]:
    """Of each document's text the first `most` stretches, each of `longest` tokens with <s> and </s> around it.

    At least one, which may be empty, and none that is behind the text's end.
    """
    if not documents:
        return []
    inner = longest - 2
    return [
        [
            Tokens([tokenizer.cls_token_id, *ids[start : start + inner], tokenizer.sep_token_id])
            for start in range(0, max(1, min(len(ids), most * inner)), inner)
        ]
        for ids in tokenizer(_texts(tokenizer, documents, template), add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
    ]


def _texts(tokenizer: Any, documents: Sequence[Document], template: str) -> list[str]:
    """The fields of a template that are not empty, with separators or spaces between; lower-cased."""
    if template == PASSAGE_TEMPLATE:
        return [document.contents.lower() for document in documents]
    fields = [field.strip() for field in template.split("</s>")]
    found = ([getattr(document, field).lower() for field in fields] for document in documents)
    return [f" {tokenizer.sep_token} ".join(filter(None, parts)) for parts in found]
