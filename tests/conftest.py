"""Fixtures: a cache and a store in a scratch folder, and data that may not be there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.collections.conventions import missing
from benchmarks.progress import Progress
from benchmarks.records.store import Store
from benchmarks.registry import baselines
from benchmarks.runner import Bench
from benchmarks.storage.cache import Cache
from benchmarks.suites import suites


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the cache of the user, or of another test."""
    monkeypatch.setenv("RETRIEVER_BENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def cache() -> Cache:
    """The scratch cache."""
    return Cache.default()


@pytest.fixture
def bench(cache: Cache, tmp_path: Path) -> Bench:
    """A bench that keeps everything in scratch, is silent, and measures no latency."""
    return Bench(cache, Store(tmp_path / "results"), efficiency=False, progress=Progress(quiet=True))


@pytest.fixture
def trainee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`tests.trainee` is installed, in this process and in those it starts."""
    info = tmp_path / "plugins" / "trainee-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trainee\nVersion: 1\n")
    points = {"baselines": "baseline", "suites": "SUITES"}
    (info / "entry_points.txt").write_text(
        "".join(
            f"[retriever_bench.{group}]\ntrainee = tests.trainee:{name}\n" for group, name in points.items()
        )
    )
    monkeypatch.syspath_prepend(info.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (info.parent, Path(__file__).parents[1]))))
    for known in (baselines, suites):
        known.cache_clear()
    yield
    for known in (baselines, suites):
        known.cache_clear()


@pytest.fixture
def needs() -> Callable[[str], str]:
    """Skip the test, saying why, where a collection is not on this disk."""

    def check(collection: str) -> str:
        if absent := missing(collection):
            pytest.skip(f"{collection}: {absent}")
        return collection

    return check


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; skipped where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs privileges this user lacks")
    yield folder
    subprocess.run(["umount", folder], check=True)
