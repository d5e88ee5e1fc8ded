"""Poolings and whitening, against restatements in loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines.sg_opt import pooling
from baselines.sg_opt.whitening import Whitening, whitening
from benchmarks.errors import EvaluationError
from tests.retrieval.stubs import HashEncoder, documents

Array = NDArray[np.float64]
LENGTHS = [7, 2, 5, 3]


def states(layers: int, seed: int = 0) -> list[torch.Tensor]:
    """Hidden states that change a little from layer to layer, as those of a residual stream do."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(LENGTHS), max(LENGTHS), 24)
    found = [torch.randn(shape, generator=generator, dtype=torch.float64)]
    for _ in range(layers):
        found.append(found[-1] + 0.4 * torch.randn(shape, generator=generator, dtype=torch.float64))
    return found


def mask() -> torch.Tensor:
    """1 for a text's tokens, 0 for padding."""
    return torch.tensor([[int(token < length) for token in range(max(LENGTHS))] for length in LENGTHS])


def text(hidden: Sequence[torch.Tensor], row: int) -> Array:
    """One text's states [layers + 1, its tokens, dimension]."""
    return np.array([layer[row, : LENGTHS[row]].numpy() for layer in hidden])


def slow_wk(layers: Array) -> Array:
    """SBERT-WK of one text's states [layers + 1, tokens, dimension], word by word, by the paper's equations."""
    words, changes = [], []
    for token in range(layers.shape[1] - 1):
        v = layers[4:, token]
        cosines = [[float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)) for b in v] for a in v]
        alignment, novelty = [], []
        for i in range(len(v)):
            near = [j for j in range(len(v)) if j != i and abs(i - j) <= 2]
            alignment.append(1 / np.mean([cosines[i][j] for j in near]))
            basis = np.linalg.svd(v[near].T, full_matrices=False)[0]
            outside = v[i] - basis @ (basis.T @ v[i])
            novelty.append(np.linalg.norm(outside) / np.linalg.norm(v[i]))
        weight = 0.5 * np.array(alignment) / sum(alignment) + 0.5 * np.array(novelty) / sum(novelty)
        words.append(sum(w * vector for w, vector in zip(weight, v, strict=True)))
        changes.append(np.var([cosines[i][i + 1] for i in range(len(v) - 1)]))
    return np.asarray(sum(c / sum(changes) * word for c, word in zip(changes, words, strict=True)))


SLOW: dict[str, Callable[[Array], Array]] = {
    "mean_of_last_two": lambda layers: np.mean([layers[-2].mean(axis=0), layers[-1].mean(axis=0)], axis=0),
    "wk": slow_wk,
}


@pytest.mark.parametrize("name", SLOW)
@pytest.mark.parametrize("layers", [6, 12])
def test_poolings_are_what_they_say(name: str, layers: int) -> None:
    """A batch gives what each text gives alone, in loops over words and layers."""
    hidden = states(layers)
    pooled = getattr(pooling, name)(hidden, mask())
    assert pooled.shape == (len(LENGTHS), 24)
    for row in range(len(LENGTHS)):
        np.testing.assert_allclose(pooled[row], SLOW[name](text(hidden, row)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", SLOW)
def test_padding_does_not_count(name: str) -> None:
    """Whatever stands behind a text's last token changes nothing."""
    hidden = states(8)
    padded = [layer.masked_fill(mask().unsqueeze(2) == 0, 99.0) for layer in hidden]
    pool = getattr(pooling, name)
    torch.testing.assert_close(pool(padded, mask()), pool(hidden, mask()))


def test_wk_pooling_works_in_single_precision() -> None:
    """What models compute in is near what float64 gives."""
    hidden = states(12)
    single = pooling.wk([layer.float() for layer in hidden], mask())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), pooling.wk(hidden, mask()), rtol=1e-3, atol=1e-3)


def test_wk_pooling_needs_layers_to_compare() -> None:
    """A model of two or five layers is refused in one line."""
    for layers in (2, 5):
        with pytest.raises(EvaluationError, match=f"the model has {layers}"):
            pooling.wk(states(layers), mask())


def test_whitened_vectors_have_mean_0_and_covariance_1() -> None:
    """Of correlated vectors far from the origin, seen in batches of unequal size."""
    generator = np.random.default_rng(0)
    rows = (generator.standard_normal((500, 6)) @ generator.standard_normal((6, 6)) + 30).astype(np.float32)
    mean, kernel = whitening([rows[:13], rows[13:400], rows[400:]])
    white = (rows - mean) @ kernel
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(6), atol=1e-7)


def test_whitening_keeps_mahalanobis_distances() -> None:
    """Distances are those of the inverse covariance: what whitening means, however its axes are turned."""
    generator = np.random.default_rng(1)
    rows = (generator.standard_normal((300, 4)) * [1, 2, 3, 4] + 5).astype(np.float32)
    mean, kernel = whitening([rows])
    white = (rows - mean) @ kernel
    inverse = np.linalg.inv(np.cov(rows.T.astype(np.float64), bias=True))
    for i, j in [(0, 1), (5, 99), (7, 250)]:
        difference = rows[i].astype(np.float64) - rows[j]
        np.testing.assert_allclose(
            ((white[i] - white[j]) ** 2).sum(), difference @ inverse @ difference, rtol=1e-6
        )


def test_directions_without_variance_are_left_out() -> None:
    """Five documents span four directions; all finite."""
    rows = np.random.default_rng(2).standard_normal((5, 16)).astype(np.float32)
    mean, kernel = whitening([rows])
    assert kernel.shape == (16, 4)
    np.testing.assert_allclose(np.cov(((rows - mean) @ kernel).T, bias=True), np.eye(4), atol=1e-7)


def test_equal_vectors_cannot_be_whitened() -> None:
    """One line where nothing varies, or nothing is there."""
    for rows in (np.full((9, 3), 0.1, np.float32), np.ones((1, 3), np.float32)):
        with pytest.raises(EvaluationError, match="nothing to learn from"):
            whitening([rows])


def test_what_was_learnt_is_kept(tmp_path: Path) -> None:
    """A second encoder opens the folder, reads no document, and gives the same vectors."""
    first, second = Whitening(HashEncoder()), Whitening(HashEncoder())
    first.fit(documents(60), tmp_path)
    second.fit([], tmp_path)
    vectors = first.encode_documents(documents(60))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(second.encode_documents(documents(60)), vectors)
    assert first.protocol == {
        **HashEncoder().protocol, "whitening": "fitted on the collection's documents"
    }  # fmt: skip
