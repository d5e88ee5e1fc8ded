"""RetroMAE against transformers' AutoModel, on random weights in its checkpoints' layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from tests.baselines.layouts import as_pytorch, assert_same_directions, bert, texts


@pytest.mark.parametrize("file", [lambda folder: folder, as_pytorch], ids=["safetensors", "pytorch"])
@pytest.mark.parametrize(
    ("variant", "longest"), [("msmarco-finetune", 140), ("msmarco-distill", 140), ("beir", 144)]
)
def test_a_vector_is_the_last_layers_cls(
    variant: str, longest: int, file: Callable[[Path], Path], tmp_path: Path
) -> None:
    """200 texts one by one through AutoModel, [CLS] of the last layer: no pooler, no scaling, no prefix."""
    import torch
    from transformers import AutoTokenizer

    model = bert(tmp_path)
    file(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    encoder = baselines()["retromae"].variants[variant].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, Encoder)

    def cls(text: str, tokens: int) -> object:
        inputs = tokenizer(text, truncation=True, max_length=tokens, return_tensors="pt")
        with torch.inference_mode():
            return model(**inputs).last_hidden_state[0, 0].numpy()

    assert_same_directions(encoder.encode_queries(texts()), [cls(text, 32) for text in texts()])  # type: ignore[misc]
    documents = [Document(str(n), "title", text) for n, text in enumerate(texts())]
    expected = [cls(f"title {text}".strip(), longest) for text in texts()]
    assert_same_directions(encoder.encode_documents(documents), expected)  # type: ignore[arg-type]
