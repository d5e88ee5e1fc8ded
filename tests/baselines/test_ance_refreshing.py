"""ANCE's refreshes: what the index finds, when it is refreshed, and that a seed is one training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.ance.negatives import Refreshes, overlap, queries_of, sampled
from baselines.ance.training import OneNegative
from baselines.training import loop
from benchmarks.errors import DamagedCache
from benchmarks.storage.cache import Cache
from tests.baselines.test_ance_training import encoded, objective, recipe
from tests.baselines.training.made import QUIET, assert_frequencies


def test_a_negative_is_drawn_evenly_from_the_best_of_the_index(cache: Cache, tmp_path: Path) -> None:
    """Of the top so many those that are not judged relevant, by the weights of the start, each as often."""
    made = objective(cache, tmp_path, recipe())
    data = made._data
    query = queries_of(data)[0]
    places = Refreshes(tmp_path / "scratch" / "refreshes").places(0)
    row = places[queries_of(data).index(query)]
    best = [place for place in row.tolist() if place >= 0]
    rng = np.random.default_rng(0)
    drawn = [sampled(row, rng) for _ in range(2000)]
    frequencies = np.zeros(len(data._texts))
    frequencies[best] = 1 / len(best)
    assert_frequencies([place for place in drawn if place is not None], frequencies)
    assert sampled(np.full(3, -1, dtype=np.int32), rng) is None


def test_the_index_finds_what_inner_products_rank_high(cache: Cache, tmp_path: Path) -> None:
    """Every query's row, restated with one matrix product; judged documents are left out; the rest is -1."""
    made = objective(cache, tmp_path, recipe())
    data = made._data
    ids = queries_of(data)
    made.model.eval()
    everything = data.at(np.arange(len(data._texts)))
    with torch.inference_mode():
        asked = torch.stack(
            [
                encoded(made.model["query"], text.ids)
                for text in made._towers.query_tokens([data.queries[id] for id in ids])
            ]  # type: ignore[index]
        )
        vectors = torch.stack(
            [
                encoded(made.model["document"], text.ids)
                for text in made._towers.document_tokens(data.documents(everything))
            ]  # type: ignore[index]
        )
    places = Refreshes(tmp_path / "scratch" / "refreshes").places(0)
    assert places.shape == (len(ids), 10) and places.dtype == np.int32
    for row, (id, scores) in enumerate(zip(ids, asked @ vectors.T, strict=True)):
        order = sorted(range(len(everything)), key=lambda place: -float(scores[place]))[:10]
        expected = [place for place in order if everything[place] not in data.relevant[id]]
        got = [place for place in places[row].tolist() if place >= 0]
        assert places[row].tolist()[len(got) :] == [-1] * (10 - len(got))
        np.testing.assert_allclose(scores[got], scores[expected], atol=1e-5)


def test_overlap_counts_negatives_among_the_best() -> None:
    """Restated with sets, on random batches; a batch of no negatives has none."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 30, 12)
    top = np.stack([rng.permutation(30)[:7] for _ in range(5)]).astype(np.int32)
    compared = rng.random((5, 12)) < 0.4
    pairs = [(row, place) for row in range(5) for place in range(12) if compared[row, place]]
    expected = sum(int(places[place]) in set(top[row].tolist()) for row, place in pairs) / len(pairs)
    assert overlap(places, compared, top) == pytest.approx(expected)
    assert overlap(places, np.zeros((5, 12), dtype=bool), top) == 0


def test_in_hindsight_each_step_says_how_many_of_its_negatives_retrieval_would_find(
    cache: Cache, tmp_path: Path
) -> None:
    """The last refresh's own negatives are all among the final best where nothing has been learnt since."""
    made_of = recipe(learning_rate=0.0, overlap=10, steps=3)
    made = objective(cache, tmp_path, made_of)
    loop.train(made, made_of, 0, tmp_path, QUIET)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert made.hindsight(entries) == {"overlap": [1.0, 1.0, 1.0]}
    other = objective(
        cache, tmp_path / "random", replace(made_of, objective={**made_of.objective, "kinds": ["random"]})
    )
    (shares,) = other.hindsight(entries).values()
    assert 0 <= min(shares) <= max(shares) < 1
    silent = objective(cache, tmp_path / "silent", recipe(overlap=0, kinds=["random"]))
    assert silent.hindsight(entries) == {}


def test_a_refresh_comes_every_so_many_steps_and_is_told(cache: Cache, tmp_path: Path) -> None:
    """The log says which step's negatives are in use and how old they are; parts of one batch share them."""
    made_of = recipe(steps=7, refresh=3, accumulate=2, batch=4)
    made = objective(cache, tmp_path, made_of)
    loop.train(made, made_of, 0, tmp_path, QUIET)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    refreshes = Refreshes(tmp_path / "scratch" / "refreshes")
    assert [step for step in range(8) if refreshes.is_finished(step)] == [0, 3, 6]
    assert not list((tmp_path / "scratch" / "refreshes").glob("*/checkpoint"))
    assert not list((tmp_path / "scratch" / "refreshes").glob("*/index"))
    assert [entry["negatives_of"] for entry in entries] == [0, 0, 0, 3, 3, 3, 6]
    assert [entry["staleness"] for entry in entries] == [0, 1, 2, 0, 1, 2, 0]


def files(folder: Path) -> Mapping[str, bytes]:
    """All negatives below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("negatives.npy")}


def test_waiting_for_refreshes_a_seed_is_one_training(cache: Cache, tmp_path: Path) -> None:
    """Dropout on: equal seeds give equal negatives and weights, another seed others; killed, it ends with the same."""
    made_of = recipe(steps=6)

    def trained(name: str, seed: int = 0, dies_at: int = 99) -> OneNegative:
        made = objective(cache, tmp_path / name, made_of, seed)
        good = made.loss

        def dies(step: int) -> Any:
            if step == dies_at:
                raise KeyboardInterrupt
            return good(step)

        made.loss = dies  # type: ignore[method-assign]
        (tmp_path / name).mkdir(exist_ok=True)
        loop.train(made, made_of, seed, tmp_path / name, QUIET)
        return made

    one, same, other = trained("one"), trained("same"), trained("other", 1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "SAVED_EVERY", 0.0)
        for step in (3, 4):
            with pytest.raises(KeyboardInterrupt):
                trained("killed", dies_at=step)
    killed = trained("killed")
    for again in (same, killed):
        for (name, expected), found in zip(
            one.model.state_dict().items(), again.model.state_dict().values(), strict=True
        ):
            assert torch.equal(expected, found), name
    assert files(tmp_path / "one") == files(tmp_path / "same") == files(tmp_path / "killed")
    assert files(tmp_path / "one") != files(tmp_path / "other")
    assert not torch.equal(next(one.model.parameters()), next(other.model.parameters()))


def test_a_training_whose_negatives_are_gone_says_so(cache: Cache, tmp_path: Path) -> None:
    """It does not go on with others; half a file is none, and a damaged one is not read."""
    made = objective(cache, tmp_path, recipe(refresh=2))
    made.loss(0)
    with pytest.raises(DamagedCache, match=r"lacks negatives; delete .*scratch"):
        made.loss(3)
    folder = tmp_path / "scratch" / "refreshes"
    refreshes = Refreshes(folder)
    (folder / "2").mkdir()
    (folder / "2" / "negatives.npy").write_bytes((folder / "0" / "negatives.npy").read_bytes()[:100])
    (folder / "2" / ".checkpoint").mkdir()
    assert refreshes.newest(9) == 0
    assert refreshes.next() is None
    content = bytearray((folder / "0" / "negatives.npy").read_bytes())
    content[-1] ^= 1
    (folder / "0" / "negatives.npy").write_bytes(content)
    with pytest.raises(DamagedCache, match=r"negatives.npy does not have the bytes that were written"):
        refreshes.places(0)
