"""Random weights saved in the layout of each released checkpoint, and texts that try an encoder."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.encoders.checkpoints import PYTORCH, SAFETENSORS

WORDS = [
    "retrieval", "dense", "sparse", "vector", "query", "document", "passage", "index", "of", "the", "a", "to",
    "with", "été", "東", "!", "?", "hyphen-ated", "don't", "3.14",
]  # fmt: skip
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "[unused1]"]
SIZE: dict[str, Any] = {
    "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128,
}  # fmt: skip


def texts(count: int = 200) -> list[str]:
    """Empty, one word, long, Unicode, and everything between."""
    generator = np.random.default_rng(0)
    drawn = [" ".join(generator.choice(WORDS, size=generator.integers(1, 90))) for _ in range(count - 6)]
    return [
        "", "dense", "query " * 700, "\u00e9t\u00e9 \u6771 \U0001f642", "?!", "What\u2019s Dense Retrieval?", *drawn,
    ]  # fmt: skip


def bert_tokenizer(folder: Path) -> Any:
    """A WordPiece tokenizer of some words and all letters, saved in `folder`."""
    from transformers import BertTokenizer

    marks = [*string.ascii_lowercase, *string.digits, *string.punctuation]
    pieces = [*SPECIAL, *marks, *(f"##{mark}" for mark in marks), *(word for word in WORDS if len(word) > 1)]
    tokenizer = BertTokenizer(vocab={piece: number for number, piece in enumerate(pieces)})
    tokenizer.save_pretrained(folder)
    return tokenizer


def roberta_tokenizer(folder: Path) -> Any:
    """A byte-level tokenizer, saved in `folder`."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaTokenizer

    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(
        [" ".join(WORDS)] * 5, vocab_size=400, special_tokens=special, show_progress=False
    )
    folder.mkdir(parents=True, exist_ok=True)
    trained.save_model(str(folder))
    tokenizer = RobertaTokenizer.from_pretrained(str(folder))
    tokenizer.save_pretrained(folder)
    return tokenizer


def as_pytorch(folder: Path) -> Path:
    """The same weights as a PyTorch file, as most of the older repositories have them."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / SAFETENSORS), folder / PYTORCH)
    (folder / SAFETENSORS).unlink()
    return folder


def bert(folder: Path, seed: int = 0) -> Any:
    """A small BERT of random weights in `folder`, with its tokenizer."""
    import torch
    from transformers import BertConfig, BertModel

    tokenizer = bert_tokenizer(folder)
    torch.manual_seed(seed)
    model = BertModel(BertConfig(vocab_size=len(tokenizer), **SIZE)).eval()
    model.save_pretrained(folder)
    return model


def classifier(folder: Path) -> Path:
    """A small BERT with one label, saved by transformers' own class."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    tokenizer = bert_tokenizer(folder)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), num_labels=1, initializer_range=0.2, **SIZE)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def assert_same_directions(found: Any, expected: list[NDArray[Any]]) -> None:
    """Cosine of each row with its counterpart is at least 0.99999, and the lengths agree."""
    stacked = np.stack(expected)
    assert found.dtype == np.float32
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(stacked, axis=1)
    assert ((found * stacked).sum(axis=1) / lengths).min() >= 0.99999
    np.testing.assert_allclose(found, stacked, atol=2e-5)
