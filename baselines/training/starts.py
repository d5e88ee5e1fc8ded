"""Where training starts: a declared initialisation.

scratch:small, scratch:deep, scratch:base   a BERT of declared size, drawn from the seed
minilm                       all-MiniLM-L6-v2
BASELINE:PROFILE:NAME[@SEED] what another recipe made with this seed, or with another
ORGANISATION/NAME            a checkpoint of the hub
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.dual import SIDES
from baselines.encoders.weights import FolderWeights, Weights
from baselines.training.recipe import Recipe
from baselines.training.wordpiece import word_piece
from benchmarks.errors import UsageError
from benchmarks.storage.cache import Cache

PIECES = 8_192
_SCRATCH = "scratch:"
_WIDTHS = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
SIZES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        name: dict(zip(_WIDTHS, widths, strict=True))
        for name, widths in {
            "tiny": (32, 1, 2, 64), "small": (128, 2, 2, 512), "deep": (128, 6, 2, 512), "base": (768, 12, 12, 3072),
        }.items()
    }
)  # fmt: skip
"""BERTs by name: width, layers, heads, width inside. All have 512 positions."""

CONTAMINATION = {
    "minilm": "all-MiniLM-L6-v2 was trained on MS MARCO, Natural Questions, SNLI, MultiNLI, StackExchange, S2ORC and "
    "more: what starts from it is zero-shot on none of these, and on few of BEIR's collections"
}
"""What a start has seen that its results must be read with."""


@dataclass(frozen=True)
class Start:
    """Where a training starts. `folder` is that of a checkpoint; what is drawn has none."""

    weights: Weights
    folder: Path | None = None


class ScratchWeights:
    """A BERT of one of `SIZES`, drawn from the seed."""

    def __init__(self, size: str, seed: int, tokenizer: Any) -> None:
        if size not in SIZES:
            raise UsageError(f"no BERT of size {size!r}; sizes are {', '.join(SIZES)}")
        self._size, self._seed, self._tokenizer = SIZES[size], seed, tokenizer

    def backbone(self, _prefix: str = "", /) -> Any:
        """A transformers encoder. Drawn anew each time, and always the same."""
        import torch
        from transformers import BertConfig, BertModel

        shape: dict[str, Any] = {
            "vocab_size": len(self._tokenizer), "pad_token_id": self._tokenizer.pad_token_id, **self._size,
        }  # fmt: skip
        config = BertConfig(**shape)
        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            return BertModel(config, add_pooling_layer=False)

    def tensor(self, name: str, shape: tuple[int, ...]) -> Any:
        """Raises `UsageError`: what is drawn is a plain BERT."""
        raise UsageError(f"a BERT drawn from scratch has no {name} {list(shape)}")

    def tokenizer(self) -> Any:
        """The word pieces it was made for."""
        return self._tokenizer


def drawn(recipe: Recipe, seed: int, cache: Cache) -> Start | None:
    """The start of a recipe that begins from scratch; nothing for one that does not.

    Raises `MissingData` where the corpus of its word pieces is not here.
    """
    if not recipe.start.startswith(_SCRATCH):
        return None
    tokenizer = word_piece(recipe.vocabulary or recipe.corpus, PIECES, cache)
    return Start(ScratchWeights(recipe.start.removeprefix(_SCRATCH), seed, tokenizer))


def released(name: str) -> Checkpoint | None:
    """The published checkpoint that a start names; nothing for what is no such name."""
    if name == "minilm":
        from baselines.minilm import CHECKPOINT

        return CHECKPOINT
    return Checkpoint(name) if "/" in name else None


class _QueryTower(FolderWeights):
    """Of two towers in the layout of transformers' DPR classes that of the queries."""

    def backbone(self, prefix: str = "", /) -> Any:
        """Its BERT, without the projection."""
        return super().backbone(prefix or f"{SIDES[0]}.bert_model.")


def from_folder(folder: Path) -> Start:
    """The start from a checkpoint's folder. Who asks one of two towers for its weights is given the queries'."""
    towers = folder / SIDES[0]
    return Start(_QueryTower(towers) if towers.exists() else FolderWeights(folder), folder)
