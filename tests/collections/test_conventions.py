"""The table of conventions and quirks."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import ir_datasets
import pytest

from benchmarks.collections import open_collection
from benchmarks.collections.collection import check_name
from benchmarks.collections.conventions import conventions_of, declared, means, missing
from benchmarks.collections.irds import DatasetSource
from benchmarks.collections.sources import ignore
from benchmarks.collections.thinned import whole_of
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


ALL = sorted({collection for suite in suites().values() for collection in suite.collections})


def test_every_collection_of_a_suite_has_a_name_that_works() -> None:
    """ir-datasets knows it with judgments, or the table declares it."""
    for collection in ALL:
        check_name(collection)
        whole, _ = whole_of(collection)
        if whole not in declared() and conventions_of(whole).kind == "retrieval":
            assert ir_datasets.load(whole).has_qrels(), collection


def sources_of(collection: str) -> tuple[str, set[str]]:
    """The host of a collection's documents and the file names they have in the cache, by ir-datasets' own table."""
    table = json.loads(Path(ir_datasets.__file__).with_name("etc").joinpath("downloads.json").read_text())
    family, part, *_ = collection.split("/")
    keys = {
        "msmarco-passage": ["collectionandqueries"], "msmarco-document": ["docs"], "car": ["docs"], "beir": [part],
        "mr-tydi": [part], "miracl": [key for key in table["miracl"] if key.startswith(f"v1.0/{part}/corpus")],
    }[family]  # fmt: skip
    entries = [table[family][key] for key in keys]
    files = {f"{family}/{entry['cache_path']}" for entry in entries if entry.get("cache_path")}
    return urlsplit(entries[0]["url"]).hostname or "", files


@pytest.mark.parametrize("family", ["msmarco-document", "car", "mr-tydi", "miracl", "msmarco-passage"])
def test_hosts_and_files_are_those_of_ir_datasets(family: str) -> None:
    """Where a download comes from, and the file or folder whose absence means that it is due."""
    for collection in (id for id in ALL if id.startswith(f"{family}/")):
        host, files = sources_of(collection)
        conventions = conventions_of(collection)
        assert conventions.host == host, collection
        if family in ("msmarco-document", "car", "miracl"):
            assert any(file.startswith(conventions.needs) for file in files), collection
    # The passages are unpacked from an archive; Mr. TyDi's archive is never kept.
    assert conventions_of("msmarco-passage/dev/small").needs == "msmarco-passage/collection.tsv"
    assert conventions_of("mr-tydi/sw/test").needs == "mr-tydi/sw.data"


@pytest.mark.parametrize(
    ("collection", "words"),
    [
        ("beir/bioasq/test", "registration with BioASQ"),
        ("beir/robust04/test", "licence from NIST"),
        ("beir/trec-news/test", "licence from NIST"),
        ("beir/signal1m/test", "licence of the Signal-1M"),
        ("mkqa/ko", "not measured yet: MKQA"),
    ],
)
def test_what_nobody_can_download_says_what_it_needs(
    collection: str, words: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, without asking the network; the name is a right one."""
    monkeypatch.setattr("benchmarks.collections.reach.reachable", lambda host: pytest.fail("asked"))
    check_name(collection)
    with pytest.raises(MissingData, match=words) as caught:
        open_collection(collection, cache)
    assert "\n" not in str(caught.value)


def test_a_licensed_collection_is_read_where_it_was_put(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In BEIR's layout below RETRIEVER_BENCH_DATA, under its own name."""
    folder = tmp_path / "beir/robust04"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "x"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (folder / "qrels/test.tsv").write_text("q\td\t1\n")
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    collection = open_collection("beir/robust04/test", cache)
    assert (collection.id, collection.conventions.rung) == ("beir/robust04/test", "paper")


@pytest.mark.parametrize("language", ["ar", "zh"])
def test_xquad_r_in_one_language(language: str, needs: Callable[[str], str], cache: Cache) -> None:
    """1,190 questions, all their sentences in the same language, and its analysis."""
    collection = open_collection(needs(f"xquad-r/{language}"), cache)
    assert len(collection.queries()) == 1190
    assert all(document.id.startswith(f"{language}-") for document in collection.documents())
    assert collection.conventions.language == language


def test_xquad_r_across_languages(needs: Callable[[str], str], cache: Cache) -> None:
    """13,090 questions, each with its answer's sentence in eleven languages, among 13,014 sentences."""
    collection = open_collection(needs("xquad-r/cross"), cache)
    assert collection.inspection.queries == 13_090
    assert collection.inspection.documents == 13_014
    assert {len(judged) for judged in collection.judgments().values()} == {11}


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
from benchmarks.collections.irds import DatasetSource
from benchmarks.collections.sources import ignore
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


def test_a_library_that_only_one_collection_needs_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """TREC CAR is read with trec-car-tools; without it the message says what to install."""
    monkeypatch.setitem(sys.modules, "trec_car", None)
    monkeypatch.setattr("benchmarks.collections.reach.reachable", lambda host: True)
    queries = DatasetSource("car/v1.5/trec-y1/auto").queries(ignore)
    with pytest.raises(MissingData, match=r"requires trec-car-tools\. Run 'pip install"):
        next(queries)


def test_an_unreachable_host_is_found_out_quickly() -> None:
    """A name that cannot resolve is not waited for."""
    assert not reachable("no-such-host.invalid")


def test_an_unknown_collection_suggests_a_near_one(cache: Cache) -> None:
    """A typing error is answered with what was probably meant."""
    with pytest.raises(UnknownName, match="did you mean beir/scifact"):
        open_collection("beir/scifct/test", cache)
    with pytest.raises(UnknownName, match=r"did you mean .*xquad-r/de"):
        open_collection("xquad-r/dee", cache)
