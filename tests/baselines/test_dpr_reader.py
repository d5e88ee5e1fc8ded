"""DPR's reader against transformers' own class and a loop over all spans, on random weights in its layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.dpr.reader import SPAN, TOKENS, ExtractiveReader, best_span, reader_variant
from baselines.encoders.checkpoints import PYTORCH, SAFETENSORS, Checkpoint
from benchmarks.conformance import check_reader
from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Answer, Document, Setting

CHECKPOINT = Checkpoint("facebook/dpr-reader-single-nq-base", weights=PYTORCH, part="reader")
WORDS = ["who", "wrote", "the", "book", "in", "1969", "of", "paris", "été", "東", "don't", "U.S.", ",", "!"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder with a small DPRReader of random weights, its tokenizer and its config, saved in either format."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertTokenizerFast, DPRConfig, DPRReader

    def save(weights: str) -> Path:
        folder = tmp_path_factory.mktemp("reader")
        tokenizer = BertWordPieceTokenizer(lowercase=True)
        tokenizer.train_from_iterator(
            [" ".join(WORDS)], vocab_size=60, special_tokens=SPECIAL, show_progress=False
        )
        tokenizer.save_model(str(folder))
        BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
        torch.manual_seed(1)
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        # Ten times the usual spread, so that logits differ by more than rounding.
        model = DPRReader(DPRConfig(vocab_size=60, initializer_range=0.2, **sizes))
        model.save_pretrained(folder)
        if weights == PYTORCH:
            torch.save(model.state_dict(), folder / PYTORCH)
            (folder / SAFETENSORS).unlink()
        return folder

    return save


def cases(count: int) -> tuple[list[str], list[list[Document]]]:
    """Questions with one to six passages, some without a title or a text, some far too long."""
    generator = np.random.default_rng(0)

    def text(longest: int) -> str:
        return " ".join(generator.choice(WORDS, size=generator.integers(0, longest)))

    questions = [text(15) for _ in range(count)]
    passages = [
        [Document(f"q{q}p{p}", text(4), text(600 if p == 1 else 60)) for p in range(generator.integers(1, 7))]
        for q in range(count)
    ]
    return questions, passages


def slow_answer(model: Any, tokenizer: Any, question: str, passages: list[Document]) -> Answer:
    """One passage at a time through transformers' class, then a loop over all spans; nothing is padded."""
    import torch

    best: tuple[float, Answer] = (-np.inf, Answer("", ""))
    for passage in passages:
        # In lists: alone, an empty title would count as none, and its [SEP] be left out.
        head = tokenizer([question], [passage.title])["input_ids"][0]
        assert head[0] == 2
        assert head.count(3) == 2
        text = tokenizer(passage.text, add_special_tokens=False)["input_ids"]
        ids = (head + text)[:TOKENS]
        with torch.inference_mode():
            found = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)))
        starts, ends = found.start_logits[0].tolist(), found.end_logits[0].tolist()
        spans = [
            (starts[i] + ends[j], i - len(head), j - len(head))
            for i in range(len(head), len(ids))
            for j in range(i, min(i + SPAN, len(ids)))
        ]
        relevance = found.relevance_logits.item()
        if spans and relevance > best[0]:
            _, first, last = max(spans, key=lambda span: span[0])
            best = (relevance, Answer(words(tokenizer, text, first, last), passage.id))
    return best[1]


def words(tokenizer: Any, text: list[int], first: int, last: int) -> str:
    """The whole words that a span touches, from the tokenizer's own count of words."""
    pieces = tokenizer.convert_ids_to_tokens(text)
    number = list(np.cumsum([not piece.startswith("##") for piece in pieces]))
    chosen = [id for id, word in zip(text, number, strict=True) if number[first] <= word <= number[last]]
    decoded: str = tokenizer.decode(chosen, skip_special_tokens=True, clean_up_tokenization_spaces=True)
    return decoded


@pytest.mark.parametrize("weights", [SAFETENSORS, PYTORCH])
def test_the_reader_is_dpr_reader_and_a_loop_over_spans(weights: str, folders: Callable[[str], Path]) -> None:
    """24 questions read together, in padded batches, answer as each passage alone does in transformers' class."""
    from transformers import AutoTokenizer, DPRReader

    folder = folders(weights)
    questions, passages = cases(24)
    found = ExtractiveReader(CHECKPOINT, Setting(checkpoint=folder)).read(questions, passages)
    model = DPRReader.from_pretrained(folder, use_safetensors=weights == SAFETENSORS).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = [slow_answer(model, tokenizer, q, p) for q, p in zip(questions, passages, strict=True)]
    assert found == expected
    assert len({answer.text for answer in found}) > 12
    assert sum(answer.document.endswith("p0") for answer in found) < 18


def test_neighbours_do_not_matter(folders: Callable[[str], Path]) -> None:
    """A question alone is answered as among 23 others, and the order of its passages does not matter."""
    reader = ExtractiveReader(CHECKPOINT, Setting(checkpoint=folders(SAFETENSORS)))
    questions, passages = cases(24)
    together = reader.read(questions, passages)
    for question, found, answer in zip(questions[:10], passages[:10], together[:10], strict=True):
        assert reader.read([question], [found]) == [answer]
        assert reader.read([question], [found[::-1]]) == [answer]


def test_a_reader_of_random_weights_keeps_the_contract() -> None:
    """What any reader owes the bench, without a checkpoint; equal seeds answer equally, others do not."""
    reader = ExtractiveReader(CHECKPOINT, Setting(random_weights=True))
    check_reader(reader)
    questions, passages = cases(10)
    answers = reader.read(questions, passages)
    again, other = (ExtractiveReader(CHECKPOINT, Setting(random_weights=True, seed=seed)) for seed in (0, 1))
    assert again.read(questions, passages) == answers
    assert other.read(questions, passages) != answers


def test_a_passage_without_text_is_never_chosen() -> None:
    """There is no span in it; where no passage has text there is no answer."""
    reader = ExtractiveReader(CHECKPOINT, Setting(random_weights=True))
    empty = [Document(f"e{number}", "title", "") for number in range(5)]
    assert reader.read(["who"], [empty]) == [Answer("", "")]
    assert reader.read(["who"], [[*empty, Document("d", "", "word")]]) == [Answer("word", "d")]
    # A question so long that nothing of the passage is seen.
    assert reader.read(["who " * 400], [[Document("d", "", "word")]]) == [Answer("", "")]


def test_typographic_apostrophes_are_plain() -> None:
    """U+2019 in a question reads as an apostrophe, as in DPR's retrieval."""
    reader = ExtractiveReader(CHECKPOINT, Setting(random_weights=True))
    _, passages = cases(6)
    assert reader.read(["who\u2019s"] * 6, passages) == reader.read(["who's"] * 6, passages)


def test_the_protocol_names_weights_and_conventions(folders: Callable[[str], Path]) -> None:
    """A folder by the hash of its files; drawn weights by their seed."""
    own = ExtractiveReader(CHECKPOINT, Setting(checkpoint=folders(SAFETENSORS))).protocol
    assert list(own["model"]) == ["files_sha256"]
    assert ExtractiveReader(CHECKPOINT, Setting(random_weights=True)).protocol["model"] == {
        "drawn": "bert",
        "seed": 0,
    }
    assert (own["tokens"], own["span_tokens"]) == (350, 10)


def test_another_models_folder_is_refused(tmp_path: Path, folders: Callable[[str], Path]) -> None:
    """An encoder's file has no span outputs; the line says which tensor is missing."""
    from safetensors.torch import load_file, save_file

    folder = folders(SAFETENSORS)
    tensors = load_file(folder / SAFETENSORS)
    save_file({k: v for k, v in tensors.items() if "qa_classifier" not in k}, folder / SAFETENSORS)
    with pytest.raises(MissingWeights, match="qa_classifier"):
        ExtractiveReader(CHECKPOINT, Setting(checkpoint=folder)).read(["who"], [[Document("d", "", "word")]])


def test_a_variant_says_what_it_needs() -> None:
    """The repository, and that no revision of it is known."""
    variant = reader_variant(CHECKPOINT, "a reader")
    assert variant.needs == "facebook/dpr-reader-single-nq-base (not pinned)"
    assert isinstance(variant.build(Setting(random_weights=True)), ExtractiveReader)


logits = st.floats(-9, 9, width=32)


@given(st.lists(st.tuples(logits, logits), min_size=1, max_size=30), st.integers(1, 12))
def test_the_best_span_is_that_of_a_loop(pairs: list[tuple[float, float]], longest: int) -> None:
    """No span within the length has a higher sum; of equal ones the first to start, then the shortest."""
    starts, ends = np.array(pairs, dtype=np.float32).T
    expected, highest = (0, 0), -np.inf
    for first in range(len(starts)):
        for last in range(first, min(first + longest, len(starts))):
            if starts[first] + ends[last] > highest:
                highest, expected = starts[first] + ends[last], (first, last)
    assert best_span(starts, ends, longest) == expected
