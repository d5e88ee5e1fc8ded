"""The encoders in training: texts to tokens, tokens to vectors, and the way back to disk.

What a paper trains is one tower for both sides, or two. Both read the tokens that the finished encoder reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import save_file

from baselines.encoders.checkpoints import SAFETENSORS
from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Tokens
from baselines.encoders.transformer import Conventions, tokenised
from baselines.encoders.weights import Weights, quiet
from benchmarks.interfaces import Document


class Towers(Protocol):
    """What encodes queries and documents. `query` and `document` may be one module."""

    tokenizer: Any

    @property
    def model(self) -> torch.nn.Module:
        """Both."""

    @property
    def query(self) -> torch.nn.Module:
        """A `Batch` of queries to float[texts, dimension]."""

    @property
    def document(self) -> torch.nn.Module:
        """A `Batch` of documents to float[texts, dimension]."""

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Queries as tokens."""

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """Documents as tokens."""

    def save(self, folder: Path) -> None:
        """Write what an encoder needs: weights, configuration, tokenizer."""


class OneTower:
    """One plain encoder for both sides, as `TransformerEncoder` reads it."""

    def __init__(self, weights: Weights, conventions: Conventions) -> None:
        self.tokenizer = weights.tokenizer()
        self._conventions = conventions
        self.backbone = weights.backbone()
        self.model: torch.nn.Module = Pooled(
            self.backbone, POOLINGS[conventions.pooling], conventions.normalised
        )
        self.query = self.document = self.model

    def query_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Between [CLS] and [SEP], cut."""
        return tokenised(self.tokenizer, list(texts), self._conventions.query_tokens)

    def document_tokens(self, documents: Sequence[Document]) -> list[Tokens]:
        """Title and text joined by a space, between [CLS] and [SEP], cut."""
        texts = [document.contents for document in documents]
        return tokenised(self.tokenizer, texts, self._conventions.document_tokens)

    def save(self, folder: Path) -> None:
        """As transformers saves a model and its tokenizer."""
        save_backbone(self.backbone, self.tokenizer, folder)


def save_backbone(backbone: Any, tokenizer: Any, folder: Path) -> None:
    """Write a transformers encoder and its tokenizer."""
    quiet()
    folder.mkdir(parents=True, exist_ok=True)
    backbone.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_under(
    prefix: str,
    backbone: Any,
    others: Mapping[str, torch.Tensor],
    tokenizer: Any,
    folder: Path,
    **shape: int,
) -> None:
    """Write an encoder whose tensors' names begin with `prefix`, other tensors beside it, configuration and tokenizer.

    `shape` stands in the configuration in place of what the encoder's own says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {**{f"{prefix}{name}": tensor for name, tensor in backbone.state_dict().items()}, **others}
    ours = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(ours, folder / SAFETENSORS)
    type(backbone.config).from_dict({**backbone.config.to_dict(), **shape}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def framed(tokenizer: Any, longest: int, *parts: Sequence[int]) -> Tokens:
    """Token ids as a text: [CLS] part [SEP], or [CLS] part [SEP] part [SEP]; the last part is cut at `longest`."""
    ids = [tokenizer.cls_token_id]
    for part in parts[:-1]:
        ids += [*part, tokenizer.sep_token_id]
    room = longest - len(ids) - 1
    return Tokens([*ids[: longest - 1], *parts[-1][: max(0, room)], tokenizer.sep_token_id])
