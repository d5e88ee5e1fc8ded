"""ICT, BFS and WLP on articles made by hand: what belongs together, how often it is drawn, and what the loss makes of that."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from baselines.pretraining_tasks.pretraining import TwoTowerPretraining
from baselines.pretraining_tasks.tasks import Pair, Task, mixed, task
from baselines.training.losses import contrastive
from benchmarks.errors import MissingData, UnknownName
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import TINY, TWO_TOWERS, Made, article, assert_frequencies, materials

ARTICLES = [
    article(0, [[3, 2], [4]], links=[1, 3]),
    article(1, [[1], [2], [3, 3]], links=[0]),
    article(2, [[], [5]], links=[0, 1, 3]),
    article(3, [[2]], links=[2]),
    article(4, [[7], [1]]),
]
"""Leads of two passages (0, 4), of one (1), of none (2); one that is nothing but its lead (3)."""
DRAWS = 6_000


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """The articles in passages of three sentences."""
    return Made(tmp_path, ARTICLES, monkeypatch, longest=12)


def drawn(one: Task, count: int = DRAWS) -> list[Pair]:
    """Pairs with a fixed seed."""
    rng = np.random.default_rng(7)
    return [one.draw(rng) for _ in range(count)]


def place(made: Made, pair: Pair) -> tuple[int, ...]:
    """Where the query's one sentence stands."""
    (found,) = made.places(pair.query)
    return found


def test_ict_takes_a_sentence_out_of_its_passage(made: Made) -> None:
    """Query and rest are the passage's sentences, each once; passages of one sentence are never drawn."""
    for pair in drawn(task("ict", made.corpus, 1.0)):
        whole = made.passages[pair.number]
        assert len(whole) > 1
        assert sorted([place(made, pair), *made.places(pair.passage)]) == whole
        assert made.places(pair.passage) == [one for one in whole if one != place(made, pair)]


def test_ict_removes_as_often_as_it_should(made: Made) -> None:
    """With probability `removal` the sentence is gone, otherwise the passage is whole."""
    pairs = drawn(task("ict", made.corpus, 0.9))
    gone = [len(made.places(pair.passage)) < len(made.passages[pair.number]) for pair in pairs]
    assert_frequencies([int(one) for one in gone], np.array([0.1, 0.9]))
    kept = [pair for pair, removed in zip(pairs, gone, strict=True) if not removed]
    assert all(made.places(pair.passage) == made.passages[pair.number] for pair in kept)


def test_ict_draws_every_sentence_of_a_passage_alike(made: Made) -> None:
    """Uniform over its places."""
    pairs = [pair for pair in drawn(task("ict", made.corpus, 1.0)) if len(made.passages[pair.number]) == 3]
    assert_frequencies(
        [made.passages[pair.number].index(place(made, pair)) for pair in pairs], np.full(3, 1 / 3)
    )


def test_bfs_asks_from_the_lead_of_the_same_article(made: Made) -> None:
    """The passage is any other of the article, whole; the query is no part of it."""
    seen: Counter[int] = Counter()
    for pair in drawn(task("bfs", made.corpus, 1.0)):
        query, whole = place(made, pair), made.passages[pair.number]
        assert made.places(pair.passage) == whole
        assert query[1] == 0
        assert whole[0][0] == query[0]
        assert query not in whole
        seen[query[0]] += 1
    # Article 2 has no lead section, article 3 nothing besides.
    assert set(seen) == {0, 1, 4}


def test_wlp_asks_from_the_lead_of_an_article_that_is_linked_to(made: Made) -> None:
    """The passage is any of the linking article; links to an article without a lead are not drawn."""
    seen = set()
    for pair in drawn(task("wlp", made.corpus, 1.0)):
        query, whole = place(made, pair), made.passages[pair.number]
        assert made.places(pair.passage) == whole
        assert query[1] == 0
        seen.add((whole[0][0], query[0]))
    assert seen == {(0, 1), (0, 3), (1, 0), (2, 0), (2, 1), (2, 3)}


@pytest.mark.parametrize("name", ["ict", "bfs", "wlp"])
def test_passages_are_drawn_as_often_as_is_said(name: str, made: Made) -> None:
    """`frequencies` add up to one and are those of the draws."""
    one = task(name, made.corpus, 1.0)
    assert one.frequencies.sum() == pytest.approx(1)
    assert_frequencies([pair.number for pair in drawn(one)], one.frequencies)


def test_links_are_drawn_alike(made: Made) -> None:
    """Uniform over links, not over articles."""
    pairs = drawn(task("wlp", made.corpus, 1.0))
    links = [(0, 1), (0, 3), (1, 0), (2, 0), (2, 1), (2, 3)]
    seen = [links.index((made.passages[pair.number][0][0], place(made, pair)[0])) for pair in pairs]
    assert_frequencies(seen, np.full(6, 1 / 6))


@pytest.mark.parametrize("name", ["ict", "bfs", "wlp"])
def test_draws_depend_on_the_seed_alone(name: str, made: Made) -> None:
    """Equal generators give equal pairs, others give others."""
    one = task(name, made.corpus, 0.9)
    assert drawn(one, 50) == drawn(task(name, made.corpus, 0.9), 50)
    assert drawn(one, 50) != [one.draw(np.random.default_rng(8)) for _ in range(50)]


def test_what_has_no_pair_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first step, naming the task and what it needs; so is a task that is none."""
    made = Made(tmp_path, [article(0, [[1]])], monkeypatch)
    for name in ("ict", "bfs", "wlp"):
        with pytest.raises(MissingData, match=f"{name} finds no pair in this corpus: it needs"):
            task(name, made.corpus, 1.0)
    with pytest.raises(UnknownName, match="no pre-training task named 'itc'; did you mean ict"):
        task("itc", made.corpus, 1.0)


@pytest.fixture
def pretraining(cache: Cache) -> TwoTowerPretraining:
    """All three tasks on a generated corpus, in batches of 8."""
    return TwoTowerPretraining(materials(TINY, cache, **TWO_TOWERS))


def test_a_batch_is_of_all_tasks_alike(pretraining: TwoTowerPretraining) -> None:
    """Passages of a batch are drawn as often as the mean of the tasks says: the frequencies of the sampled softmax."""
    expected = mixed(pretraining._tasks)
    pairs = [pair for step in range(1_500) for pair in pretraining.pairs(step)]
    often = expected * len(pairs) >= 5
    drawn_often = [pair.number for pair in pairs if often[pair.number]]
    assert len(drawn_often) / len(pairs) == pytest.approx(expected[often].sum(), abs=0.02)
    assert_frequencies(drawn_often, np.where(often, expected, 0) / expected[often].sum())


def test_a_batch_depends_on_seed_and_step_alone(cache: Cache) -> None:
    """What is resumed sees the pairs that were due; another seed sees others."""
    first, again, other = (
        TwoTowerPretraining(materials(TINY, cache, seed, **TWO_TOWERS)) for seed in (0, 0, 1)
    )
    assert first.pairs(3) == again.pairs(3)
    assert first.pairs(3) != first.pairs(4)
    assert first.pairs(3) != other.pairs(3)


def test_the_loss_is_the_sampled_softmax(pretraining: TwoTowerPretraining) -> None:
    """Equation (3) with the correction of Bengio and Senecal, one pair and one text at a time, in float64; gradients as well."""
    towers, tokenizer = pretraining._towers, pretraining._towers.tokenizer
    pretraining.model.double().eval()
    corpus, frequencies = pretraining._corpus, mixed(pretraining._tasks)
    value = pretraining.loss(2).value
    value.backward()
    found = {name: p.grad.clone() for name, p in pretraining.model.named_parameters() if p.grad is not None}
    pretraining.model.zero_grad()

    def vector(tower: torch.nn.Module, *parts: list[int]) -> torch.Tensor:
        ids = [tokenizer.cls_token_id]
        for number, part in enumerate(parts, start=1):
            room = (24 if len(parts) == 1 else 48) - len(ids) - 1
            ids += [*(part[:room] if number == len(parts) else part), tokenizer.sep_token_id]
        bert = tower.pooled.backbone
        return tower.projection(bert(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0))

    pairs = pretraining.pairs(2)
    asked = [vector(towers.query, pair.query) for pair in pairs]
    titles = [corpus.title(corpus.article_of(pair.number)) for pair in pairs]
    given = [vector(towers.document, title, pair.passage) for title, pair in zip(titles, pairs, strict=True)]
    # The correction is kept in float32: that is a part in ten million of a loss of about two.
    logs = [float(np.float32(np.log(frequencies[pair.number]))) for pair in pairs]
    losses = []
    for i, query in enumerate(asked):
        scores = [query @ document - log for document, log in zip(given, logs, strict=True)]
        losses.append(torch.logsumexp(torch.stack(scores), 0) - scores[i])
    expected = torch.stack(losses).mean()
    expected.backward()
    assert value.item() == pytest.approx(expected.item(), abs=1e-9)
    for name, parameter in pretraining.model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[name], parameter.grad, atol=1e-9, rtol=1e-6)


def test_the_sampled_softmax_is_that_of_all_documents() -> None:
    """Drawn as often as the correction says, many documents give the loss over all: without the correction they do not."""
    torch.manual_seed(0)
    frequencies = torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05], dtype=torch.float64)
    query, documents = torch.randn(1, 3, dtype=torch.float64), 2 * torch.randn(5, 3, dtype=torch.float64)
    target = 4
    scores = (query @ documents.T)[0]
    full = -torch.log_softmax(scores, 0)[target]
    others = torch.multinomial(frequencies, 40_000, replacement=True)
    sample = documents[others]
    # Each stands for 1 / (draws x frequency) documents of its kind.
    logs = frequencies[others].log() + np.log(len(others))
    candidates, logs = torch.cat([documents[[target]], sample]), torch.cat([torch.zeros(1), logs])
    right = torch.tensor([0])
    whole = contrastive(query, candidates, right, log_frequency=logs)
    # The sampled sum holds the target too: take it out of both.
    expected = torch.log(scores.exp().sum() + scores[target].exp()) - scores[target]
    assert whole.item() == pytest.approx(expected.item(), abs=0.02)
    assert abs(contrastive(query, candidates, right).item() - expected.item()) > 1
    assert full.item() < expected.item()
