"""The lab's BERT: guessing hidden words is learnt, and what comes out is read like any other encoder."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.training.trained import facts
from benchmarks.interfaces import Encoder, Setting
from benchmarks.registry import baselines
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET


@pytest.mark.slow
def test_hidden_words_are_learnt_from_scratch(cache: Cache) -> None:
    """The loss ends far below its start, the logarithm of the pieces; the encoder reads the checkpoint."""
    variant = baselines()["lab_bert"].variants["synthetic:small"]
    assert variant.train is not None
    spent = (facts(variant.train(Setting(), QUIET)) or {})["spent"]
    assert spent["last_loss"] < spent["first_loss"] - 1.5
    assert spent["peak_bytes"] < spent["estimated_bytes"]
    encoder = variant.build(Setting())
    assert isinstance(encoder, Encoder)
    vectors = encoder.encode_queries(["the thinker of a house", "the library", "the library"])
    assert vectors.shape == (3, 128)
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-6)
