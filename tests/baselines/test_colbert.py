"""ColBERT against its documentation restated, on random weights in the released layout."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interfaces import Document, Setting, TokenEncoder
from benchmarks.registry import baselines
from tests.baselines.layouts import SIZE, bert_tokenizer, texts


def saved(folder: Path) -> tuple[Any, Any, Any]:
    """A BERT and a linear layer under the released file's names; and themselves."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    tokenizer = bert_tokenizer(folder)
    torch.manual_seed(0)
    bert = BertModel(BertConfig(vocab_size=len(tokenizer), **SIZE)).eval()
    linear = torch.nn.Linear(64, 128, bias=False)
    tensors = {f"bert.{name}": tensor for name, tensor in bert.state_dict().items()}
    tensors["linear.weight"] = linear.weight.detach()
    bert.config.save_pretrained(folder)
    save_file(
        {name: tensor.contiguous().clone() for name, tensor in tensors.items()}, folder / "model.safetensors"
    )
    return tokenizer, bert, linear


def built(variant: str, folder: Path) -> TokenEncoder:
    """The encoder of a variant, with the weights of a folder."""
    encoder = baselines()["colbert"].variants[variant].build(Setting(checkpoint=folder))
    assert isinstance(encoder, TokenEncoder)
    return encoder


def unit(vectors: Any) -> Any:
    """Rows scaled to length 1, in NumPy."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_queries_are_filled_up_with_masks_that_are_scored_and_not_attended_to(tmp_path: Path) -> None:
    """200 queries one by one: [CLS] [unused0] text [SEP] [MASK]... to 32, all 32 vectors, unit length."""
    import torch

    tokenizer, bert, linear = saved(tmp_path)
    for text, found in zip(texts(), built("v2", tmp_path).encode_queries(texts()), strict=True):
        pieces = ["[CLS]", "[unused0]", *tokenizer.tokenize(text)[:29], "[SEP]"]
        attended = [1] * len(pieces) + [0] * (32 - len(pieces))
        ids = tokenizer.convert_tokens_to_ids(pieces + ["[MASK]"] * (32 - len(pieces)))
        with torch.inference_mode():
            hidden = bert(
                input_ids=torch.tensor([ids]), attention_mask=torch.tensor([attended])
            ).last_hidden_state
            expected = unit(linear(hidden[0]).numpy())
        assert found.shape == (32, 128)
        assert (found * expected).sum(axis=1).min() >= 0.99999


def test_passages_have_a_vector_for_each_token_that_is_no_punctuation(tmp_path: Path) -> None:
    """200 passages one by one: [CLS] [unused1] text [SEP], punctuation dropped, cut at the variant's length."""
    import torch

    tokenizer, bert, linear = saved(tmp_path)
    documents = [Document(str(n), "A title.", text) for n, text in enumerate(texts())]
    for variant, longest in (("v1", 180), ("v2", 220)):
        for document, found in zip(
            documents, built(variant, tmp_path).encode_documents(documents), strict=True
        ):
            text = f"{document.title} {document.text}".strip()
            pieces = ["[CLS]", "[unused1]", *tokenizer.tokenize(text)[: longest - 3], "[SEP]"]
            with torch.inference_mode():
                ids = torch.tensor([tokenizer.convert_tokens_to_ids(pieces)])
                expected = unit(linear(bert(input_ids=ids).last_hidden_state[0]).numpy())
            kept = [place for place, piece in enumerate(pieces) if piece not in string.punctuation]
            assert found.shape == (len(kept), 128)
            assert (found * expected[kept]).sum(axis=1).min() >= 0.99999


def test_neighbours_do_not_matter(tmp_path: Path) -> None:
    """A passage alone and among 199 others has one matrix up to rounding."""
    saved(tmp_path)
    encoder = built("v2", tmp_path)
    documents = [Document(str(n), "", text) for n, text in enumerate(texts())]
    for document, together in zip(documents[:30], encoder.encode_documents(documents), strict=False):
        np.testing.assert_allclose(encoder.encode_documents([document])[0], together, atol=2e-5)
