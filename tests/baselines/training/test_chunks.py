"""Texts in chunks: vectors and gradients are those of one batch, whether a chunk is kept or run again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from baselines.encoders.modules import Pooled
from baselines.encoders.pooling import mean
from baselines.encoders.tower import Tokens, padded
from baselines.training.chunks import read, vectors_of


def model(dropout: float = 0.0) -> Pooled:
    """A BERT of two small layers, always the same."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        initializer_range=0.3, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    return Pooled(BertModel(config, add_pooling_layer=False), mean, normalised=False).train()


RNG = np.random.default_rng(0)
TEXTS = [Tokens(RNG.integers(5, 50, size=size).tolist()) for size in (3, 9, 1, 30, 12, 12, 5, 17, 2, 8, 21)]


def gradients(vectors: torch.Tensor, of: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Those of a loss in which every vector counts with every other."""
    (torch.logsumexp(vectors @ vectors.T, dim=1).mean()).backward()
    return {name: p.grad for name, p in of.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("tokens", [1, 24, 60])
def test_chunks_are_one_batch(cached: bool, tokens: int) -> None:
    """Vectors in the order of the texts, and gradients, to 1e-6."""
    whole, cut = model(), model()
    expected = whole(padded(TEXTS, 0))
    found = vectors_of(cut, TEXTS, 0, cached=cached, tokens=tokens)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    wanted, got = gradients(expected, whole), gradients(found, cut)
    assert wanted.keys() == got.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(got[name], value, atol=1e-6, rtol=1e-5)


def test_what_is_run_again_drops_the_same() -> None:
    """With dropout, gradients of cached chunks are those of kept ones with the same seed; another seed has others."""
    results = []
    for cached, seed in ((False, 5), (True, 5), (True, 6)):
        one = model(dropout=0.2)
        torch.manual_seed(seed)
        vectors = vectors_of(one, TEXTS, 0, cached=cached, tokens=24)
        # What is drawn between the two runs must not matter.
        torch.rand(7)
        results.append((vectors.detach(), gradients(vectors, one)))
    (kept, expected), (again, found), (other, _) = results
    assert torch.equal(kept, again)
    assert not torch.allclose(kept, other)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-6, rtol=1e-5)


def test_what_is_run_again_is_not_held() -> None:
    """Between the two passes a cached chunk keeps its vectors alone: far fewer bytes than a kept one."""
    held = {}
    for cached in (False, True):
        one, bytes_held = model(), 0

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal bytes_held
            bytes_held += tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            vectors_of(one, TEXTS, 0, cached=cached, tokens=24)
        held[cached] = bytes_held
    assert held[True] < held[False] / 10


def test_nothing_is_run_again_where_nothing_is_learnt() -> None:
    """Without gradients, cached or not is the same."""
    with torch.no_grad():
        plain, cached = (vectors_of(model(), TEXTS, 0, cached=one, tokens=24) for one in (False, True))
    assert torch.equal(plain, cached)
    assert not cached.requires_grad


def test_tokens_read_leave_padding_out() -> None:
    """The sum of the lengths."""
    assert read(TEXTS) == 3 + 9 + 1 + 30 + 12 + 12 + 5 + 17 + 2 + 8 + 21
