"""RetroMAE's decoders against the paper's equations written out position by position, and BERT's own layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from baselines.encoders.tower import Tokens
from baselines.retromae.decoder import BasicDecoder, EnhancedDecoder, Layer, decoder
from baselines.retromae.masks import basic, enhanced, padded_masks, sampled
from baselines.training.masking import IGNORED
from benchmarks.errors import UsageError

TEXTS, TOKENS, WIDTH = 3, 7, 8


def config(**changes: Any) -> Any:
    """A BERT of 8 dimensions and two heads, without dropout."""
    from transformers import BertConfig

    plain: dict[str, Any] = {
        "hidden_size": WIDTH, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30,
        "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    return BertConfig(**{**plain, **changes})


def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Sentences, words, positions and what is seen, in float64."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)

    seen = torch.rand((TEXTS, TOKENS, TOKENS), generator=generator) < 0.5
    seen[:, :, 0] = True
    return normal(TEXTS, WIDTH), normal(TEXTS, TOKENS, WIDTH), normal(TOKENS, WIDTH), seen


def norm(row: torch.Tensor, layer: Any) -> torch.Tensor:
    """Layer normalisation of one vector."""
    centred = row - row.sum() / len(row)
    return centred / torch.sqrt((centred**2).sum() / len(row) + layer.eps) * layer.weight + layer.bias


def one_row(layer: Layer, asking: torch.Tensor, context: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Equations 4 to 6 for one position of one text: `asking` [width], `context` [tokens, width], `seen` bool[tokens]."""
    heads = []
    size = WIDTH // 2
    query = layer.query.weight @ asking + layer.query.bias
    for head in range(2):
        part = slice(head * size, (head + 1) * size)
        weights, values = [], []
        for place, row in enumerate(context):
            if seen[place]:
                key = layer.key.weight @ row + layer.key.bias
                weights.append(torch.exp(query[part] @ key[part] / math.sqrt(size)))
                values.append((layer.value.weight @ row + layer.value.bias)[part])
        heads.append(
            sum((weight * value for weight, value in zip(weights, values, strict=True)), torch.zeros(size))
            / sum(weights)
        )
    attended = norm(asking + layer.output.weight @ torch.cat(heads) + layer.output.bias, layer.attention_norm)
    inner = layer.up.weight @ attended + layer.up.bias
    inner = inner * (1 + torch.erf(inner / math.sqrt(2))) / 2
    return norm(attended + layer.down.weight @ inner + layer.down.bias, layer.norm)


def slow_enhanced(decoder: EnhancedDecoder, *given: torch.Tensor) -> torch.Tensor:
    """Section 3.3, text by text and position by position."""
    sentence, words, positions, seen = given
    rows = []
    for text in range(TEXTS):
        context = [sentence[text], *words[text, 1:]]
        for place in range(TOKENS):
            asking = sentence[text] + positions[place]
            rows.append(one_row(decoder.layer, asking, torch.stack(context), seen[text, place]))
    return torch.stack(rows).reshape(TEXTS, TOKENS, WIDTH)


def slow_basic(decoder: BasicDecoder, *given: torch.Tensor) -> torch.Tensor:
    """Section 3.2, layer by layer."""
    sentence, words, _, seen = given
    found = []
    for text in range(TEXTS):
        states = [sentence[text], *words[text, 1:]]
        for layer in decoder.layers:
            context = torch.stack(states)
            states = [one_row(layer, row, context, seen[text, place]) for place, row in enumerate(states)]  # type: ignore[arg-type]
        found.append(torch.stack(states))
    return torch.stack(found)


DECODERS = [
    (lambda: EnhancedDecoder(config()), slow_enhanced),
    (lambda: BasicDecoder(config()), slow_basic),
    (lambda: BasicDecoder(config(), 3), slow_basic),
]


@pytest.mark.parametrize(("make", "slow"), DECODERS, ids=["enhanced", "basic", "basic, 3 layers"])
def test_a_decoder_is_the_papers_equations(make: Any, slow: Any) -> None:
    """States and the gradients of everything, against loops over texts, positions and heads."""
    torch.manual_seed(0)
    decoder = make().double()
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    outcomes = []
    for decode in (decoder, lambda *given: slow(decoder, *given)):
        given = drawn()
        states = decode(*given)
        learnt = [one for one in (*given[:3], *decoder.parameters()) if one.requires_grad]
        weight = torch.arange(states.numel(), dtype=torch.float64).reshape(states.shape)
        gradients = torch.autograd.grad((states * weight.sin()).sum(), learnt, allow_unused=True)
        outcomes.append([states, *gradients])
    for fast, expected in zip(*outcomes, strict=True):
        assert (fast is None) == (expected is None)
        if fast is not None:
            torch.testing.assert_close(fast, expected, rtol=1e-9, atol=1e-9)


def test_a_layer_is_berts_own() -> None:
    """With the weights of transformers' BertLayer and one stream for both it gives what that gives."""
    from transformers.models.bert.modeling_bert import BertLayer

    torch.manual_seed(0)
    theirs, ours = BertLayer(config(attn_implementation="eager")).double().eval(), Layer(config()).double()
    names = {
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "output": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
        "up": "intermediate.dense", "down": "output.dense", "norm": "output.LayerNorm",
    }  # fmt: skip
    for name, other in names.items():
        getattr(ours, name).load_state_dict(theirs.get_submodule(other).state_dict())
    _, words, _, seen = drawn()
    hidden = torch.where(seen.unsqueeze(1), 0.0, float("-inf")).double()
    found = theirs(words, attention_mask=hidden)
    expected = found[0] if isinstance(found, tuple) else found
    torch.testing.assert_close(ours(words, words, seen), expected, rtol=1e-9, atol=1e-9)


def test_a_layer_begins_like_berts() -> None:
    """Weights of standard deviation 0.02, no biases."""
    torch.manual_seed(0)
    layer = Layer(config(hidden_size=128, num_attention_heads=2, intermediate_size=512))
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif parameter.ndim == 2:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.05), name


def test_the_enhanced_decoder_knows_the_other_words_from_what_a_position_sees_alone() -> None:
    """A word changes the states of the positions that see it, and of no other; its own among them."""
    torch.manual_seed(0)
    decoder = EnhancedDecoder(config()).double()
    sentence, words, positions, _ = (one.detach() for one in drawn())
    seen = padded_masks([sampled(TOKENS - 2, 0.5, np.random.default_rng(0))] * TEXTS, "cpu")
    before = decoder(sentence, words, positions, seen)
    for place in range(1, TOKENS - 1):
        other = words.clone()
        other[:, place] += 1
        changed = (decoder(sentence, other, positions, seen) != before).any(dim=2)
        assert torch.equal(changed, seen[:, :, place])
        assert not changed[:, place].any()


def slow_sample(words: int, rate: float, luck: np.ndarray[Any, Any]) -> list[list[bool]]:
    """Equation 6 row by row: the luckiest others."""
    rows = []
    for row in range(words + 2):
        seen = [True] + [False] * (words + 1)
        if 1 <= row <= words:
            others = sorted(
                (luck[row - 1][other - 1], other) for other in range(1, words + 1) if other != row
            )
            for _, other in others[: round((1 - rate) * (words - 1))]:
                seen[other] = True
        rows.append(seen)
    return rows


@pytest.mark.parametrize("words", [1, 2, 3, 20])
@pytest.mark.parametrize("rate", [0.0, 0.15, 0.5, 0.9, 1.0])
def test_a_mask_is_a_slow_loops(words: int, rate: float) -> None:
    """The same random numbers, taken row by row."""
    luck = np.random.default_rng(words).random((words, words))
    found = sampled(words, rate, np.random.default_rng(words))
    assert found.tolist() == slow_sample(words, rate, luck)


def test_each_position_has_a_sample_of_its_own() -> None:
    """Over many texts every other word is seen in the share that is not hidden; rows of one text differ."""
    rng = np.random.default_rng(0)
    words, rate, draws = 11, 0.7, 2_000
    share = np.mean([sampled(words, rate, rng)[1:-1, 1:-1] for _ in range(draws)], axis=0)
    others = share[~np.eye(words, dtype=bool)]
    error = math.sqrt(0.3 * 0.7 / draws)
    assert np.abs(others - 0.3).max() < 5 * error
    assert not np.diag(share).any()
    rows = {tuple(row) for row in sampled(words, rate, rng)[1:-1, 1:-1].tolist()}
    assert len(rows) > words // 2


TEXT = Tokens([2, *range(10, 30), 3])


def test_enhanced_decoding_asks_for_every_word_and_hides_none_for_good() -> None:
    """The text itself, labelled with itself, [CLS] and [SEP] left out."""
    found = enhanced(TEXT, 0.5, None, np.random.default_rng(0))
    assert found.text == TEXT
    assert found.labels == [IGNORED, *range(10, 30), IGNORED]
    assert found.seen[1:-1, 1:-1].sum(axis=1).tolist() == [round(0.5 * 19)] * 20


def test_basic_decoding_asks_for_what_is_hidden_and_shows_the_rest() -> None:
    """A share of the words is asked for, most of it replaced; all positions see all."""

    class Tokenizer:
        all_special_ids, mask_token_id = [0, 1, 2, 3, 4], 4

        def __len__(self) -> int:
            return 30

    found = basic(TEXT, 0.7, Tokenizer(), np.random.default_rng(0))
    asked = [place for place, label in enumerate(found.labels) if label != IGNORED]
    assert len(asked) == 14
    assert all(found.labels[place] == TEXT.ids[place] for place in asked)
    assert all(found.text.ids[place] == TEXT.ids[place] for place in set(range(22)) - set(asked))
    assert sum(found.text.ids[place] == 4 for place in asked) > 7
    assert found.seen.all()


def test_texts_do_not_see_each_others_padding() -> None:
    """A shorter text's mask is its own; the padding sees position 0, so that no row is empty, and is seen by none."""
    short, long = sampled(2, 0.0, np.random.default_rng(0)), sampled(5, 0.0, np.random.default_rng(0))
    seen = padded_masks([short, long], "cpu")
    assert seen.shape == (2, 7, 7)
    assert seen[0, :4, :4].tolist() == short.tolist()
    assert seen[1].tolist() == long.tolist()
    assert not seen[0, :, 4:].any()
    assert seen[:, :, 0].all()


def test_no_other_decoder_is_known() -> None:
    """A name that is misspelt is no basic decoder."""
    with pytest.raises(UsageError, match="no decoder 'enhnced'"):
        decoder("enhnced", config(), 1)
