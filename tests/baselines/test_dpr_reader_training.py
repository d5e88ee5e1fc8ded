"""The reader's training: its loss with a loop for every span, which passages and spans it is given, whether it learns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.dpr.reader import ExtractiveReader, Input, inputs
from baselines.dpr.reader_training import ReaderTraining, answer_spans, reading_loss
from baselines.dpr.supervision import Found
from baselines.training.loop import train
from baselines.training.recipe import Recipe
from baselines.training.trained import Training
from benchmarks.evaluation.answers import has_answer
from benchmarks.interfaces import Document, Setting
from benchmarks.registry import baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.layouts import bert_tokenizer
from tests.baselines.training.made import QUIET, materials

RECIPE = Recipe(
    "scratch:tiny", "synthetic/60/train", 4, 1e-3, "synthetic/60", steps=3, document_tokens=64,
    objective={"miner": "bm25:flat", "negatives": 20, "passages": 3, "cached": False},
)  # fmt: skip


def slow_loss(selected: list[Any], starts: list[Any], ends: list[Any], spans: list[tuple[int, int]]) -> Any:
    """One question: P_selected of the first passage, and the sum of P_start P_end over spans of its tokens."""
    shares = [torch.exp(one) for one in selected]
    value = -torch.log(shares[0] / sum(shares))
    if spans:
        first, last = ([torch.exp(one) for one in side] for side in (starts, ends))
        value = value - torch.log(sum(first[s] / sum(first) * last[t] / sum(last) for s, t in spans))
    return value


def test_the_loss_and_its_gradients_are_those_of_loops() -> None:
    """In float64: several spans, one, and none; where there is no token nothing is learnt."""
    rng = np.random.default_rng(0)
    logits = torch.tensor(rng.normal(size=(3, 4, 9, 3)), requires_grad=True)
    lengths = [9, 5, 7]
    spans = [[(2, 3), (2, 2), (7, 8)], [(4, 4)], []]
    missing = torch.arange(9)[None, :] >= torch.tensor(lengths)[:, None]
    given = logits.masked_fill(missing[:, None, :, None], float("-inf"))
    found = reading_loss(given, spans)
    expected = torch.stack([
        slow_loss(list(one[:, 0, 2]), list(one[0, :n, 0]), list(one[0, :n, 1]), right)
        for one, n, right in zip(logits, lengths, spans, strict=True)
    ]).mean()  # fmt: skip
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=1e-9)
    gradients = [torch.autograd.grad(value, logits)[0] for value in (found, expected)]
    torch.testing.assert_close(*gradients, atol=1e-9, rtol=1e-9)
    assert gradients[0].isfinite().all()


@pytest.mark.parametrize("cached", [False, True])
def test_a_step_is_a_passage_at_a_time(cached: bool, cache: Cache) -> None:
    """The logits of each passage alone, nothing padded; with all gradients."""
    made = ReaderTraining(materials(RECIPE, cache, cached=cached))
    made.model.double().eval()
    found = made.loss(1)
    from baselines.training.epochs import batch_of

    questions = batch_of(list(made.found), 1, 4, 0)
    values, right = [], 0
    for question, ids in zip(questions, made.passages(questions, 1), strict=True):
        pairs = [(made._texts.queries[question], document) for document in made._texts.documents(ids)]
        given = inputs(made.tokenizer, pairs, 64)
        states = [
            made.head.backbone(input_ids=torch.tensor([one.seen])).last_hidden_state[0] for one in given
        ]
        ends = made.head.get_submodule("qa_outputs")(states[0])
        selected = [made.head.get_submodule("qa_classifier")(one[0])[0] for one in states]
        spans = answer_spans(made.tokenizer, given[0], made._answers[question])
        right += len(spans)
        values.append(slow_loss(selected, list(ends[:, 0]), list(ends[:, 1]), spans))
    assert right >= 3
    expected = torch.stack(values).mean()
    torch.testing.assert_close(found.value, expected, atol=1e-9, rtol=1e-9)
    names, learnt = zip(*made.model.named_parameters(), strict=True)
    torch.autograd.backward(found.value)
    gradients = torch.autograd.grad(expected, learnt, allow_unused=True)
    for name, parameter, restated in zip(names, learnt, gradients, strict=True):
        torch.testing.assert_close(parameter.grad, restated, atol=1e-9, rtol=1e-9, msg=name)


def test_a_question_meets_one_passage_with_an_answer_and_others_without(cache: Cache) -> None:
    """All of BM25's best; no other twice unless there are too few; by seed and step alone; each as likely as the next."""
    made = ReaderTraining(materials(RECIPE, cache, passages=4))
    texts = {
        d.id: d.text
        for d in made._texts.documents([i for f in made.found.values() for i in f.holding + f.others])
    }
    questions = [question for question, one in made.found.items() if len(one.others) > 4]
    assert len(questions) > 3
    for question, (first, *others) in zip(questions, made.passages(questions, 3), strict=True):
        assert has_answer(texts[first], made._answers[question])
        assert not any(has_answer(texts[id], made._answers[question]) for id in others)
        assert len(set(others)) == 3
    assert made.passages(questions, 3) == made.passages(questions, 3) != made.passages(questions, 4)
    question = questions[0]
    made.found[question] = Found(["x", "y"], ["a", "b"])
    drawn = [made.passages([question], step)[0] for step in range(400)]
    assert all(len(one) == 4 and set(one[1:]) <= {"a", "b"} for one in drawn)
    assert sum(one[0] == "x" for one in drawn) == pytest.approx(200, abs=5 * 10)
    assert sum(one.count("a") for one in drawn) == pytest.approx(600, abs=5 * 300**0.5)


def test_answers_are_found_as_whole_words_wherever_they_stand(tmp_path: Path) -> None:
    """In any case; not inside a word, not in question or title, not behind the cut; the same place counts once."""
    tokenizer = bert_tokenizer(tmp_path)
    document = Document("d", "a dense title", "Dense vectors: the dense index, a densely dense vector")

    def found(answers: list[str], longest: int) -> list[str]:
        (given,) = inputs(tokenizer, [("dense?", document)], longest)
        spans = answer_spans(tokenizer, given, answers)
        assert all(first >= given.start for first, _ in spans)
        return [tokenizer.decode(given.seen[first : last + 1]) for first, last in spans]

    assert found(["dense", "DENSE"], 100) == ["dense"] * 3
    assert found(["the dense index", "dense"], 100) == ["dense", "the dense index", "dense", "dense"]
    assert found(["vector"], 100) == ["vector"]
    (given,) = inputs(tokenizer, [("dense?", document)], 100)
    assert found(["dense"], given.start + 1) == ["dense"]
    assert found(["dense"], given.start) == found(["query"], 100) == found([""], 100) == []
    assert answer_spans(tokenizer, Input([2, 3, 3], 3, []), ["dense"]) == []


def test_a_checkpoint_reads_as_the_model_that_was_trained(cache: Cache, tmp_path: Path) -> None:
    """Its logits, through the variant's reader."""
    given = materials(RECIPE, cache)
    made = ReaderTraining(given)
    train(made, given.recipe, 0, tmp_path, QUIET)
    reader = (
        baselines()["dpr"].variants["synthetic:reader"].build(Setting(checkpoint=tmp_path / "checkpoint"))
    )
    assert isinstance(reader, ExtractiveReader)
    documents = made._texts.documents(next(iter(made.found.values())).others)
    from baselines.encoders.tower import Tokens, padded

    given_tokens = [
        Tokens(one.seen) for one in inputs(made.tokenizer, [("who was it", d) for d in documents], 64)
    ]
    found = reader._tower.matrices(given_tokens)
    made.model.eval()
    with torch.inference_mode():
        for one, tokens in zip(found, given_tokens, strict=True):
            expected = made.head(padded([tokens], 0))[0].numpy()
            np.testing.assert_allclose(one, expected, atol=1e-5)


def trained(name: str) -> dict[str, Any]:
    """What a finished training says it took."""
    train_it = baselines()["dpr"].variants[name].train
    assert train_it is not None
    facts: dict[str, Any] = json.loads((train_it(Setting(), QUIET) / "training.json").read_text())
    return facts["spent"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_training_learns(bench: Bench) -> None:
    """Of the questions it learnt from it answers most that BM25's passages can answer; of others more than before."""
    trained("synthetic:reader-untrained")
    spent = trained("synthetic:reader")
    assert spent["last_loss"] < spent["first_loss"] / 4
    assert spent["peak_bytes"] <= spent["estimated_bytes"]
    means = {
        (name, split): run_cell(
            parse(f"read(bm25:flat,dpr:synthetic:{name},depth=10)"), f"synthetic/small/{split}", bench
        ).means
        for name in ("reader", "reader-untrained")
        for split in ("train", "test")
    }
    learnt, before = means["reader", "train"], means["reader-untrained", "train"]
    assert learnt["EM"] > learnt["AnswerRecall@20"] / 2 > before["EM"]
    assert means["reader", "test"]["EM"] > means["reader-untrained", "test"]["EM"]


@pytest.mark.slow
def test_the_papers_size_takes_two_steps_in_the_memory_that_was_foreseen() -> None:
    """BERT-base with 24 passages a question, a question a step."""
    train_it = baselines()["dpr"].variants["paper:reader"].train
    assert isinstance(train_it, Training)
    small = replace(train_it, recipe=replace(train_it.recipe, batch=1))
    folder = small(Setting(random_weights=True), QUIET)
    spent = json.loads((folder / "training.json").read_text())["spent"]
    assert spent["steps"] == 2
    assert spent["parameters"] > 85e6
    assert np.isfinite(spent["last_loss"])
    assert spent["peak_bytes"] <= spent["estimated_bytes"]
