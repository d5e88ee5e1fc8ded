r"""Text to terms, as Lucene does it.

`english` is Lucene's EnglishAnalyzer, with which Anserini's published BM25 numbers were made:
standard tokenizer, possessive filter, lower case, 33 stop words, Porter's stemmer (with the two
departures of Porter's own later versions, as in Lucene's Java). `unicode` stops after lower
case: for every language without an analysis of its own here.

The standard tokenizer keeps the words that Unicode's segmentation rules find (UAX #29, rules
WB4 to WB13b), split at 255 characters; ideographs and hiragana come one at a time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import regex

Analyser = Callable[[str], list[str]]

# Lucene's EnglishAnalyzer.ENGLISH_STOP_WORDS_SET, in full.
_STOP_WORDS = """
a an and are as at be but by for if in into is it no not of on or such that the their then there
these they this to was will with
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())
_LONGEST = 255
_PROBE = "The U.S. Army's 3.5-mile relational flying babies' skies: naïve re-runs of BERT_base, Ελληνικά, 日本語, and generalisations happily hoping."

# Word_Break classes; `_X` is what WB4 attaches to the character before it.
_X = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*"
_LETTER = r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}]"
_DIGIT = r"\p{WB=Numeric}"
_MID_LETTER = rf"[\p{{WB=MidLetter}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{_X}(?={_LETTER})"
_MID_NUMBER = rf"[\p{{WB=MidNum}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{_X}(?={_DIGIT})"
_HEBREW_PAIR = rf"\p{{WB=Hebrew_Letter}}{_X}\p{{WB=Double_Quote}}{_X}(?=\p{{WB=Hebrew_Letter}})"
_HEBREW_END = rf"(?<=\p{{WB=Hebrew_Letter}}{_X})\p{{WB=Single_Quote}}{_X}"
_ALPHANUMERIC = rf"(?:{_HEBREW_PAIR}|{_LETTER}{_X}(?:{_MID_LETTER})?|{_DIGIT}{_X}(?:{_MID_NUMBER})?)+"
_KATAKANA = rf"(?:\p{{WB=Katakana}}{_X})+"
_JOINER = rf"(?:\p{{WB=ExtendNumLet}}{_X})+"
_WORD = regex.compile(
    rf"(?:{_JOINER})?(?:{_ALPHANUMERIC}|{_KATAKANA})(?:{_JOINER}(?:{_ALPHANUMERIC}|{_KATAKANA}))*(?:{_JOINER}|{_HEBREW_END})?"
    rf"|[\p{{Script=Han}}\p{{Script=Hiragana}}]{_X}"
    r"|\p{Line_Break=Complex_Context}+"
)
_POSSESSIVE = regex.compile(r"['’＇][sS]$")


def words(text: str) -> list[str]:
    """The words of `text`, as Lucene's StandardTokenizer gives them."""
    found: list[str] = _WORD.findall(text)
    if any(len(word) > _LONGEST for word in found):
        return [word[at : at + _LONGEST] for word in found for at in range(0, len(word), _LONGEST)]
    return found


def unicode(text: str) -> list[str]:
    """Lower-cased words."""
    return [word.lower() for word in words(text)]


def english(text: str) -> list[str]:
    """The terms of Lucene's EnglishAnalyzer."""
    lowered = (_POSSESSIVE.sub("", word).lower() for word in words(text))
    return [_stem(word) for word in lowered if word not in STOP_WORDS]


def analyser(language: str) -> tuple[str, Analyser]:
    """The analysis of a language, with the name the protocol gives it."""
    return ("lucene english", english) if language == "en" else ("unicode words", unicode)


def behaviour(analyse: Analyser) -> list[str]:
    """What an analyser makes of a line that shows what it does: what is stored by one is of no use to another."""
    return analyse(_PROBE)


@functools.cache
def _stemmer() -> Any:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer(PorterStemmer.MARTIN_EXTENSIONS)


@functools.lru_cache(maxsize=1 << 20)
def _stem(word: str) -> str:
    return str(_stemmer().stem(word, to_lowercase=False))
