"""DPR against transformers' own classes, on random weights in its checkpoints' layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from tests.baselines.layouts import SIZE, as_pytorch, assert_same_directions, bert, bert_tokenizer, texts


def built(baseline: str, variant: str, folder: Path) -> Encoder:
    """The encoder of a variant, with the weights of a folder."""
    encoder = baselines()[baseline].variants[variant].build(Setting(checkpoint=folder))
    assert isinstance(encoder, Encoder)
    return encoder


def towers(folder: Path, projection: int = 0) -> Path:
    """Two towers of random weights, saved by transformers' DPR classes."""
    import torch
    from transformers import DPRConfig, DPRContextEncoder, DPRQuestionEncoder

    for seed, (part, kind) in enumerate(
        (("question_encoder", DPRQuestionEncoder), ("ctx_encoder", DPRContextEncoder))
    ):
        tokenizer = bert_tokenizer(folder / part)
        torch.manual_seed(seed)
        kind(DPRConfig(vocab_size=len(tokenizer), projection_dim=projection, **SIZE)).save_pretrained(
            folder / part
        )
    return folder


@pytest.mark.parametrize("saved", [lambda folder: folder, as_pytorch], ids=["safetensors", "pytorch"])
@pytest.mark.parametrize(
    ("baseline", "variant"), [("dpr", "multiset"), ("dpr", "single-nq"), ("ance", "multi")]
)
def test_questions_and_passages_are_those_of_transformers(
    baseline: str, variant: str, saved: Callable[[Path], Path], tmp_path: Path
) -> None:
    """200 questions and passages, one by one through DPRQuestionEncoder and DPRContextEncoder."""
    import torch
    from transformers import AutoTokenizer, DPRContextEncoder, DPRQuestionEncoder

    folder = towers(tmp_path)
    encoder = built(baseline, variant, folder)
    questions, contexts = DPRQuestionEncoder, DPRContextEncoder
    question_encoder = questions.from_pretrained(folder / "question_encoder").eval()
    context_encoder = contexts.from_pretrained(folder / "ctx_encoder").eval()
    for part in ("question_encoder", "ctx_encoder"):
        saved(folder / part)
    tokenizer = AutoTokenizer.from_pretrained(folder / "ctx_encoder")
    passages = [Document(str(n), "a title" if n % 3 else "", text) for n, text in enumerate(texts())]
    expected_questions, expected_passages = [], []
    with torch.inference_mode():
        for text in texts():
            inputs = tokenizer(
                text.replace("\u2019", "'"), truncation=True, max_length=256, return_tensors="pt"
            )
            expected_questions.append(
                question_encoder(input_ids=inputs["input_ids"]).pooler_output[0].numpy()
            )
        for document in passages:
            pair = (document.title, document.text) if document.title else (document.text,)
            inputs = tokenizer(*pair, truncation="longest_first", max_length=256, return_tensors="pt")
            assert inputs["input_ids"][0, -1] == tokenizer.sep_token_id
            # Token types are left to their default, zeros, as in DPR's own code.
            expected_passages.append(context_encoder(input_ids=inputs["input_ids"]).pooler_output[0].numpy())
    assert_same_directions(encoder.encode_queries(texts()), expected_questions)
    assert_same_directions(encoder.encode_documents(passages), expected_passages)


def test_a_projection_in_the_file_is_used(tmp_path: Path) -> None:
    """The linear layer of transformers' DPR classes: what two towers with 512 dimensions have."""
    import torch
    from transformers import AutoTokenizer, DPRQuestionEncoder

    folder = towers(tmp_path, projection=16)
    found = built("pretraining_tasks", "ict+bfs+wlp", folder).encode_queries(texts())
    model = DPRQuestionEncoder.from_pretrained(folder / "question_encoder").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "question_encoder")
    expected = []
    with torch.inference_mode():
        for text in texts():
            inputs = tokenizer(
                text.replace("\u2019", "'"), truncation=True, max_length=64, return_tensors="pt"
            )
            expected.append(model(input_ids=inputs["input_ids"]).pooler_output[0].numpy())
    assert found.shape == (200, 16)
    assert_same_directions(found, expected)


def test_the_towers_are_two(tmp_path: Path) -> None:
    """A question and a passage of the same words have different vectors."""
    encoder = built("dpr", "multiset", towers(tmp_path))
    question = encoder.encode_queries(["dense retrieval"])
    passage = encoder.encode_documents([Document("d", "", "dense retrieval")])
    assert not np.allclose(question, passage, atol=1e-3)


def test_another_models_file_is_refused(tmp_path: Path) -> None:
    """A plain BERT where DPR's towers should be is named, not filled up at random."""
    bert(tmp_path)
    with pytest.raises(MissingWeights, match="is it this model's file"):
        built("dpr", "multiset", tmp_path).encode_queries(["text"])
