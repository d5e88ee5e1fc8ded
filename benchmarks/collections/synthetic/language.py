"""The second language: the first with every letter renamed, so that no word is shared.

The renaming is a bijection on words, systematic enough to be learnt and opaque to matching.
Numbers and punctuation stay.
"""

from __future__ import annotations

_FROM = "aeiou" + "bcdfghjklmnpqrstvwxyz"
_TO = "eioua" + "zbcdfghjklmnpqrstvwxy"
_TABLE = str.maketrans(_FROM + _FROM.upper(), _TO + _TO.upper())


def renamed(text: str) -> str:
    """`text` in the second language."""
    return text.translate(_TABLE)
