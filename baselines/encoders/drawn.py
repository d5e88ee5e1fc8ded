"""A tiny model of a real architecture with weights drawn at random: it goes the way of the real one.

For dry runs and tests. Its tokenizer knows runs of letters, or bytes, so that any text has tokens.
"""

from __future__ import annotations

import functools
import itertools
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_BASE: dict[str, Any] = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
_TINY: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 6, "num_attention_heads": 2, "intermediate_size": 32,
    # Layers that do something, as trained ones do: at BERT's 0.02 and this width they would hardly differ.
    "initializer_range": 0.2,
}  # fmt: skip
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]


class DrawnWeights:
    """Random weights of architecture `bert` or `roberta`: tiny, or of the base model's size.

    Equal seeds draw equal weights. The tokenizer is one of letters and bytes unless another is given.
    """

    def __init__(
        self, architecture: str, seed: int = 0, *, full_size: bool = False, tokenizer: Any = None
    ) -> None:
        self._roberta = architecture == "roberta"
        self._size = _BASE if full_size else _TINY
        self._seed = seed
        self._tokenizer = tokenizer or (_byte_tokenizer() if self._roberta else _letter_tokenizer())

    def backbone(self, _prefix: str = "", /) -> Any:
        """A transformers encoder; the tiny ones have 16 dimensions and six layers, the fewest that WK pooling takes."""
        import torch
        from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

        shape = {
            "vocab_size": len(self._tokenizer),
            "pad_token_id": self._tokenizer.pad_token_id,
            **self._size,
        }
        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            model: Any
            if self._roberta:
                # Positions count from the padding's id on.
                model = RobertaModel(
                    RobertaConfig(max_position_embeddings=514, **shape), add_pooling_layer=False
                )
            else:
                model = BertModel(BertConfig(**shape), add_pooling_layer=False)
            return model.eval()

    def tensor(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """A tensor of the normal distribution, scaled as a linear layer's."""
        import torch

        generator = torch.Generator().manual_seed(self._seed + sum(map(ord, name)))
        drawn: torch.Tensor = torch.randn(shape, generator=generator) / shape[-1] ** 0.5
        return drawn

    def tokenizer(self) -> Any:
        """WordPiece over letters, byte pairs without merges, or what was given."""
        return self._tokenizer


@functools.cache
def _letter_tokenizer() -> Any:
    """Up to three letters a piece, so that a word has two, as many as BERT's vocabulary would give a rare one."""
    from transformers import BertTokenizer

    letters = string.ascii_lowercase
    runs = ["".join(run) for size in (1, 2, 3) for run in itertools.product(letters, repeat=size)]
    marks = [*string.digits, *string.punctuation]
    pieces = [*_SPECIAL, *runs, *marks, *(f"##{piece}" for piece in [*runs, *string.digits])]
    return BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)})


def _byte_tokenizer() -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "<mask>"]
    return RobertaTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])
