"""Lucene's analysis, restated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uniseg.wordbreak import words as unicode_words

from benchmarks.retrieval.analysis import STOP_WORDS, analyser, english, unicode, words

# Letters with marks, quotes, digits, joiners, kana, ideographs, Hebrew, format characters.
ALPHABET = (
    "abcDE\u00e9\u0301 .,'\u2019:;_-1234\u30ab\u30bf\u6771\u3072\u3051\u05d9\u05ea\u200d\u00ad\"\u00b7!"
)


@settings(max_examples=400)
@given(st.text(ALPHABET, max_size=14))
def test_words_are_those_of_unicodes_segmentation(text: str) -> None:
    """UAX #29 word boundaries (uniseg's implementation), keeping the words that hold a letter or digit."""
    expected = [word for word in unicode_words(text) if any(character.isalnum() for character in word)]
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cats' running", ["cat", "run"]),
        ("Fisher's and Fisher\u2019s", ["fisher", "fisher"]),
        ("U.S.A. 3.14 1,000 foo_bar Wi-Fi", ["u.s.a", "3.14", "1,000", "foo_bar", "wi", "fi"]),
        ("relational conditionally technology possibly", ["relat", "condition", "technolog", "possibl"]),
        ("be as is", []),
        ("", []),
    ],
)
def test_english_is_lucenes_english(text: str, expected: list[str]) -> None:
    """Possessives, stop words, and Porter's stemmer with his own later departures (bli, logi)."""
    assert english(text) == expected


def test_there_are_thirty_three_stop_words() -> None:
    """Lucene's default English set."""
    assert len(STOP_WORDS) == 33


def test_long_words_are_cut_as_lucene_cuts_them() -> None:
    """A word longer than 255 characters becomes several."""
    assert [len(word) for word in words("x" * 600)] == [255, 255, 90]


def test_other_languages_are_not_stemmed() -> None:
    """Words lower-cased, nothing removed."""
    assert analyser("yo") == ("unicode words", unicode)
    assert unicode("The Running ṣe") == ["the", "running", "ṣe"]
