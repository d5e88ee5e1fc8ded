"""A corpus written by hand, a tokenizer whose pieces are its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from baselines.training import corpus
from baselines.training.articles import Article
from baselines.training.corpus import Corpus, open_corpus
from baselines.training.wordpiece import SPECIAL
from benchmarks.progress import Progress
from benchmarks.storage.cache import Cache


def word(article: int, place: int) -> str:
    """The word at a place of an article; no other place has it."""
    return f"w{article}x{place}"


def words_of(lengths: Sequence[int]) -> list[str]:
    """All words of articles of so many words."""
    return [word(article, place) for article, length in enumerate(lengths) for place in range(length)]


def tokenizer(words: Sequence[str]) -> Any:
    """A BERT tokenizer with one piece a word."""
    from transformers import BertTokenizer

    return BertTokenizer(vocab={piece: number for number, piece in enumerate([*SPECIAL, *words])})


def written(
    name: str, lengths: Sequence[int], pieces: Any, monkeypatch: pytest.MonkeyPatch, cache: Cache
) -> Corpus:
    """Articles of so many words, each of one sentence, as the corpus `name`, for the rest of a test."""
    made = [
        Article(f"{name}{number}", "", ((" ".join(word(number, place) for place in range(length)),),), ())
        for number, length in enumerate(lengths)
    ]
    monkeypatch.setattr(corpus, "articles", lambda _: iter(made))
    monkeypatch.setattr(corpus, "identity", lambda named: {"corpus": named})
    return open_corpus(name, pieces, 1_000, cache, Progress(quiet=True))


def places(ids: Sequence[int] | np.ndarray[Any, Any], pieces: Any) -> list[tuple[int, int]]:
    """Where tokens stand: article and place; special tokens are left out."""
    found = [token for token in pieces.convert_ids_to_tokens(list(map(int, ids))) if token not in SPECIAL]
    return [(int(a), int(b)) for a, _, b in (token[1:].partition("x") for token in found)]
