"""What a sentence's vector costs under each pooling (Kim, Yoo and Lee 2021, Table 6), in the same tower.

    nox -s latency -- -k sentence_vectors

All are of one model with the same weights, so that only what is made of the layers differs: a trained SG-OPT is read
at [CLS]. Whitening is fitted beforehand on the sentences it encodes, as it is on a collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.minilm import CHECKPOINT
from baselines.sg_opt import UNTUNED
from benchmarks.collections.synthetic.pairs import pairs
from benchmarks.collections.synthetic.world import World
from benchmarks.interfaces import Document, Setting

SENTENCES = 512
ROUNDS = 5


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    """The same for all: generated, of the length that STS has."""
    return [pair.first for pair in pairs(World(30_000), "test")][:SENTENCES]


@pytest.mark.benchmark(group=f"vectors of {SENTENCES} sentences, a BERT of six layers")
@pytest.mark.parametrize("way", UNTUNED)
def test_sentence_vectors(way: str, benchmark: Any, sentences: list[str], tmp_path: Path) -> None:
    """Each gives a finite vector a sentence; `cls` is also what SG-OPT takes."""
    if lacking := CHECKPOINT.missing():
        pytest.skip(lacking)
    build, _ = UNTUNED[way]
    encoder: Any = build(CHECKPOINT, Setting())
    if hasattr(encoder, "fit"):
        encoder.fit([Document(str(n), "", text) for n, text in enumerate(sentences)], tmp_path)
    found = benchmark.pedantic(
        encoder.encode_queries, (sentences,), rounds=ROUNDS, warmup_rounds=1, iterations=1
    )
    assert len(found) == SENTENCES
    assert np.isfinite(found).all()
