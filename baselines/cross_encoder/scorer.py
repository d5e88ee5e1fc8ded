"""A re-ranker that reads query and document together: [CLS] query [SEP] document [SEP] to one number.

The layout is that of transformers' BertForSequenceClassification with one label: BERT, its pooler
(a linear layer and tanh on [CLS]), and a linear layer. Scores are the bare logits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.weights import Weights
from benchmarks.efficiency.stages import stage
from benchmarks.interfaces import Cost, Document, FloatArray, Query
from benchmarks.retrieval.texts import TextStore

if TYPE_CHECKING:
    import torch

TOKENS = 512


class CrossEncoder:
    """Scores documents that another retriever found; their texts are kept in its index."""

    index_protocol = TextStore.PROTOCOL

    def __init__(self, weights: Callable[[], Weights], identity: Mapping[str, Any]) -> None:
        self._identity = dict(identity)
        self._tower = Tower(weights, _model)
        self._texts: TextStore

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "kind": "cross-encoder", "model": self._identity, "template": "[CLS] query [SEP] title text [SEP]",
            "truncation": "longest segment cut", "tokens": TOKENS, "dtype": "float32",
        }  # fmt: skip

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Keep the documents' texts."""
        self._texts = TextStore(folder)
        self._texts.build(documents)

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """What keeping the texts of `sample` takes."""
        return TextStore.cost_of(sample)

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """The logit of each query with each of its candidates. Raises `EvaluationError` for an unknown id."""
        scores = []
        for query, ids in zip(queries, candidates, strict=True):
            with stage("fetch"):
                documents = self._texts.get(ids)
            scores.append(self._scores(query.text, [document.contents for document in documents]))
        return scores

    def _scores(self, query: str, documents: list[str]) -> FloatArray:
        if not documents:
            return np.empty(0, dtype=np.float32)
        cut = self._tower.tokenizer(
            [query] * len(documents), documents, truncation="longest_first", max_length=TOKENS
        )
        pairs = [
            Tokens(ids, segment=segments.index(1) if 1 in segments else None)
            for ids, segments in zip(cut["input_ids"], cut["token_type_ids"], strict=True)
        ]
        return self._tower.vectors(pairs)[:, 0]


def _model(weights: Weights) -> torch.nn.Module:
    from baselines.cross_encoder.head import Head

    backbone = weights.backbone()
    hidden = backbone.config.hidden_size
    return Head(
        backbone,
        weights.tensor("bert.pooler.dense.weight", (hidden, hidden)), weights.tensor("bert.pooler.dense.bias", (hidden,)),
        weights.tensor("classifier.weight", (1, hidden)), weights.tensor("classifier.bias", (1,)),
    )  # fmt: skip
