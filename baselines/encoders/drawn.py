"""A tiny model of a real architecture with weights drawn at random: it goes the way of the real one.

For dry runs and tests. Its tokenizer knows letters and bytes, so that any text has tokens.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]


class DrawnWeights:
    """Random weights of architecture `bert` or `roberta`; equal seeds draw equal weights."""

    def __init__(self, architecture: str, seed: int = 0) -> None:
        self._roberta = architecture == "roberta"
        self._seed = seed

    def backbone(self, _prefix: str = "", /) -> Any:
        """A transformers encoder of 32 dimensions and two layers."""
        import torch
        from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            if self._roberta:
                roberta = RobertaConfig(
                    vocab_size=len(_byte_vocabulary()), max_position_embeddings=514, **_SIZE
                )
                model: Any = RobertaModel(roberta, add_pooling_layer=False)
                return model.eval()
            bert = BertConfig(vocab_size=len(_letter_vocabulary()), **_SIZE)
            model = BertModel(bert, add_pooling_layer=False)
            return model.eval()

    def tensor(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """A tensor of the normal distribution, scaled as a linear layer's."""
        import torch

        generator = torch.Generator().manual_seed(self._seed + sum(map(ord, name)))
        drawn: torch.Tensor = torch.randn(shape, generator=generator) / shape[-1] ** 0.5
        return drawn

    def tokenizer(self) -> Any:
        """WordPiece over letters, or byte pairs without merges."""
        from transformers import BertTokenizer, RobertaTokenizer

        if self._roberta:
            return RobertaTokenizer(vocab=_byte_vocabulary(), merges=[])
        return BertTokenizer(vocab=_letter_vocabulary())


def _letter_vocabulary() -> dict[str, int]:
    marks = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    pieces = [*_SPECIAL, *marks, *(f"##{mark}" for mark in marks if mark.isalnum())]
    return {piece: number for number, piece in enumerate(pieces)}


def _byte_vocabulary() -> dict[str, int]:
    from tokenizers.pre_tokenizers import ByteLevel

    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "<mask>"]
    return {piece: number for number, piece in enumerate(pieces)}
