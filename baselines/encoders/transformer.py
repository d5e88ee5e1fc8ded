"""The plain Hugging Face encoder: one tower, one vector a text, pooled from the last layer.

Contriever, RetroMAE, MiniLM and their like differ in conventions only: which pooling, scaled to
length 1 or not, how many tokens. Taking another pooling gives other numbers, and no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.variants import weighted
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting
from benchmarks.registry import Variant

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Conventions:
    """How text becomes a vector. Tokens are the most a text may have, special ones included."""

    normalised: bool
    query_tokens: int
    document_tokens: int
    pooling: str = "mean"


class TransformerEncoder:
    """One tower for queries and documents. Loading waits for the first text.

    `build` makes another model of the weights than a backbone with one of `POOLINGS`;
    `Conventions.pooling` then names what it does.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        conventions: Conventions,
        setting: Setting,
        build: Callable[[Weights], torch.nn.Module] | None = None,
    ) -> None:
        self._checkpoint, self._conventions, self._setting = checkpoint, conventions, setting
        self._tower = Tower(lambda: checkpoint.open(setting), build or self._model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions. A folder of the user's is named by the hash of its files."""
        return {
            "model": self._checkpoint.identity(self._setting), "template": "title text",
            "truncation": "longest tokens cut", "dtype": "float32", **asdict(self._conventions),
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._checkpoint.spent(self._setting)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        return self._encode(list(texts), self._conventions.query_tokens)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]; title and text joined by a space."""
        return self._encode([document.contents for document in documents], self._conventions.document_tokens)

    def _encode(self, texts: list[str], longest: int) -> FloatArray:
        return self._tower.vectors(tokenised(self._tower.tokenizer, texts, longest))

    def _model(self, weights: Weights) -> torch.nn.Module:
        from baselines.encoders.modules import Pooled

        return Pooled(weights.backbone(), POOLINGS[self._conventions.pooling], self._conventions.normalised)


def tokenised(tokenizer: Any, texts: list[str], longest: int) -> list[Tokens]:
    """Texts between the tokenizer's own special tokens, cut at `longest`."""
    if not texts:
        return []
    return [Tokens(ids) for ids in tokenizer(texts, truncation=True, max_length=longest)["input_ids"]]


def plain_variant(checkpoint: Checkpoint, conventions: Conventions, summary: str) -> Variant:
    """A variant that is a plain encoder with a published checkpoint."""
    return weighted(lambda setting: TransformerEncoder(checkpoint, conventions, setting), summary, checkpoint)
