"""The table of conventions and quirks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.collections import open_collection
from benchmarks.collections.conventions import conventions_of, means, missing
from benchmarks.errors import MissingData, UnknownName
from benchmarks.evaluation.measures import parse
from benchmarks.network import reachable
from benchmarks.storage.cache import Cache
from benchmarks.suites import suites


def test_known_quirks() -> None:
    """What reproducers stumble over, as the field does it."""
    assert conventions_of("beir/arguana").drop_self
    assert conventions_of("beir/quora/test").drop_self
    assert not conventions_of("beir/scifact/test").drop_self
    assert "R_cap@100" in conventions_of("beir/trec-covid").measures
    assert "AP(rel=2)@1000" in conventions_of("msmarco-passage/trec-dl-2019/judged").measures
    assert "v1" in conventions_of("beir/webis-touche2020").note
    assert "DL 2019" in conventions_of("beir/msmarco/test").note
    assert len(means()["beir/cqadupstack"]) == 12
    assert conventions_of("miracl/yo/dev").language == "yo"
    assert conventions_of("synthetic/tiny/second/test").language != "en"


def test_every_measure_of_the_table_exists() -> None:
    """No suite ends in a measure nobody computes."""
    for suite in suites().values():
        for collection in suite.collections:
            assert all(parse(measure) for measure in conventions_of(collection).measures)


def test_what_is_missing_is_said_without_asking_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the disk alone: where it would come from, or which variable to set."""
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    monkeypatch.delenv("RETRIEVER_BENCH_DATA", raising=False)
    assert "downloads from public.ukp" in missing("beir/scifact/test")
    assert "RETRIEVER_BENCH_DATA" in missing("xquad-r/en")
    assert missing("synthetic/tiny/test") == ""


def test_no_network_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Cache) -> None:
    """A collection that is neither here nor reachable ends in a line that says both."""
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    monkeypatch.setattr("benchmarks.collections.reach.reachable", lambda host: False)
    with pytest.raises(
        MissingData, match=r"beir/scifact/test: not on disk; downloads from .* cannot be reached"
    ):
        open_collection("beir/scifact/test", cache)


@pytest.mark.parametrize("damage", [None, b"", b"not a zip", b"PK\x03\x04" + b"\0" * 40])
def test_what_ir_datasets_cannot_give_is_one_line(
    damage: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Cache
) -> None:
    """A failed download of a collection nobody described, and damaged archives, end in one line."""
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("IR_DATASETS_DL_TRIES", "1")
    collection = "antique/test" if damage is None else "beir/fiqa/test"
    code = f"""
from pathlib import Path
from benchmarks.collections import open_collection
from benchmarks.errors import MissingData
from benchmarks.storage.cache import Cache
try: open_collection({collection!r}, Cache(Path({str(tmp_path)!r}) / "cache"))
except MissingData as error: print(error)
"""
    if damage is not None:
        (tmp_path / "beir/fiqa").mkdir(parents=True)
        (tmp_path / "beir/fiqa/source.zip").write_bytes(damage)
    # In a process of its own: ir-datasets takes its folder when it is imported.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{collection}: ir-datasets cannot give its qrels (")
    assert done.stdout.count("\n") == 1


def test_an_unreachable_host_is_found_out_quickly() -> None:
    """A name that cannot resolve is not waited for."""
    assert not reachable("no-such-host.invalid")


def test_an_unknown_collection_suggests_a_near_one(cache: Cache) -> None:
    """A typing error is answered with what was probably meant."""
    with pytest.raises(UnknownName, match="did you mean beir/scifact"):
        open_collection("beir/scifct/test", cache)
