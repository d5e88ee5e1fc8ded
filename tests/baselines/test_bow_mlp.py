"""BoW-MLP: a mean of embeddings and two layers, as another kind of tower."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.bow_mlp.bag import BagOfWords, save, stored
from baselines.encoders.tower import Tokens, padded
from baselines.encoders.weights import FolderWeights
from benchmarks.errors import MissingWeights
from tests.baselines.layouts import bert_tokenizer


@pytest.fixture
def bag(tmp_path: Path) -> BagOfWords:
    """Of some words, 4 dimensions."""
    torch.manual_seed(1)
    return BagOfWords(bert_tokenizer(tmp_path), 4)


def test_it_is_the_mean_through_two_layers(bag: BagOfWords) -> None:
    """U tanh(W x + a) + b, one number at a time; padding counts for nothing."""
    texts = [[10, 11, 11, 20], [30]]
    weights = {name: value.double().tolist() for name, value in bag.state_dict().items()}
    found = bag(padded([Tokens(ids) for ids in texts], 0)).tolist()
    for ids, row in zip(texts, found, strict=True):
        x = [sum(weights["embeddings.weight"][id][d] for id in ids) / len(ids) for d in range(4)]
        hidden = [
            math.tanh(sum(w * v for w, v in zip(line, x, strict=True)) + a)
            for line, a in zip(weights["hidden.weight"], weights["hidden.bias"], strict=True)
        ]
        out = [
            sum(w * v for w, v in zip(line, hidden, strict=True)) + b
            for line, b in zip(weights["output.weight"], weights["output.bias"], strict=True)
        ]
        assert row == pytest.approx(out, abs=1e-6)


def test_it_is_a_bag(bag: BagOfWords) -> None:
    """The order of words is nothing, how often each stands there is something; special tokens are no words."""
    rows = bag(
        padded([Tokens(ids) for ids in ([10, 11, 12], [12, 10, 11], [2, 10, 11, 3, 12, 3], [10, 10, 12])], 0)
    )
    torch.testing.assert_close(rows[1], rows[0])
    torch.testing.assert_close(rows[2], rows[0])
    assert not torch.allclose(rows[3], rows[0], atol=1e-3)


def test_a_text_without_words_has_a_vector(bag: BagOfWords) -> None:
    """That of the mean 0: finite."""
    (row,) = bag(padded([Tokens([2, 3])], 0))
    torch.testing.assert_close(row, bag.output(torch.tanh(bag.hidden.bias)))


def test_what_is_saved_is_what_is_read(bag: BagOfWords, tmp_path: Path) -> None:
    """Bit for bit; the tensors are told from another side's and another size's."""
    tokenizer = bert_tokenizer(tmp_path / "words")
    save(bag, "ctx_encoder", tokenizer, tmp_path / "tower")
    weights = FolderWeights(tmp_path / "tower")
    batch = padded([Tokens([10, 11, 12]), Tokens([4])], 0)
    np.testing.assert_array_equal(stored(weights, "ctx_encoder", 4)(batch).detach(), bag(batch).detach())
    with pytest.raises(MissingWeights, match=r"question_encoder\.embeddings\.weight is not there"):
        stored(weights, "question_encoder", 4)
    with pytest.raises(MissingWeights, match=r"is \[\d+, 4\], and \[\d+, 8\] is needed"):
        stored(weights, "ctx_encoder", 8)
