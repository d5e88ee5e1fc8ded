"""A tower: sequences of token ids to vectors, in batches of little padding.

What a paper's encoder is made of besides is how text becomes tokens, and what the model makes of
the last layer; both are the paper's own, in its folder. Results do not depend on the batch beyond
rounding: padded positions are attended to by none and scored by none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.weights import Weights
from benchmarks.interfaces import FloatArray

if TYPE_CHECKING:
    import torch

_TOKENS_PER_BATCH = {"cpu": 2_048, "cuda": 65_536}
"""Padded tokens run together. On a CPU small batches stay in its caches: an eighth faster than 32 texts."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """One text, tokenised.

    `kept` are the positions whose vectors count (all unless it is said); those from `attended` on
    are attended to by none (ColBERT's [MASK]s); `segment` is where the second text of a pair starts.
    """

    ids: list[int]
    kept: list[int] | None = None
    attended: int | None = None
    segment: int | None = None


@dataclass(frozen=True)
class Batch:
    """Padded token ids with, for each position [texts, tokens]: attended to, counted, segment."""

    ids: torch.Tensor
    attended: torch.Tensor
    kept: torch.Tensor
    segments: torch.Tensor

    def run(self, backbone: Any) -> torch.Tensor:
        """The backbone's last layer [texts, tokens, dimension]."""
        hidden: torch.Tensor = backbone(
            input_ids=self.ids, attention_mask=self.attended, **self._segments(backbone)
        ).last_hidden_state
        return hidden

    def layers(self, backbone: Any) -> tuple[torch.Tensor, ...]:
        """All layers, the embeddings first, each [texts, tokens, dimension]."""
        states: tuple[torch.Tensor, ...] = backbone(
            input_ids=self.ids,
            attention_mask=self.attended,
            output_hidden_states=True,
            **self._segments(backbone),
        ).hidden_states
        return states

    def _segments(self, backbone: Any) -> dict[str, torch.Tensor]:
        # RoBERTa has one segment, MPNet and DistilBERT none.
        return {"token_type_ids": self.segments} if getattr(backbone.config, "type_vocab_size", 0) > 1 else {}


class Tower:
    """A model of `weights` and its tokenizer, loaded with the first text.

    The model that `build` makes takes a `Batch` to [texts, dimension], or to [texts, tokens, dimension].
    """

    def __init__(self, weights: Callable[[], Weights], build: Callable[[Weights], torch.nn.Module]) -> None:
        self._weights, self._build = weights, build
        self._model: Any = None
        self._tokenizer: Any = None

    @property
    def tokenizer(self) -> Any:
        """The model's own tokenizer."""
        if self._tokenizer is None:
            self._load()
        return self._tokenizer

    def vectors(self, texts: Sequence[Tokens]) -> FloatArray:
        """One vector a text: float32[texts, dimension]."""
        if not texts:
            return self.vectors([Tokens([0])])[:0]
        found: FloatArray | None = None
        for places, output in self._batches(texts):
            if found is None:
                found = np.empty((len(texts), output.shape[1]), dtype=np.float32)
            found[places] = output
        assert found is not None
        return found

    def matrices(self, texts: Sequence[Tokens]) -> list[FloatArray]:
        """One vector for each kept position: a list of float32[kept, dimension]."""
        found: list[FloatArray] = [np.empty((0, 0), dtype=np.float32)] * len(texts)
        for places, output in self._batches(texts):
            for place, rows in zip(places, output, strict=True):
                kept = texts[place].kept
                found[place] = rows[: len(texts[place].ids)] if kept is None else rows[kept]
        return found

    def _batches(self, texts: Sequence[Tokens]) -> Iterator[tuple[list[int], FloatArray]]:
        import torch

        if self._model is None:
            self._load()
        device = next(self._model.parameters()).device
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place].ids))
        with torch.inference_mode():
            for places in cut(order, texts, _TOKENS_PER_BATCH[device.type]):
                batch = padded([texts[place] for place in places], self._tokenizer.pad_token_id, device)
                yield places, self._model(batch).float().cpu().numpy()

    def _load(self) -> None:
        import torch

        weights = self._weights()
        self._tokenizer = weights.tokenizer()
        self._model = self._build(weights).eval()
        if torch.cuda.is_available():
            self._model.cuda()


def padded(texts: Sequence[Tokens], padding: int, device: Any = None) -> Batch:
    """Texts side by side, padded on the right to the longest."""
    import torch

    shape = (len(texts), max(len(text.ids) for text in texts))
    # Filled in NumPy: a tensor for each row takes as long as a small model's layer.
    ids = np.full(shape, padding, dtype=np.int64)
    attended, kept, segments = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for row, text in enumerate(texts):
        length = len(text.ids)
        ids[row, :length] = text.ids
        attended[row, : length if text.attended is None else text.attended] = 1
        if text.kept is None:
            kept[row, :length] = 1
        else:
            kept[row, text.kept] = 1
        if text.segment is not None:
            segments[row, text.segment : length] = 1
    return Batch(*(torch.from_numpy(part).to(device) for part in (ids, attended, kept, segments)))


def cut(order: Sequence[int], texts: Sequence[Tokens], tokens: int) -> Iterator[list[int]]:
    """Cut `order`, longest text first, into batches of at most `tokens` padded tokens."""
    start = 0
    while start < len(order):
        rows = max(1, tokens // max(1, len(texts[order[start]].ids)))
        yield list(order[start : start + rows])
        start += rows
