"""Where the sentences of a text begin and end: nltk's Punkt, without training data."""

from __future__ import annotations

import functools
from typing import Any


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence begins and ends."""
    return list(_punkt().span_tokenize(text))


@functools.cache
def _punkt() -> Any:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    return PunktSentenceTokenizer()
