"""A Hugging Face encoder: text to one vector, the mean of the last layer over the text's tokens.

Texts are tokenised together, sorted by length, and run in batches of similar length, so that
little is padded. Rows do not depend on their neighbours beyond rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.checkpoints import SAFETENSORS, Checkpoint, weights_in
from benchmarks.interfaces import Document, FloatArray
from benchmarks.storage.atomic import sha256_of

if TYPE_CHECKING:
    import torch

_TOKENS_PER_BATCH = {"cpu": 2_048, "cuda": 65_536}
"""Padded tokens run together. On a CPU small batches stay in its caches: an eighth faster than 32 texts."""


def mean_pooling(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean of hidden states [batch, tokens, dimension] over the tokens of mask [batch, tokens]."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


@dataclass(frozen=True)
class Conventions:
    """Whether vectors are scaled to length 1, and how many tokens a text may have, special ones included."""

    normalised: bool
    query_tokens: int
    document_tokens: int


class TransformerEncoder:
    """One tower for queries and documents. Loading waits for the first text."""

    def __init__(self, checkpoint: Checkpoint, conventions: Conventions, folder: Path | None = None) -> None:
        self._checkpoint, self._conventions, self._folder = checkpoint, conventions, folder
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions. A folder of the user's is named by the hash of its weights."""
        return {
            "model": self._identity(), "template": "title text", "truncation": "longest tokens cut",
            "pooling": "mean", "dtype": "float32", **asdict(self._conventions),
        }  # fmt: skip

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        return self._encode(list(texts), self._conventions.query_tokens)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]; title and text joined by a space."""
        return self._encode([document.contents for document in documents], self._conventions.document_tokens)

    def _identity(self) -> dict[str, str]:
        checkpoint = self._checkpoint
        if self._folder is not None and checkpoint.on_disk(self._folder) is not None:
            return {"sha256": sha256_of(weights_in(self._folder))}
        return {
            "repository": checkpoint.repository, "revision": checkpoint.revision,
            "weights_sha256": checkpoint.weights_sha256,
        }  # fmt: skip

    def _load(self) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = self._checkpoint.locate(self._folder)
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        # A PyTorch file is read with torch.load(weights_only=True): tensors, never code.
        self._model = AutoModel.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=weights_in(folder).name == SAFETENSORS,
            dtype=torch.float32, add_pooling_layer=False,
        ).eval()  # fmt: skip
        if torch.cuda.is_available():
            self._model.cuda()

    def _encode(self, texts: list[str], longest: int) -> FloatArray:
        import torch

        if self._model is None:
            self._load()
        vectors = np.empty((len(texts), self._model.config.hidden_size), dtype=np.float32)
        if not texts:
            return vectors
        ids = self._tokenizer(texts, truncation=True, max_length=longest)["input_ids"]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        with torch.inference_mode():
            for batch in _batches(order, ids, _TOKENS_PER_BATCH[self._model.device.type]):
                vectors[batch] = self._run([ids[i] for i in batch])
        return vectors

    def _run(self, ids: list[list[int]]) -> FloatArray:
        import torch

        longest = max(map(len, ids))
        padded = torch.full((len(ids), longest), self._tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros((len(ids), longest), dtype=torch.long)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        device = self._model.device
        mask = mask.to(device)
        hidden = self._model(input_ids=padded.to(device), attention_mask=mask).last_hidden_state
        vectors = mean_pooling(hidden, mask)
        if self._conventions.normalised:
            vectors = torch.nn.functional.normalize(vectors, dim=1)
        result: FloatArray = vectors.float().cpu().numpy()
        return result


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]], tokens: int) -> Iterator[list[int]]:
    """Cut `order`, longest text first, into batches of at most `tokens` padded tokens."""
    start = 0
    while start < len(order):
        rows = max(1, tokens // max(1, len(ids[order[start]])))
        yield list(order[start : start + rows])
        start += rows
