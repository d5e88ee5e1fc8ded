"""MaxP in ANCE's training: a document's score is its best passage's, in the loss, in refreshes and once trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.ance import encoder_of
from baselines.ance.encoder import PASSAGE_TEMPLATE, TITLED_TEMPLATE, passages_of
from baselines.ance.maxp import BestPassage, by_document
from baselines.ance.negatives import Refreshes, queries_of
from benchmarks.interfaces import Document, Setting, TokenEncoder
from benchmarks.registry import baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.test_ance_training import encoded, gradients, in_double, objective, recipe
from tests.baselines.training.made import QUIET

MAXP: dict[str, Any] = {"passages": 3, "document_tokens": 12}


def passages(made: Any, documents: list[Document]) -> list[list[list[int]]]:
    """Of each document the ids of at most three stretches of ten tokens, cut with a loop."""
    tokenizer = made._towers.tokenizer
    found = []
    for document in documents:
        title = [*tokenizer(document.title, add_special_tokens=False)["input_ids"], tokenizer.sep_token_id]
        ids = title if document.title else []
        ids += tokenizer(document.text, add_special_tokens=False)["input_ids"]
        stretches = [ids[:10], ids[10:20], ids[20:30]]
        found.append(
            [
                [tokenizer.cls_token_id, *stretch, tokenizer.sep_token_id]
                for number, stretch in enumerate(stretches)
                if stretch or number == 0
            ]
        )
    return found


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("kinds", [["index"], ["random"], []])
def test_the_loss_is_that_of_each_documents_best_passage(
    kinds: list[str], cached: bool, cache: Cache, tmp_path: Path
) -> None:
    """Loss and every gradient, restated with a loop for each sum and each maximum, in float64."""
    made = in_double(
        objective(cache, tmp_path, recipe(**MAXP, kinds=kinds, cached=cached, in_batch=not kinds, refresh=9))
    )
    assert isinstance(made, BestPassage)
    loss = made.loss(2)
    torch.autograd.backward(loss.value)
    found = gradients(made.model)
    data, towers = made._data, made._towers
    pairs = data.batch(2, 8, 0)
    candidates = made.candidates(pairs, 2)
    documents = data.documents(candidates.documents)
    tower = made.model["query"]  # type: ignore[index]
    texts = towers.query_tokens([data.queries[query] for query, _ in pairs])
    asked = [encoded(tower, text.ids) for text in texts]
    cut = passages(made, documents)
    assert {len(some) for some in cut} > {1} or {len(some) for some in cut} == {3}
    vectors = [[encoded(tower, ids) for ids in some] for some in cut]
    total: Any = 0.0
    for number, (query, _) in enumerate(pairs):
        scores = [max((asked[number] @ vector for vector in some), key=float) / 0.05 for some in vectors]
        denominator: Any = torch.exp(scores[number])
        for place, (owner, id) in enumerate(zip(candidates.owners, candidates.documents, strict=True)):
            if place != number and id not in data.relevant[query] and (not kinds or owner == number):
                denominator = denominator + torch.exp(scores[place])
        total = total - torch.log(torch.exp(scores[number]) / denominator)
    expected = total / len(pairs)
    torch.autograd.backward(expected)
    assert loss.value.item() == pytest.approx(expected.item(), abs=1e-9)
    assert loss.tokens == sum(len(text.ids) for text in texts) + sum(len(ids) for some in cut for ids in some)
    for name, gradient in gradients(made.model).items():
        scale = max(1.0, float(gradient.abs().max()))
        torch.testing.assert_close(found[name] / scale, gradient / scale, atol=1e-9, rtol=0, msg=name)


def test_refreshes_find_the_documents_with_the_best_passages(cache: Cache, tmp_path: Path) -> None:
    """Every query's negatives, restated with loops over all passages of all documents."""
    made = objective(cache, tmp_path, recipe(**MAXP))
    data, ids = made._data, queries_of(made._data)
    made.model.eval()
    everything = data.at(np.arange(len(data._texts)))
    tower = made.model["query"]  # type: ignore[index]
    with torch.inference_mode():
        texts = made._towers.query_tokens([data.queries[id] for id in ids])
        asked = [encoded(tower, text.ids) for text in texts]
        vectors = [[encoded(tower, p) for p in some] for some in passages(made, data.documents(everything))]
    places = Refreshes(tmp_path / "scratch" / "refreshes").places(0)
    for row, id in enumerate(ids):
        scores = np.array([max(float(asked[row] @ vector) for vector in some) for some in vectors])
        order = np.argsort(-scores, kind="stable")[:10]
        expected = [place for place in order.tolist() if everything[place] not in data.relevant[id]]
        got = [place for place in places[row].tolist() if place >= 0]
        np.testing.assert_allclose(scores[got], scores[expected], atol=1e-5)


def test_what_was_trained_reads_the_same_passages(cache: Cache, tmp_path: Path) -> None:
    """The saved weights, opened as a variant opens them, give each passage the vector that training gave it."""
    made_of = recipe(**MAXP, kinds=["random"])
    made = objective(cache, tmp_path, made_of)
    made.save(tmp_path / "weights")
    encoder = encoder_of(made_of)(tmp_path / "weights")
    assert isinstance(encoder, TokenEncoder)
    assert encoder.protocol["passages"] == 3
    documents = [
        Document("a", "", ""),
        Document("b", "Title", "of few words"),
        Document("c", "", "word " * 90),
    ]
    made.model.eval()
    with torch.inference_mode():
        vectors, _ = made.encoded(documents)
    for place, found in enumerate(encoder.encode_documents(documents)):
        np.testing.assert_allclose(found, vectors[place][: len(found)].numpy(), atol=1e-5)
    assert [len(found) for found in encoder.encode_documents(documents)] == [1, 1, 3]
    assert [matrix.shape for matrix in encoder.encode_queries(["a", "b c"])] == [(1, 64), (1, 64)]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_what_stands_in_for_passages_that_are_not_there_changes_no_maximum(
    counts: list[int], seed: int
) -> None:
    """By document, the best inner product is that over its own passages."""
    generator = torch.Generator().manual_seed(seed)
    vectors, query = torch.randn(sum(counts), 3, generator=generator), torch.randn(3, generator=generator)
    stacked = by_document(vectors, counts, 4)
    assert stacked.shape == (len(counts), 4, 3)
    for row, own in zip(stacked, vectors.split(counts), strict=True):
        assert float((row @ query).max()) == float((own @ query).max())


@pytest.mark.slow
def test_training_learns(bench: Bench) -> None:
    """On the synthetic world, where documents are read in three pieces: better after than the warm-up before."""
    for name in ("warmup", "maxp"):
        train = baselines()["ance"].variants[f"synthetic:{name}"].train
        assert train is not None
        train(Setting(), QUIET)
    before, after = (
        run_cell(parse(f"ance:synthetic:{name}"), "synthetic/small", bench) for name in ("warmup", "maxp")
    )
    assert after.protocol.retrieval["passages"] == 3
    assert after.means["nDCG@10"] > before.means["nDCG@10"]


def test_the_first_passage_is_what_firstp_reads(cache: Cache, tmp_path: Path) -> None:
    """Token by token, with a title and without, and whatever the url; of a title longer than its text alone more is cut."""
    made = objective(cache, tmp_path, recipe(**MAXP, kinds=["random"]))
    documents = [
        Document("a", "Title", "of few words", url="http"),
        Document("b", "", "word " * 90),
        Document("c", "On", "it " * 90),
    ]
    cut = passages_of(made._towers.tokenizer, documents, 12, 3, TITLED_TEMPLATE)
    assert [some[0].ids for some in cut] == [text.ids for text in made._towers.document_tokens(documents)]


def test_memory_is_that_of_all_passages(cache: Cache, tmp_path: Path) -> None:
    """A batch of eight: a query of 24 tokens, and two documents of three passages of 12."""
    made = objective(cache, tmp_path, recipe(**MAXP, kinds=["random"]))
    assert made.footprint().tokens == 8 * (24 + 2 * 3 * 12)


def test_no_documents_have_no_passages() -> None:
    """A tokenizer is not asked."""
    assert passages_of(None, [], 12, 3, PASSAGE_TEMPLATE) == []
