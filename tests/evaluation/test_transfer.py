"""SentEval's protocol, against a restatement with plain loops over folds and strengths."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.transfer import cross_validated, on_dev, on_folds
from benchmarks.interfaces import FloatArray

NESTED = [0.25, 0.5, 1, 2, 4, 8]
ON_TRAIN = [0.5, 1, 2, 4, 8, 16, 32]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The restatement, too, makes hundreds of small fits."""
    with threadpool_limits(limits=1):
        yield


def world(count: int, seed: int, classes: int = 2) -> tuple[FloatArray, list[str]]:
    """Vectors [count, 12] whose class is hard to see, so that the strength matters."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((classes, 12)) * 0.5
    labels = generator.integers(0, classes, count)
    vectors = centres[labels] + generator.standard_normal((count, 12))
    return vectors.astype(np.float32), [f"class {label}" for label in labels]


def folds() -> StratifiedKFold:
    """Ten, stratified, shuffled with SentEval's seed."""
    return StratifiedKFold(n_splits=10, shuffle=True, random_state=1111)


def learnt(x: FloatArray, y: list[str], strength: float) -> LogisticRegression:
    """A classifier of one strength."""
    return LogisticRegression(C=strength, max_iter=1000).fit(x, y)


def best_on_folds(x: FloatArray, y: list[str], strengths: list[float]) -> float:
    """The first strength with the best mean accuracy over ten folds."""
    truth = np.array(y)
    means = []
    for strength in strengths:
        scores = [learnt(x[a], truth[a], strength).score(x[b], truth[b]) for a, b in folds().split(x, truth)]
        means.append(np.mean(scores))
    return strengths[int(np.argmax(means))]


def test_strength_is_chosen_on_inner_folds() -> None:
    """Each sentence is labelled by a classifier that saw neither it nor its fold when C was chosen."""
    x, y = world(240, 0)
    truth = np.array(y)
    expected = np.empty_like(truth)
    chosen = set()
    for a, b in folds().split(x, truth):
        strength = best_on_folds(x[a], truth[a].tolist(), NESTED)
        chosen.add(strength)
        expected[b] = learnt(x[a], truth[a].tolist(), strength).predict(x[b])
    labels, probabilities = cross_validated(x, y)
    assert len(chosen) > 1
    assert labels == expected.tolist()
    assert probabilities.dtype == np.float32
    assert ((probabilities >= 0.5) & (probabilities <= 1)).all()


def test_strength_is_chosen_on_folds_of_the_training_set() -> None:
    """Three classes; the test set has no part in it."""
    (x, y), (asked, _) = world(300, 1, 3), world(80, 2, 3)
    expected = learnt(x, y, best_on_folds(x, y, ON_TRAIN)).predict(asked)
    assert on_folds(x, y, asked)[0] == expected.tolist()


def test_strength_is_chosen_on_a_dev_set() -> None:
    """The best on dev, learnt from the training set alone."""
    (x, y), (dev, dev_y), (asked, _) = world(300, 3), world(90, 4), world(80, 5)
    scores = [learnt(x, y, strength).score(dev, dev_y) for strength in NESTED]
    expected = learnt(x, y, NESTED[int(np.argmax(scores))]).predict(asked)
    assert on_dev(x, y, dev, dev_y, asked)[0] == expected.tolist()


def test_nothing_is_learnt_from_the_sentence_itself() -> None:
    """Random labels stay a matter of luck, though every vector is unmistakable."""
    generator = np.random.default_rng(6)
    x = np.eye(200, dtype=np.float32)
    y = [f"class {label}" for label in generator.integers(0, 2, 200)]
    right = np.mean([a == b for a, b in zip(cross_validated(x, y)[0], y, strict=True)])
    assert right < 0.65


def test_a_label_rarer_than_the_folds_is_refused() -> None:
    """One line, with the label."""
    x, y = world(60, 7)
    with pytest.raises(EvaluationError, match="label 'rare' has 9 sentences; 10 folds need one each"):
        cross_validated(x, ["rare"] * 9 + y[9:])
