"""One checkpoint as a tower: token ids to one vector.

Texts are tokenised together, sorted by length, and run in batches of similar length, so that
little is padded. Rows do not depend on their neighbours beyond rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.checkpoints import SAFETENSORS, Checkpoint, weights_in
from benchmarks.interfaces import FloatArray
from benchmarks.storage.atomic import sha256_of

if TYPE_CHECKING:
    import torch

    Pooling = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

Text = str | tuple[str, str]
"""One text, or a pair that the tokenizer puts its separator between."""

_TOKENS_PER_BATCH = {"cpu": 2_048, "cuda": 65_536}
"""Padded tokens run together. On a CPU small batches stay in its caches: an eighth faster than 32 texts."""


def mean_pooling(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean of hidden states [batch, tokens, dimension] over the tokens of mask [batch, tokens]."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1e-9)


def first_token(hidden: torch.Tensor, _mask: torch.Tensor) -> torch.Tensor:
    """The last layer's state [batch, dimension] of [CLS]; not BERT's tanh "pooler output"."""
    return hidden[:, 0]


POOLINGS: dict[str, Pooling] = {"mean": mean_pooling, "cls": first_token}


def load_model(folder: str, **settings: Any) -> Any:
    """The encoder of a folder by its own config, without BERT's pooler."""
    from transformers import AutoModel

    return AutoModel.from_pretrained(folder, add_pooling_layer=False, **settings)


class Tower:
    """Weights and tokenizer of one checkpoint. Loading waits for the first text.

    `load(folder, **settings)` gives a transformers model with a `last_hidden_state`.
    """

    def __init__(
        self, checkpoint: Checkpoint, folder: Path | None = None, load: Callable[..., Any] = load_model
    ) -> None:
        self._checkpoint, self._folder, self._load_model = checkpoint, folder, load
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The checkpoint; a folder of the user's is named by the hash of its weights."""
        if self._folder is not None and self._checkpoint.on_disk(self._folder) is not None:
            return {"sha256": sha256_of(weights_in(self._folder))}
        named = ("repository", "revision", "weights_sha256")
        return {name: value for name, value in asdict(self._checkpoint).items() if name in named}

    def encode(self, texts: Sequence[Text], longest: int, pooling: str, normalised: bool) -> FloatArray:
        """float32[len(texts), dimension]; a text is cut at `longest` tokens, special ones included."""
        import torch

        if self._model is None:
            self._load()
        vectors = np.empty((len(texts), self._model.config.hidden_size), dtype=np.float32)
        ids = self._tokenise(texts, longest) if texts else []
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        with torch.inference_mode():
            for batch in _batches(order, ids, _TOKENS_PER_BATCH[self._model.device.type]):
                hidden, mask = self._run([ids[i] for i in batch])
                pooled = POOLINGS[pooling](hidden, mask)
                if normalised:
                    pooled = torch.nn.functional.normalize(pooled, dim=1)
                vectors[batch] = pooled.float().cpu().numpy()
        return vectors

    def _load(self) -> None:
        import torch
        from transformers import AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        folder = self._checkpoint.locate(self._folder)
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        # A PyTorch file is read with torch.load(weights_only=True): tensors, never code.
        settings = {"local_files_only": True, "dtype": torch.float32}
        self._model = self._load_model(
            str(folder), use_safetensors=weights_in(folder).name == SAFETENSORS, **settings
        )
        self._model.eval()
        if torch.cuda.is_available():
            self._model.cuda()

    def _tokenise(self, texts: Sequence[Text], longest: int) -> list[list[int]]:
        """Token ids of each text. A pair that is too long loses its end, and ends in the separator still."""
        if isinstance(texts[0], str):
            ids: list[list[int]] = self._tokenizer(list(texts), truncation=True, max_length=longest)[
                "input_ids"
            ]
            return ids
        first, second = (list(part) for part in zip(*texts, strict=True))
        pairs = self._tokenizer(first, second)["input_ids"]
        end = [self._tokenizer.sep_token_id]
        return [tokens if len(tokens) <= longest else tokens[: longest - 1] + end for tokens in pairs]

    def _run(self, ids: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden states [batch, tokens, dimension] and the mask [batch, tokens]; token types are all 0."""
        import torch

        longest = max(map(len, ids))
        padded = torch.full((len(ids), longest), self._tokenizer.pad_token_id, dtype=torch.long)
        mask = torch.zeros((len(ids), longest), dtype=torch.long)
        for row, tokens in enumerate(ids):
            padded[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        device = self._model.device
        mask = mask.to(device)
        return self._model(input_ids=padded.to(device), attention_mask=mask).last_hidden_state, mask


def _batches(order: Sequence[int], ids: Sequence[Sequence[int]], tokens: int) -> Iterator[list[int]]:
    """Cut `order`, longest text first, into batches of at most `tokens` padded tokens."""
    start = 0
    while start < len(order):
        rows = max(1, tokens // max(1, len(ids[order[start]])))
        yield list(order[start : start + rows])
        start += rows
