"""TCT-ColBERT against its documentation restated line by line, on random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from tests.baselines.layouts import as_pytorch, assert_same_directions, bert, texts


@pytest.mark.parametrize("file", [lambda folder: folder, as_pytorch], ids=["safetensors", "pytorch"])
@pytest.mark.parametrize("variant", ["v1", "v2", "v2-hn", "v2-hnp"])
def test_queries_and_passages_are_as_documented(
    variant: str, file: Callable[[Path], Path], tmp_path: Path
) -> None:
    """200 texts one by one: markers as plain text, [MASK]s to 36 pieces, the mean from position 4 on."""
    import numpy as np
    import torch
    from transformers import AutoTokenizer

    model = bert(tmp_path)
    file(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    encoder = baselines()["tct_colbert"].variants[variant].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, Encoder)
    queries, passages = [], []
    for text in texts():
        pieces = ["[CLS]", "[", "q", "]", *tokenizer.tokenize(text), *["[MASK]"] * 36][:36]
        ids = torch.tensor([tokenizer.convert_tokens_to_ids(pieces)])
        with torch.inference_mode():
            queries.append(model(input_ids=ids).last_hidden_state[0, 4:36].mean(dim=0).numpy())
        pieces = ["[CLS]", "[", "d", "]", *tokenizer.tokenize(f"a title {text}".strip())][:154]
        ids = torch.tensor([tokenizer.convert_tokens_to_ids(pieces)])
        with torch.inference_mode():
            passages.append(model(input_ids=ids).last_hidden_state[0, 4:].mean(dim=0).numpy())
    assert_same_directions(encoder.encode_queries(texts()), queries)
    documents = [Document(str(n), "a title", text) for n, text in enumerate(texts())]
    assert_same_directions(encoder.encode_documents(documents), passages)
    empty = encoder.encode_documents([Document("e", "", "")])
    assert np.array_equal(empty, np.zeros_like(empty))
