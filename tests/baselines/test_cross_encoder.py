"""The cross-encoder against sentence-transformers, on random weights in the released layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import EvaluationError, UsageError
from benchmarks.interfaces import Document, Indexed, Query, Scorer, Setting
from benchmarks.registry import baselines
from benchmarks.retrieval.resolve import resolve
from benchmarks.spec import parse
from tests.baselines.layouts import as_pytorch, classifier, texts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A BERT with one label, saved by transformers' own class."""
    return classifier(tmp_path / "model")


@pytest.mark.parametrize("file", [lambda folder: folder, as_pytorch], ids=["safetensors", "pytorch"])
def test_scores_are_those_of_sentence_transformers(
    file: Callable[[Path], Path], folder: Path, tmp_path: Path
) -> None:
    """200 pairs: the logit of one label, both segments known as such, cut at 512."""
    import torch
    from sentence_transformers import CrossEncoder

    theirs = CrossEncoder(str(folder), device="cpu", max_length=512, activation_fn=torch.nn.Identity())
    pairs = [(query, f"title {text}".strip()) for query, text in zip(texts()[::-1], texts(), strict=True)]
    pairs = [(query[:400], text) for query, text in pairs]
    expected = theirs.predict(pairs)
    scorer = baselines()["cross_encoder"].variants["minilm-l6"].build(Setting(checkpoint=file(folder)))
    assert isinstance(scorer, Scorer)
    assert isinstance(scorer, Indexed)
    scorer.index([Document(str(n), "title", text) for n, text in enumerate(texts())], tmp_path / "texts")
    queries = [Query(str(n), query) for n, (query, _) in enumerate(pairs)]
    found = np.concatenate(scorer.score(queries, [[query.id] for query in queries]))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.std() > 1e-3
    with pytest.raises(EvaluationError, match="not in the collection"):
        scorer.score(queries[:1], [["nobody"]])


def test_it_re_ranks_and_does_nothing_else() -> None:
    """On its own it is wrong use, told in one line; behind a first stage it is not."""
    setting = Setting(random_weights=True)
    with pytest.raises(UsageError, match=r"rerank\(FIRST,cross_encoder:minilm-l6\)"):
        resolve(parse("cross_encoder:minilm-l6"), setting)
    with pytest.raises(UsageError, match="FIRST"):
        resolve(parse("rrf(bm25:flat,cross_encoder:minilm-l6)"), setting)
    assert (
        resolve(parse("rerank(bm25:flat,cross_encoder:minilm-l6)"), setting).protocol["kind"] == "re-ranking"
    )
