"""Kernels beside their references, as ratios of one run. `nox -s latency` runs this, `tests` does not.

Each test measures the reference itself, in turn with ours, and asserts the ratio of the medians;
pytest-benchmark keeps ours.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.collections.synthetic.world import World
from benchmarks.evaluation.measures import evaluate
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Document, Setting
from benchmarks.registry import baselines
from benchmarks.retrieval.shards import Shards
from benchmarks.retrieval.topk import TopK


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(benchmark: Any, ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> float:
    """Median time of theirs over median time of ours, measured in turn after a warm-up of each."""
    ours()
    theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    found = float(np.median([b for _, b in pairs]) / np.median([a for a, _ in pairs]))
    benchmark.extra_info["times faster than the reference"] = round(found, 2)
    benchmark.pedantic(ours, rounds=1)
    print(f"\n{benchmark.name}: {found:.2f} x the reference")
    return found


@pytest.mark.benchmark(group="exact search, 300 queries, k = 1000, 200,000 x 384")
def test_exact_search_beats_faiss_flat(benchmark: Any) -> None:
    """At least twice as fast as faiss.IndexFlatIP on the same batch, and the same documents."""
    import faiss

    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((200_000, 384), dtype=np.float32)
    queries = generator.standard_normal((300, 384), dtype=np.float32)
    ranks = np.arange(len(vectors), dtype=np.int32)
    index = faiss.IndexFlatIP(384)
    index.add(vectors)

    def ours() -> list[Any]:
        best = TopK(len(queries), 1000, ranks)
        for start in range(0, len(vectors), Shards.SIZE):
            best.offer(queries @ vectors[start : start + Shards.SIZE].T, start)
        return best.finish()

    _, found = index.search(queries, 1000)
    overlap = [len(set(a.tolist()) & set(b.tolist())) for (a, _), b in zip(ours(), found, strict=True)]
    assert min(overlap) >= 999
    assert ratio(benchmark, ours, lambda: index.search(queries, 1000), rounds=3) >= 2.0


@pytest.mark.benchmark(group="encoding 400 texts with MiniLM")
def test_encoding_is_no_slower_than_sentence_transformers(benchmark: Any) -> None:
    """At least as fast as sentence-transformers' own encode on the same texts, and the same vectors."""
    from sentence_transformers import SentenceTransformer

    from baselines.minilm import CHECKPOINT

    if lacking := CHECKPOINT.missing():
        pytest.skip(lacking)
    model = SentenceTransformer(str(CHECKPOINT.locate()), device="cpu")
    encoder: Any = baselines()["minilm"].variants["l6-v2"].build(Setting())
    world = World(2_000)
    texts = [" ".join(world.passage((i * 7 + j) % 2_000).text for j in range(i % 5 + 1)) for i in range(400)]
    documents = [Document(str(i), "", text) for i, text in enumerate(texts)]
    theirs = model.encode(texts, normalize_embeddings=True)
    assert (encoder.encode_documents(documents) * theirs).sum(axis=1).min() >= 0.9999
    found = ratio(
        benchmark,
        lambda: encoder.encode_documents(documents),
        lambda: model.encode(texts, normalize_embeddings=True),
        rounds=3,
    )
    assert found >= 1.0


@pytest.mark.benchmark(group="scoring 6,980 queries x 1,000 documents")
def test_scoring_is_within_twice_raw_pytrec_eval(benchmark: Any) -> None:
    """nDCG@10 and R@1000 of a run of MS MARCO dev's size, against pytrec_eval alone on a ready dictionary."""
    import pytrec_eval

    generator = np.random.default_rng(0)
    scores = np.sort(generator.random((6_980, 1_000), dtype=np.float32), axis=1)[:, ::-1]
    ids = [str(number) for number in range(100_000)]
    run, plain, judgments = {}, {}, {}
    for number, row in enumerate(scores):
        start = int(generator.integers(0, 99_000))
        found = ids[start : start + 1_000]
        run[str(number)] = rank(found, row)
        plain[str(number)] = dict(zip(found, row.astype(float).tolist(), strict=True))
        judgments[str(number)] = {found[int(generator.integers(0, 1_000))]: 1}

    def theirs() -> object:
        return pytrec_eval.RelevanceEvaluator(judgments, {"ndcg_cut_10", "recall_1000"}).evaluate(plain)

    found_ratio = ratio(benchmark, lambda: evaluate(run, judgments, ["nDCG@10", "R@1000"]), theirs, rounds=2)
    assert found_ratio >= 0.5


@pytest.mark.benchmark(group="the command line's door")
@pytest.mark.parametrize("command", ["--help", "list"])
def test_the_door_opens_quickly(command: str, benchmark: Any) -> None:
    """`--help` and `list` take less than 0.7 s as whole processes (median of five)."""
    call = [sys.executable, "-m", "benchmarks", command]
    benchmark.pedantic(
        lambda: subprocess.run(call, check=True, capture_output=True), rounds=5, warmup_rounds=1
    )
    assert benchmark.stats.stats.median < 0.7


@pytest.mark.benchmark(group="a finished cell")
def test_a_finished_cell_costs_little(benchmark: Any, tmp_path: Path, needs: Callable[[str], str]) -> None:
    """SciFact with BM25, measured before: under 6 s as a whole process, report included."""
    call = [
        sys.executable, "-m", "benchmarks", "run", "--variant", "bm25", "--collection", needs("beir/scifact/test"),
        "--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports"), "--quiet",
    ]  # fmt: skip
    subprocess.run(call, check=True, capture_output=True)
    benchmark.pedantic(lambda: subprocess.run(call, check=True, capture_output=True), rounds=3)
    assert benchmark.stats.stats.median < 6.0
