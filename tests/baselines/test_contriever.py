"""Contriever against transformers' own classes, on random weights in its checkpoints' layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.encoders.checkpoints import PYTORCH, SAFETENSORS
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from tests.baselines import layouts
from tests.baselines.layouts import texts


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a small BERT of random weights, a tokenizer and a config, saved in either format."""

    def save(weights: str) -> Path:
        folder = tmp_path_factory.mktemp("bert")
        layouts.bert(folder)
        return layouts.as_pytorch(folder) if weights == PYTORCH else folder

    return save


def cosine(left: Any, right: Any) -> Any:
    """Cosine of each row with its counterpart."""
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return (left * right).sum(axis=1) / lengths


@pytest.mark.parametrize("weights", [SAFETENSORS, PYTORCH])
@pytest.mark.parametrize("variant", ["unsupervised", "msmarco", "mcontriever", "mcontriever-msmarco"])
def test_contriever_is_the_masked_mean_and_nothing_more(
    variant: str, weights: str, bert: Callable[[str], Path]
) -> None:
    """200 texts one by one through transformers, mean over positions written out, no normalisation, no prefix."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = bert(weights)
    encoder = baselines()["contriever"].variants[variant].build(Setting(checkpoint=folder))
    assert isinstance(encoder, Encoder)
    found = encoder.encode_queries(texts(200))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, use_safetensors=weights == SAFETENSORS).eval()
    expected = []
    with torch.inference_mode():
        for text in texts(200):
            inputs = tokenizer(text, truncation=True, max_length=512, return_tensors="pt")
            expected.append(model(**inputs).last_hidden_state[0].mean(dim=0).numpy())
    assert cosine(found, np.array(expected)).min() > 0.99999
    np.testing.assert_allclose(found, np.array(expected), atol=1e-5)
    assert not np.allclose(np.linalg.norm(found, axis=1), 1.0)


def test_documents_are_title_space_text(bert: Callable[[str], Path]) -> None:
    """BEIR's template, as the paper's evaluation has it."""
    encoder = baselines()["contriever"].variants["msmarco"].build(Setting(checkpoint=bert(SAFETENSORS)))
    assert isinstance(encoder, Encoder)
    document = encoder.encode_documents([Document("d", "dense retrieval", "of the passage")])
    np.testing.assert_allclose(
        document, encoder.encode_queries(["dense retrieval of the passage"]), atol=1e-6
    )


def test_neighbours_do_not_matter(bert: Callable[[str], Path]) -> None:
    """A text alone and among 199 others, short and long, has one vector up to rounding."""
    encoder = baselines()["contriever"].variants["msmarco"].build(Setting(checkpoint=bert(SAFETENSORS)))
    assert isinstance(encoder, Encoder)
    together = encoder.encode_queries(texts(200))
    alone = np.concatenate([encoder.encode_queries([text]) for text in texts(200)[:40]])
    assert cosine(together[:40], alone).min() > 0.99999
    assert encoder.encode_queries([]).shape == (0, together.shape[1])
