"""The recipes of Chang et al. on the synthetic world: what each teaches a model that knew nothing."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from baselines.training.trained import facts
from benchmarks.interfaces import Setting
from benchmarks.records.store import Store
from benchmarks.registry import variant_of
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """What became of a variant of the synthetic profile: what its training took, and its scores. Trained once for all tests."""
    folder: Path = tmp_path_factory.mktemp("trained")
    bench = Bench(Cache(folder / "cache"), Store(folder / "results"), efficiency=False, progress=QUIET)

    @functools.cache
    def found(spec: str) -> tuple[Mapping[str, Any], Mapping[str, float]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RETRIEVER_BENCH_CACHE", str(folder / "cache"))
            train = variant_of(parse(spec).leaves[0])[1].train
            assert train is not None
            spent = (facts(train(Setting(), QUIET)) or {})["spent"]
            return spent, run_cell(parse(spec), "synthetic/small", bench).means

    yield found


PREFIX = "pretraining_tasks:synthetic"
LEARNT = ["ict", "bfs", "wlp", "ict+bfs+wlp", "mlm", "bow:ict+bfs+wlp"]


@pytest.mark.parametrize("name", LEARNT)
def test_the_loss_falls(name: str, measured: Any) -> None:
    """Far below its start, and the memory that was foreseen is not surpassed."""
    spent, _ = measured(f"{PREFIX}:{name}")
    assert spent["last_loss"] < 0.7 * spent["first_loss"]
    assert spent["peak_bytes"] < spent["estimated_bytes"]


@pytest.mark.parametrize("name", ["ict", "bfs", "ict+bfs+wlp", "mlm"])
def test_what_was_pre_trained_finds_more(name: str, measured: Any) -> None:
    """At least twice as many of the relevant passages among a hundred as the same towers as drawn, without any judged pair.

    WLP is not among them, alone: it teaches which article another one speaks of, and a question here is about its own.
    """
    assert measured(f"{PREFIX}:{name}")[1]["R@100"] > 2 * measured(f"{PREFIX}:none")[1]["R@100"]


@pytest.mark.parametrize("name", ["bfs", "ict+bfs+wlp"])
def test_what_learnt_of_whole_articles_ranks_better(name: str, measured: Any) -> None:
    """BFS teaches what a question here asks: which passages are of the article that its lead names. Twice the nDCG."""
    assert measured(f"{PREFIX}:{name}")[1]["nDCG@10"] > 2 * measured(f"{PREFIX}:none")[1]["nDCG@10"]


def test_a_bag_of_words_learns_too(measured: Any) -> None:
    """More is found than with embeddings as drawn, which match words already."""
    learnt, drawn = (measured(f"{PREFIX}:bow:{name}")[1]["R@100"] for name in ("ict+bfs+wlp", "none"))
    assert learnt > drawn + 0.01
