"""Exact match and F1 of answers, against SQuAD's definition told anew."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.evaluation.reading import exact_match, f1, normalised, pattern_match, score_answers
from benchmarks.interfaces import Answer

CASES = [
    # prediction, answers, EM, F1
    ("the Eiffel Tower", ["Eiffel tower!"], 1.0, 1.0),
    ("Eiffel Tower in Paris", ["Eiffel Tower"], 0.0, 2 * (2 / 4) * 1 / (2 / 4 + 1)),
    ("July 5, 2018", ["July 5 , 2018"], 1.0, 1.0),
    ("1, 000", ["1,000"], 0.0, 0.0),
    ("theatre", ["atre"], 0.0, 0.0),
    ("An  apple\na day", ["apple day"], 1.0, 1.0),
    ("U.S.", ["US"], 1.0, 1.0),
    ("wave-particle", ["waveparticle"], 1.0, 1.0),
    ("Röntgen", ["Rontgen"], 0.0, 0.0),
    ("he\u2019s", ["hes"], 0.0, 0.0),
    ("new new york", ["new york new york"], 0.0, 2 * 3 / (3 + 4)),
    ("Paris", ["Rome", "paris"], 1.0, 1.0),
    ("Paris Rome", ["Rome x y", "Rome"], 0.0, 2 / 3),
    ("", ["Paris"], 0.0, 0.0),
    ("", ["The The"], 1.0, 1.0),
    ("Paris", [], 0.0, 0.0),
]


@pytest.mark.parametrize(("prediction", "answers", "em", "overlap"), CASES)
def test_cases_by_hand(prediction: str, answers: list[str], em: float, overlap: float) -> None:
    """Articles, punctuation, case, spaces, repeated words, several answers, none."""
    assert exact_match(prediction, answers) == em
    assert f1(prediction, answers) == pytest.approx(overlap)


def slow_words(text: str) -> list[str]:
    """SQuAD's normalisation, character by character; an article is a whole word, as \\b sees words."""
    kept = "".join(character for character in text.lower() if character not in string.punctuation)
    runs, run = [], ""
    for character in kept:
        inside = character.isalnum() or character == "_"
        if run and inside == (run[-1].isalnum() or run[-1] == "_"):
            run += character
        else:
            runs.append(run)
            run = character
    return "".join(" " if run in ("a", "an", "the") else run for run in [*runs, run]).split()


def slow_f1(prediction: list[str], answer: list[str]) -> float:
    """Words crossed out one by one."""
    if not prediction or not answer:
        return float(prediction == answer)
    left = list(answer)
    common = 0
    for word in prediction:
        if word in left:
            left.remove(word)
            common += 1
    if not common:
        return 0.0
    precision, recall = common / len(prediction), common / len(answer)
    return 2 * precision * recall / (precision + recall)


text = st.lists(
    st.sampled_from(["a", "the", "an", "The", "cat", "CAT", "1969", "été", "-", ".", "'s", "東京", "theatre", " ", "\n", "\u00a0"]),
    max_size=8,
).map(" ".join) | st.text("aAnthe .,!-\té東 ", max_size=12)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(text, st.lists(text, max_size=3))
def test_agrees_with_a_second_telling(prediction: str, answers: list[str]) -> None:
    """Normalisation by a scan, F1 by crossing out, the best over all answers."""
    said, right = slow_words(prediction), [slow_words(answer) for answer in answers]
    assert normalised(prediction).split() == said
    assert exact_match(prediction, answers) == float(said in right)
    assert f1(prediction, answers) == pytest.approx(
        max((slow_f1(said, answer) for answer in right), default=0)
    )


@given(text, text)
def test_f1_is_symmetric_and_one_for_equals(left: str, right: str) -> None:
    """Precision of the one is recall of the other; what matches exactly overlaps wholly."""
    assert f1(left, [right]) == pytest.approx(f1(right, [left]))
    assert 0 <= f1(left, [right]) <= 1
    if exact_match(left, [right]):
        assert f1(left, [right]) == 1


@pytest.mark.parametrize(
    ("prediction", "pattern", "expected"),
    [
        ("china", "China", 1.0),
        ("in china", "China", 0.0),
        ("chinatown", "China", 1.0),
        ("2,500 feet", r"2,?[4567]\d\d", 1.0),
        ("été", "e\u0301te\u0301", 1.0),
        ("x", "(", 0.0),
    ],
)
def test_patterns_match_from_the_start(prediction: str, pattern: str, expected: float) -> None:
    """DrQA's rule for CuratedTREC: case does not matter, the end need not be reached, a broken pattern matches nothing."""
    assert pattern_match(prediction, [pattern]) == expected


def test_every_query_is_scored() -> None:
    """One that was not answered, or that has no right answer, scores 0; patterns have no F1."""
    found = {"q1": Answer("Paris", "d1"), "q2": Answer("", ""), "q4": Answer("x", "d2")}
    right = {"q1": ["paris"], "q2": ["Rome"], "q3": ["Rome"]}
    assert score_answers(found, right, ["q1", "q2", "q3", "q4"], "tokens") == {
        "EM": {"q1": 1.0, "q2": 0.0, "q3": 0.0, "q4": 0.0},
        "F1": {"q1": 1.0, "q2": 0.0, "q3": 0.0, "q4": 0.0},
    }
    assert score_answers(found, {"q1": ["par"]}, ["q1"], "regex") == {"EM": {"q1": 1.0}}
