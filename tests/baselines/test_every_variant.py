"""Every variant says what it needs, and runs once it has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.encoders.checkpoints import Checkpoint
from benchmarks.errors import MissingWeights, UsageError
from benchmarks.grid import run_grid
from benchmarks.progress import Progress
from benchmarks.records.store import Store
from benchmarks.registry import baselines, variant_of
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.layouts import bert, classifier
from tests.baselines.test_ance import saved as ance
from tests.baselines.test_colbert import saved as colbert
from tests.baselines.test_dpr import towers

VARIANTS = [
    f"{key}:{name}"
    for key, one in baselines().items()
    for name, variant in one.variants.items()
    if not variant.trained_here
]
RE_RANK = ("cross_encoder",)
GENERATED = ("hyde", "lamer", "query2doc")
"""What lacks answers of a language model, not weights: tests/generation."""
READ = ("dpr:reader-multiset", "dpr:reader-single-nq")


def runnable(variant: str) -> str:
    """A spec that runs a variant by itself, or behind BM25 where it cannot search."""
    if variant in READ:
        return f"read(bm25:flat,{variant},depth=2)"
    if variant.partition(":")[0] in RE_RANK:
        return f"rerank(bm25:flat,{variant},depth=2)"
    return variant


def bench(folder: Path) -> Bench:
    """A bench below `folder` that measures no latency."""
    return Bench(
        Cache(folder / "cache"), Store(folder / "results"), efficiency=False, progress=Progress(True)
    )


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without checkpoints and without a network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("baselines.encoders.checkpoints.reachable", lambda _: False)
    monkeypatch.setattr(Checkpoint, "_packaged", lambda _: None)


def test_without_weights_a_variant_names_them_in_one_line(bare: None, tmp_path: Path) -> None:
    """What is missing, and how to provide it; the grid goes on with the rest."""
    specs = [
        runnable(variant) for variant in VARIANTS
        if (found := variant_of(parse(variant).leaves[0]))[1].missing() and found[0].key not in GENERATED
    ]  # fmt: skip
    outcome = run_grid([(spec, "synthetic/tiny") for spec in specs], bench(tmp_path))
    assert not outcome.failed
    assert not outcome.records
    assert len(outcome.not_run) == len(specs) > 25
    for (spec, _), why in outcome.not_run.items():
        assert "\n" not in why, spec
        assert why.startswith("needs "), spec
        assert "--checkpoint FOLDER" in why, spec


@pytest.mark.parametrize(
    ("spec", "save"),
    [
        ("dpr:multiset", towers), ("dpr:bm25+dpr", towers), ("ance:multi", towers), ("colbert:v1", colbert),
        ("ance:msmarco-passage", ance), ("ance:msmarco-doc:maxp", ance), ("retromae:beir", bert),
        ("tct_colbert:v2-hnp+bm25", bert), ("sg_opt:bert-base:cls", bert),
        ("rerank(bm25:flat,cross_encoder:minilm-l6,depth=5)", classifier),
    ],
)  # fmt: skip
def test_with_a_folder_of_weights_a_variant_runs(
    spec: str, save: Callable[[Path], object], bare: None, tmp_path: Path
) -> None:
    """A whole cell on generated documents; the record names the folder by the hash of its files."""
    save(tmp_path / "weights")
    measured = bench(tmp_path)
    measured.checkpoint = tmp_path / "weights"
    record = run_cell(parse(spec), "synthetic/60", measured)
    assert record.rung == "synthetic"
    assert record.counts["evaluated"] == record.counts["queries"] > 0
    assert "files_sha256" in str(record.protocol.retrieval)


def test_what_a_variant_needs_is_the_same_everywhere(bare: None) -> None:
    """Reports name the repository and its revision, or that it is not pinned, or that none was published."""
    for variant in VARIANTS:
        chosen = variant_of(parse(variant).leaves[0])[1]
        if chosen.missing():
            assert chosen.needs, variant


def test_an_unpinned_checkpoint_is_named_by_the_revision_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's cache says which commit `main` was; nothing is downloaded where it lies."""
    root = tmp_path / "models--some--model"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text("abc123", "utf-8")
    (root / "snapshots" / "abc123").mkdir(parents=True)
    (root / "snapshots" / "abc123" / "model.safetensors").write_bytes(b"weights")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    checkpoint = Checkpoint("some/model")
    assert checkpoint.missing() == ""
    assert checkpoint.locate().name == "abc123"
    assert checkpoint.needs == "some/model (not pinned)"


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    """The message says what a folder of weights holds."""
    with pytest.raises(MissingWeights, match=r"has no model\.safetensors or pytorch_model\.bin"):
        Checkpoint("some/model").locate(tmp_path)


def test_one_folder_is_not_given_to_two_models(tmp_path: Path) -> None:
    """Two models with one folder's weights would be one model under two names."""
    given = bench(tmp_path)
    given.checkpoint = tmp_path
    with pytest.raises(UsageError, match=r"contriever:unsupervised and retromae:beir need some"):
        run_cell(parse("rrf(contriever:unsupervised,retromae:beir)"), "synthetic/tiny", given)


@pytest.mark.parametrize("variant", READ)
def test_a_reader_alone_is_wrong_use_whatever_it_lacks(variant: str, bare: None, tmp_path: Path) -> None:
    """How it is used is said before its weights are looked for."""
    with pytest.raises(UsageError, match=rf"use it as read\(FIRST,{variant}\)"):
        run_cell(parse(variant), "synthetic/tiny", bench(tmp_path))
