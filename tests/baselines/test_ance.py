"""ANCE against a plain restatement of its head, on random weights in its checkpoints' layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Document, Encoder, Setting, TokenEncoder
from benchmarks.registry import baselines
from tests.baselines.layouts import SIZE, as_pytorch, assert_same_directions, roberta_tokenizer, texts


def saved(folder: Path, *, head: bool = True) -> tuple[Any, Any, Any]:
    """RoBERTa, a linear layer and a LayerNorm, saved under the released file's names; and themselves."""
    import torch
    from safetensors.torch import save_file
    from transformers import RobertaConfig, RobertaModel

    tokenizer = roberta_tokenizer(folder)
    torch.manual_seed(0)
    roberta = RobertaModel(
        RobertaConfig(vocab_size=len(tokenizer), max_position_embeddings=514, **SIZE)
    ).eval()
    linear, norm = torch.nn.Linear(64, 64), torch.nn.LayerNorm(64)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    tensors = {f"roberta.{name}": tensor for name, tensor in roberta.state_dict().items()}
    if head:
        tensors |= {f"embeddingHead.{name}": tensor for name, tensor in linear.state_dict().items()}
        tensors |= {f"norm.{name}": tensor for name, tensor in norm.state_dict().items()}
    roberta.config.save_pretrained(folder)
    save_file(
        {name: tensor.contiguous().clone() for name, tensor in tensors.items()}, folder / "model.safetensors"
    )

    def one(ids: list[int]) -> Any:
        with torch.inference_mode():
            first = roberta(input_ids=torch.tensor([ids])).last_hidden_state[0, 0]
            return norm(linear(first)).numpy()

    return tokenizer, one, roberta


@pytest.mark.parametrize("file", [lambda folder: folder, as_pytorch], ids=["safetensors", "pytorch"])
def test_passages_and_queries_are_the_first_token_through_the_head(
    file: Callable[[Path], Path], tmp_path: Path
) -> None:
    """200 texts one by one: lower-cased, 64 tokens of a query and 256 of a passage, linear, LayerNorm."""
    tokenizer, one, _ = saved(tmp_path)
    file(tmp_path)
    encoder = baselines()["ance"].variants["msmarco-passage"].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, Encoder)
    documents = [Document(str(n), "Some Title" if n % 2 else "", text) for n, text in enumerate(texts())]

    def ids(text: str, longest: int) -> Any:
        return tokenizer(text.lower(), truncation=True, max_length=longest)["input_ids"]

    assert_same_directions(encoder.encode_queries(texts()), [one(ids(text, 64)) for text in texts()])
    expected = [one(ids(f"{d.title} {d.text}".strip(), 256)) for d in documents]
    assert_same_directions(encoder.encode_documents(documents), expected)


def test_firstp_reads_url_title_and_body(tmp_path: Path) -> None:
    """The three parts with RoBERTa's separator between them, cut at 512."""
    tokenizer, one, _ = saved(tmp_path)
    encoder = baselines()["ance"].variants["msmarco-doc:firstp"].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, Encoder)
    found = encoder.encode_documents([Document("d", "Dense", "the passage " * 400, "http://a.b/")])
    text = "http://a.b/ </s> dense </s> " + "the passage " * 400
    assert_same_directions(found, [one(tokenizer(text, truncation=True, max_length=512)["input_ids"])])


def test_maxp_has_a_vector_for_each_of_four_passages(tmp_path: Path) -> None:
    """Stretches of 510 tokens between <s> and </s>; what comes after 2,040 tokens is not read."""
    tokenizer, one, _ = saved(tmp_path)
    encoder = baselines()["ance"].variants["msmarco-doc:maxp"].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, TokenEncoder)
    lengths = (0, 3, 700, 1100, 5000)
    documents = [Document(str(n), "", " ".join(["dense"] * n)) for n in lengths]
    for document, found in zip(documents, encoder.encode_documents(documents), strict=True):
        ids = tokenizer(document.text, add_special_tokens=False)["input_ids"]
        stretches = [ids[start : start + 510] for start in range(0, min(max(len(ids), 1), 2040), 510)]
        assert_same_directions(found, [one([0, *stretch, 2]) for stretch in stretches])
    assert [len(matrix) for matrix in encoder.encode_queries(["a", "b"])] == [1, 1]


def test_a_roberta_without_the_head_is_refused(tmp_path: Path) -> None:
    """A plain RoBERTa would give vectors too, of another model."""
    saved(tmp_path, head=False)
    encoder = baselines()["ance"].variants["msmarco-passage"].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, Encoder)
    with pytest.raises(MissingWeights, match="embeddingHead"):
        encoder.encode_queries(["text"])


def test_neighbours_do_not_matter(tmp_path: Path) -> None:
    """A text alone and among 199 others has one vector up to rounding: RoBERTa counts positions from padding."""
    saved(tmp_path)
    encoder = baselines()["ance"].variants["msmarco-passage"].build(Setting(checkpoint=tmp_path))
    assert isinstance(encoder, Encoder)
    together = encoder.encode_queries(texts())[:40]
    alone = np.concatenate([encoder.encode_queries([text]) for text in texts()[:40]])
    np.testing.assert_allclose(together, alone, atol=2e-5)
