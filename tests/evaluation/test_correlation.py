"""Spearman and Pearson over the scores of a ranking, and accuracy over labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.measures import depth_of, evaluate, provider
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Ranking

GOLD = {"a": 4.4, "b": 0.8, "c": 4.4, "d": 2.0, "e": 3.333}
SCORES = {"a": 0.9, "b": -0.1, "c": 0.5, "d": 0.5, "e": 0.5}
few = st.lists(st.tuples(st.integers(0, 5), st.integers(-3, 3)), min_size=3, max_size=30)


def correlations(scores: dict[str, float], gold: dict[str, float]) -> dict[str, float]:
    """Both correlations of one ranking."""
    run = {"all": rank(list(scores), np.array(list(scores.values()), dtype=np.float32))}
    found = evaluate(run, {"all": gold}, ["Spearman", "Pearson"])
    return {name: values["all"] for name, values in found.items()}


def average_ranks(values: list[float]) -> list[float]:
    """1 for the smallest; equal values share the mean of their places."""
    return [sum(v < x for v in values) + (1 + sum(v == x for v in values)) / 2 for x in values]


def pearson(x: list[float], y: list[float]) -> float:
    """By its definition."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    product = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return product / math.sqrt(sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y))


def test_equal_scores_share_their_ranks() -> None:
    """Hand-made scores with ties on both sides: the definition in loops, and scipy on the float32 scores."""
    found = correlations(SCORES, GOLD)
    scores, gold = [float(np.float32(SCORES[id])) for id in GOLD], list(GOLD.values())
    assert found["Spearman"] == pytest.approx(pearson(average_ranks(scores), average_ranks(gold)), abs=1e-12)
    assert found["Pearson"] == pytest.approx(pearson(scores, gold), abs=1e-12)
    assert found["Spearman"] == pytest.approx(stats.spearmanr(scores, gold).statistic, abs=1e-12)


@given(few)
def test_correlations_are_those_of_the_definition(values: list[tuple[int, int]]) -> None:
    """With many ties, whatever the order of the ids; constant sides are refused."""
    gold = {f"p{place}": float(grade) for place, (grade, _) in enumerate(values)}
    scores = {f"p{place}": float(score) for place, (_, score) in enumerate(values)}
    x, y = list(scores.values()), list(gold.values())
    if len(set(x)) == 1 or len(set(y)) == 1:
        with pytest.raises(EvaluationError, match="a correlation is not defined"):
            correlations(scores, gold)
        return
    found = correlations(scores, gold)
    assert found["Pearson"] == pytest.approx(pearson(x, y), abs=1e-9)
    assert found["Spearman"] == pytest.approx(pearson(average_ranks(x), average_ranks(y)), abs=1e-9)


def test_all_pairs_count() -> None:
    """A pair without a score, or a score without a pair, is no measurement."""
    for ids in ("abcd", "abcdef"):
        with pytest.raises(EvaluationError, match="a correlation needs them all"):
            correlations({id: float(place) for place, id in enumerate(ids)}, GOLD)


def test_accuracy_is_the_first_label() -> None:
    """The mean over sentences of 1 for the right label; a sentence without a label counts as wrong."""
    one = np.array([0.5], dtype=np.float32)
    run = {"s1": Ranking(["pos"], one), "s2": Ranking(["neg"], one)}
    judged = {id: {"pos": 1.0} for id in ("s1", "s2", "s3")}
    assert evaluate(run, judged, ["accuracy"]) == {"accuracy": {"s1": 1.0, "s2": 0.0, "s3": 0.0}}
    assert depth_of(["accuracy"]) == 1
    assert provider("Spearman").startswith("scipy ")
