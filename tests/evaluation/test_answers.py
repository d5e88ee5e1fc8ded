"""Answer matching: DPR's rules, on traps and against brute force."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.evaluation.answers import find_answers, has_answer
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Document


@pytest.mark.parametrize(
    ("passage", "answer", "expected"),
    [
        ("The capital is Paris.", "paris", True),
        ("A comparison of prisons", "paris", False),
        ("born in Sao Paulo", "São Paulo", False),
        ("born in Sa\u0303o Paulo", "S\u00e3o Paulo", True),
        ("U.S. president", "U.S.", True),
        ("the US president", "U.S.", False),
        ("in the year 1969, men", "1969", True),
        ("rock 'n' roll", "rock 'n' roll", True),
        ("rock and, roll", "rock and roll", False),
        ("New\nYork   City", "new york city", True),
        ("anything", "", False),
        ("東京は首都", "東京", False),
        ("", "x", False),
    ],
)
def test_traps(passage: str, answer: str, expected: bool) -> None:
    """Case, accents, punctuation, spaces, tokens that are part of words, the empty answer."""
    assert has_answer(passage, [answer]) is expected


def slow_tokens(text: str) -> list[str]:
    """The tokenizer, character by character, from Unicode categories."""
    tokens, word = [], ""
    for character in unicodedata.normalize("NFD", text):
        category = unicodedata.category(character)
        if category[0] in "LNM":
            word += character
            continue
        if word:
            tokens.append(word.lower())
            word = ""
        if category[0] not in "ZC":
            tokens.append(character.lower())
    return [*tokens, word.lower()] if word else tokens


alphabet = st.text("aAbB 1.,'é\u0301\t-東", max_size=12)


@given(alphabet, st.lists(alphabet, max_size=3))
def test_agrees_with_brute_force(passage: str, answers: list[str]) -> None:
    """Every window of the passage's tokens is compared with the answer's."""
    haystack = slow_tokens(passage)
    expected = any(
        needle and any(haystack[i : i + len(needle)] == needle for i in range(len(haystack)))
        for needle in map(slow_tokens, answers)
    )
    assert has_answer(passage, answers) is bool(expected)


def test_titles_do_not_count_and_depth_is_kept() -> None:
    """Only the passage's text is searched, and only as deep as asked."""
    import numpy as np

    documents = [
        Document("a", "Paris", "a city"),
        Document("b", "", "it is Paris"),
        Document("c", "", "Paris too"),
    ]
    run = {"q": rank(["a", "b", "c"], np.array([3, 2, 1], dtype=np.float32))}
    assert find_answers(run, documents, {"q": ["Paris"]}, 2) == {"q": [False, True]}
    assert find_answers(run, documents, {}, 3) == {"q": [False, False, False]}
