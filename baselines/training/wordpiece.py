"""Tokenizers: BERT's own, or a WordPiece learnt from the corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from baselines.training.articles import Article, articles, identity
from benchmarks.protocol import fingerprint
from benchmarks.storage.atomic import write_bytes
from benchmarks.storage.cache import Cache

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_VERSION = 1
_LETTERS = 400


def word_piece(corpus: str, size: int, cache: Cache) -> Any:
    """A lower-casing BERT tokenizer of at most `size` pieces, learnt from `corpus` once and kept.

    Raises `MissingData` where the corpus is not here.
    """
    from transformers import BertTokenizer

    name = fingerprint({**identity(corpus), "pieces": size, "version": _VERSION})
    path = cache.root / "trained" / f"wordpiece-{name}.txt"
    with cache.locked(f"wordpiece-{name}"):
        if not path.exists():
            write_bytes(path, "\n".join(learnt(lambda: articles(corpus), size)).encode())
    return BertTokenizer(vocab=vocabulary(path))


def vocabulary(path: Path) -> dict[str, int]:
    """Pieces by id, from a file with one a line."""
    return {piece: number for number, piece in enumerate(path.read_text("utf-8").split("\n"))}


def learnt(read: Callable[[], Iterable[Article]], size: int) -> list[str]:
    """At most `size` word pieces of the articles that `read` streams, the special ones first."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.trainers import WordPieceTrainer

    made: Any = Tokenizer(WordPiece(unk_token="[UNK]"))
    made.normalizer = BertNormalizer(lowercase=True)
    made.pre_tokenizer = BertPreTokenizer()
    letters = _letters(read(), made.normalizer)
    # Ties are broken by the numbers of the pieces, and the library numbers letters as a hash map has them: listed
    # among the special tokens they have their numbers beforehand, and equal texts give equal pieces.
    special = [*SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    trainer: Any = WordPieceTrainer(
        vocab_size=size, special_tokens=special, show_progress=False, limit_alphabet=1
    )
    made.train_from_iterator(_texts(read()), trainer)
    pieces: dict[str, int] = made.get_vocab()
    return sorted(pieces, key=lambda piece: pieces[piece])


def _letters(read: Iterable[Article], normalizer: Any) -> list[str]:
    """The commonest characters, as the tokenizer sees them."""
    counts: Counter[str] = Counter()
    for text in _texts(read):
        counts.update(normalizer.normalize_str(text))
    common = sorted(counts, key=lambda letter: (-counts[letter], letter))
    return sorted(letter for letter in common[:_LETTERS] if not letter.isspace())


def _texts(read: Iterable[Article]) -> Iterator[str]:
    for article in read:
        yield article.title
        for paragraphs in article.sections:
            yield from paragraphs
