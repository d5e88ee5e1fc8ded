"""Hugging Face encoders as the bench wants them: a tower for queries, a tower for documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from baselines.encoders.towers import Text, Tower
from benchmarks.interfaces import Document, FloatArray


@dataclass(frozen=True)
class Conventions:
    """How a model wants its text, and what becomes of its hidden states.

    `template` is "title text" (joined by a space) or "title [SEP] text" (a pair for the tokenizer).
    """

    pooling: str
    normalised: bool
    query_tokens: int
    document_tokens: int
    template: str = "title text"


class TransformerEncoder:
    """One vector a text, compared by inner product. Both towers may be one."""

    def __init__(self, queries: Tower, documents: Tower, conventions: Conventions) -> None:
        self._queries, self._documents, self._conventions = queries, documents, conventions

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoints and conventions."""
        queries, documents = dict(self._queries.protocol), dict(self._documents.protocol)
        model = queries if self._queries is self._documents else {"queries": queries, "documents": documents}
        return {
            "model": model,
            "truncation": "longest tokens cut",
            "dtype": "float32",
            **asdict(self._conventions),
        }

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        ways = self._conventions
        return self._queries.encode(texts, ways.query_tokens, ways.pooling, ways.normalised)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        ways = self._conventions
        texts: list[Text]
        if ways.template == "title text":
            texts = [document.contents for document in documents]
        else:
            texts = [(document.title, document.text) for document in documents]
        return self._documents.encode(texts, ways.document_tokens, ways.pooling, ways.normalised)
