"""How good an answer is: exact match and F1, the best over the answers that are right.

Rajpurkar et al. 2016 (SQuAD, section 6.1): both sides in lower case, without punctuation and articles,
white space made one. EM is 1 where the two are equal. F1 is the harmonic mean of precision and recall over
the bag of words; where a side has no words, 1 if both have none and 0 otherwise, as in SQuAD 2.0. An answer
that is a regular expression (CuratedTREC) has no words: EM is 1 where it matches from the prediction's
start, the rule of DrQA (Chen et al. 2017) and ORQA; the code that DPR released compares strings only.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import regex

from benchmarks.evaluation.answers import compiled
from benchmarks.evaluation.measures import Scores
from benchmarks.interfaces import Answer

MEASURES: Mapping[str, tuple[str, ...]] = {"tokens": ("EM", "F1"), "regex": ("EM",)}
"""What is reported, by what a collection's conventions say of its answers."""

READ = ("EM", "F1")
"""All of them: what only a spec that reads has scores of."""

PROVIDER = "retriever-bench 1"

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = regex.compile(r"\b(?:a|an|the)\b")


def normalised(text: str) -> str:
    """`text` as SQuAD compares it."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Iterable[str]) -> float:
    """1 where `prediction` is one of `answers`, normalised; 0 otherwise."""
    predicted = normalised(prediction)
    return float(any(predicted == normalised(answer) for answer in answers))


def pattern_match(prediction: str, patterns: Iterable[str]) -> float:
    """1 where one of `patterns` matches `prediction` from its start; 0 otherwise."""
    text = unicodedata.normalize("NFD", prediction)
    found = (compiled(pattern) for pattern in patterns)
    return float(any(pattern is not None and pattern.match(text) is not None for pattern in found))


def f1(prediction: str, answers: Iterable[str]) -> float:
    """The best F1 of `prediction` against `answers`; 0 without any."""
    predicted = normalised(prediction).split()
    return max((_overlap(predicted, normalised(answer).split()) for answer in answers), default=0.0)


def _overlap(predicted: Sequence[str], right: Sequence[str]) -> float:
    if not predicted or not right:
        return float(predicted == right)
    common = sum((Counter(predicted) & Counter(right)).values())
    return 2 * common / (len(predicted) + len(right))


def score_answers(
    found: Mapping[str, Answer], answers: Mapping[str, Sequence[str]], queries: Iterable[str], matching: str
) -> Scores:
    """Each measure of `matching` for each of `queries`; a query that was not answered scores 0."""
    measures = {"EM": pattern_match if matching == "regex" else exact_match, "F1": f1}
    scores: Scores = {name: {} for name in MEASURES[matching]}
    for query in queries:
        for name, values in scores.items():
            said = found.get(query)
            values[query] = measures[name](said.text, answers.get(query, ())) if said else 0.0
    return scores
