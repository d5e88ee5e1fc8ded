"""Masked words: which tokens are hidden, how, and what guessing them costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from baselines.encoders.tower import Tokens, padded
from baselines.training import chunks
from baselines.training.masking import IGNORED, Head, guess_loss, masked, padded_labels
from baselines.training.mlm import MaskedLM, drawn_passages
from benchmarks.storage.cache import Cache
from tests.baselines.layouts import SIZE, bert_tokenizer
from tests.baselines.training.made import TINY, assert_frequencies, materials


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tokenizer of some words."""
    return bert_tokenizer(tmp_path_factory.mktemp("words"))


def texts(tokenizer: Any, count: int = 300) -> list[Tokens]:
    """[CLS] words [SEP] of one to sixty tokens, some unknown."""
    rng = np.random.default_rng(1)
    cls, sep, size = tokenizer.cls_token_id, tokenizer.sep_token_id, len(tokenizer)
    return [
        Tokens([cls, *rng.integers(7, size, size=rng.integers(1, 60)).tolist(), sep]) for _ in range(count)
    ]


def test_of_the_chosen_80_10_10(words: Any) -> None:
    """[MASK], another token, the same token; as BERT's section 3.1 says (a random token is the same one time in all)."""
    read = texts(words)
    hidden, labels = masked(read, 0.15, words, np.random.default_rng(2))
    fates, size = [], len(words)
    for text, shown, label in zip(read, hidden, labels, strict=True):
        for before, after, wanted in zip(text.ids, shown.ids, label, strict=True):
            if wanted == IGNORED:
                assert after == before
            else:
                assert wanted == before
                known = {words.mask_token_id: 0, before: 1}
                fates.append(known.get(after, 2))
    same = 0.1 / size
    assert_frequencies(fates, np.array([0.8 + same, 0.1 + same, 0.1 - 2 * same]))


def test_as_many_are_chosen_as_is_said_and_never_a_special_one(words: Any) -> None:
    """A rounded share of what is no special token, at least one; every place alike."""
    read = texts(words)
    _, labels = masked(read, 0.3, words, np.random.default_rng(3))
    for text, label in zip(read, labels, strict=True):
        chosen = [place for place, wanted in enumerate(label) if wanted != IGNORED]
        assert len(chosen) == max(1, round(0.3 * (len(text.ids) - 2)))
        assert 0 < min(chosen) <= max(chosen) < len(text.ids) - 1
    one = Tokens([2, *range(10, 20), 3])
    rng = np.random.default_rng(4)
    seen = [
        p for _ in range(2_000) for p, w in enumerate(masked([one], 0.3, words, rng)[1][0]) if w != IGNORED
    ]
    assert_frequencies(seen, np.array([0, *[0.1] * 10, 0]))


def test_special_tokens_anywhere_are_never_chosen(words: Any) -> None:
    """[SEP] and [UNK] in the middle; a text of nothing else hides nothing."""
    read = [Tokens([2, 10, 3, 1, 11, 3])] * 200 + [Tokens([2, 3])]
    _, labels = masked(read, 1.0, words, np.random.default_rng(5))
    assert labels[:-1] == [[IGNORED, 10, IGNORED, IGNORED, 11, IGNORED]] * 200
    assert labels[-1] == [IGNORED] * 2


def test_masks_depend_on_the_generator_alone(words: Any) -> None:
    """Equal seeds hide the same; the texts stay as they were."""
    read = texts(words, 20)
    before = [list(text.ids) for text in read]
    first, again, other = (masked(read, 0.15, words, np.random.default_rng(seed)) for seed in (6, 6, 7))
    assert first == again != other
    assert [text.ids for text in read] == before


def test_guessing_costs_what_transformers_says(words: Any) -> None:
    """Loss and logits of `BertForMaskedLM` with the same weights; ours are computed at the hidden places alone."""
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    reference = BertForMaskedLM(BertConfig(vocab_size=len(words), **SIZE)).eval()
    bert, predictions = reference.bert, reference.cls.predictions
    with torch.no_grad():
        predictions.bias.normal_()
    head = Head(bert)
    head.load_state_dict({
        "bias": predictions.bias, "dense.weight": predictions.transform.dense.weight,
        "dense.bias": predictions.transform.dense.bias, "norm.weight": predictions.transform.LayerNorm.weight,
        "norm.bias": predictions.transform.LayerNorm.bias,
    })  # fmt: skip
    hidden, labels = masked(texts(words, 12), 0.15, words, np.random.default_rng(8))
    batch, wanted = padded(hidden, 0), padded_labels(labels, "cpu")
    expected = reference(
        input_ids=batch.ids, attention_mask=batch.attended, token_type_ids=batch.segments, labels=wanted
    )
    states = batch.run(bert)
    total, count = guess_loss(head, states, wanted, bert)
    assert int(count) == sum(label != IGNORED for row in labels for label in row)
    torch.testing.assert_close(total / count, expected.loss)
    logits = head(states, bert.embeddings.word_embeddings.weight)
    torch.testing.assert_close(logits, expected.logits)
    assert wanted.shape == batch.ids.shape
    assert (wanted[batch.attended == 0] == IGNORED).all()


def test_the_objective_is_the_mean_over_all_hidden_tokens(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the batch is cut: not the mean of the chunks' means."""
    objective = MaskedLM(materials(TINY, cache, mask=0.15))
    objective.model.eval()
    whole = objective.loss(1)
    whole.value.backward()
    weight = objective.backbone.embeddings.word_embeddings.weight
    expected = weight.grad.clone()
    weight.grad = None
    monkeypatch.setitem(chunks.CHUNK_TOKENS, "cpu", 50)
    cut = objective.loss(1)
    cut.value.backward()
    torch.testing.assert_close(cut.value, whole.value)
    torch.testing.assert_close(weight.grad, expected, atol=1e-6, rtol=1e-4)
    rng = np.random.default_rng([0, 1])
    read = drawn_passages(objective.corpus, objective.tokenizer, 48, 8, rng)
    hidden, labels = masked(read, 0.15, objective.tokenizer, rng)
    assert whole.tokens == sum(len(text.ids) for text in read)
    losses = []
    for text, label in zip(hidden, labels, strict=True):
        states = objective.backbone(input_ids=torch.tensor([text.ids])).last_hidden_state[0]
        shares = objective.head(states, weight).log_softmax(dim=1)
        losses += [-shares[place, wanted] for place, wanted in enumerate(label) if wanted != IGNORED]
    torch.testing.assert_close(whole.value, torch.stack(losses).mean())
