"""SentEval's classification protocol: logistic regression on frozen vectors (Conneau and Kiela 2018).

The strength C of the L2 penalty is chosen by accuracy, on ten stratified folds or on a dev set, among the
values of SentEval's own scikit-learn path; of equals the first. Three departures: today's scikit-learn
fits all classes jointly and does not penalise the intercept (lbfgs, not liblinear), folds are drawn over
sentences in order of id and not of length, and accuracies are compared unrounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import FloatArray

FOLDS = 10
SEED = 1111
"""SentEval's."""
NESTED = tuple(2.0**power for power in range(-2, 4))
"""The values of C where it is chosen within a fold, or on a dev set."""
ON_TRAIN = tuple(2.0**power for power in range(-1, 6))
"""The values of C where it is chosen on folds of the training set."""

Prediction = tuple[list[str], FloatArray]
"""The most probable label of each sentence, and its probability."""


def cross_validated(vectors: FloatArray, labels: Sequence[str]) -> Prediction:
    """Label each of `vectors` [n, dimension] by a classifier that learnt from the nine folds it is not in.

    C is chosen on ten folds of those nine. Raises `EvaluationError` where a label is too rare for that.
    """
    truth = np.asarray(labels)
    predicted, sure = np.empty_like(truth), np.empty(len(truth), np.float32)
    for learnt, asked in _folds(labels).split(vectors, truth):
        found = on_folds(vectors[learnt], truth[learnt].tolist(), vectors[asked], NESTED)
        predicted[asked], sure[asked] = found
    return predicted.tolist(), sure


def on_folds(
    vectors: FloatArray, labels: Sequence[str], asked: FloatArray, strengths: Sequence[float] = ON_TRAIN
) -> Prediction:
    """Choose C on ten folds of `vectors` [n, dimension], learn from all of them, label `asked` [m, dimension].

    Raises `EvaluationError` where a label is too rare for ten folds.
    """
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(_regression(1.0), {"C": list(strengths)}, cv=_folds(labels), scoring="accuracy")
    with _one_thread():
        return _labelled(search.fit(vectors, np.asarray(labels)), asked)


def on_dev(
    vectors: FloatArray, labels: Sequence[str], dev: FloatArray, dev_labels: Sequence[str], asked: FloatArray
) -> Prediction:
    """Choose C on `dev` [d, dimension], learn from `vectors` [n, dimension] alone, label `asked` [m, dimension]."""
    with _one_thread():
        tried = [_regression(strength).fit(vectors, np.asarray(labels)) for strength in NESTED]
        right = [classifier.score(dev, np.asarray(dev_labels)) for classifier in tried]
        return _labelled(tried[int(np.argmax(right))], asked)


def _one_thread() -> Any:
    """Hundreds of small fits: a second thread makes them five times slower, and more beside other work."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1)


def _regression(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=1000)


def _folds(labels: Sequence[str]) -> Any:
    from sklearn.model_selection import StratifiedKFold

    label, count = min(Counter(labels).items(), key=lambda item: item[1])
    if count < FOLDS:
        raise EvaluationError(f"label {label!r} has {count} sentences; {FOLDS} folds need one each")
    return StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)


def _labelled(classifier: Any, vectors: FloatArray) -> Prediction:
    probabilities = classifier.predict_proba(vectors)
    labels = classifier.classes_[probabilities.argmax(axis=1)].tolist()
    return labels, probabilities.max(axis=1).astype(np.float32)
