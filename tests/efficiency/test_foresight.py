"""What an index will take, told before it is built."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.collections import open_collection
from benchmarks.efficiency import foresight
from benchmarks.efficiency.foresight import check_room, foreseen
from benchmarks.errors import TooLarge
from benchmarks.grid import run_grid
from benchmarks.interfaces import Cost, Document, Setting
from benchmarks.progress import Progress
from benchmarks.retrieval.compositions import Fusion, Reranking, reciprocal_rank
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.faissindex import FaissIndex, bytes_per_vector
from benchmarks.retrieval.resolve import index_folder, open_indexes, resolve
from benchmarks.retrieval.vectors import VectorShards
from benchmarks.runner import Bench
from benchmarks.spec import Leaf, parse
from benchmarks.storage.cache import Cache, bytes_below
from tests.retrieval.stubs import HashEncoder, documents

GIB = 2**30


class Known(DenseRetriever):
    """A retriever whose documents cost a hundredth of a second, 1 MiB of disk and 2 MiB of memory each."""

    def __init__(self, name: int = 16) -> None:
        super().__init__(HashEncoder(name))
        self.asked = 0

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """The cost of so many documents."""
        self.asked += 1
        return Cost(0.01, 1 << 20, 2 << 20) * len(sample)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine of which the test says how much disk and memory is free; every collection is large."""
    has = SimpleNamespace(disk=10 * GIB, memory=10 * GIB)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=has.disk))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=has.memory, total=2**34))
    monkeypatch.setattr(foresight, "SMALL", 100)
    return has


def test_what_is_known_of_a_few_is_told_of_all(cache: Cache, machine: SimpleNamespace) -> None:
    """3,000 documents cost 3,000 times one."""
    collection = open_collection("synthetic/small", cache)
    cost = foreseen(Known(), collection, cache)
    assert cost is not None
    assert cost.seconds == pytest.approx(30)
    assert cost.disk_bytes == 3000 * 2**20
    assert cost.memory_bytes == 6000 * 2**20


def test_there_is_room_or_there_is_not(
    cache: Cache, machine: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """Needs and haves are named, with what to do; disk and memory each."""
    collection = open_collection("synthetic/small", cache)
    check_room(Known(), collection, cache, Progress())
    told = capsys.readouterr().err
    assert told == (
        "    about 30 s, 2.9 GiB of disk and 5.9 GiB of memory for 3,000 documents, by the first 4,096\n"
    )
    machine.disk = 2 * GIB
    with pytest.raises(
        TooLarge, match=r"needs about 2\.9 GiB of disk and .* has 2\.0 GiB free; set RETRIEVER"
    ):
        check_room(Known(), collection, cache, Progress(quiet=True))
    machine.disk, machine.memory = 3 * GIB, 5 * GIB
    with pytest.raises(TooLarge, match=r"about 5\.9 GiB of memory and this machine has 5\.0 GiB available"):
        check_room(Known(), collection, cache, Progress(quiet=True))


def test_small_collections_are_not_calibrated(cache: Cache, machine: SimpleNamespace) -> None:
    """Finding out would cost more than being wrong."""
    foresight.SMALL = 3000
    retriever = Known()
    machine.disk = 0
    check_room(retriever, open_collection("synthetic/small", cache), cache, Progress(quiet=True))
    assert retriever.asked == 0


def test_a_finished_index_is_never_calibrated(cache: Cache, machine: SimpleNamespace) -> None:
    """It has its room already, whatever there is left."""
    collection = open_collection("synthetic/small", cache)
    open_indexes(Known(), collection, cache)
    machine.disk = machine.memory = 0
    retriever = Known()
    check_room(retriever, collection, cache, Progress(quiet=True))
    assert retriever.asked == 0


def test_an_index_that_two_parts_share_costs_once(cache: Cache, machine: SimpleNamespace) -> None:
    """Disk and time of different parts add up, memory is the larger one's."""
    collection = open_collection("synthetic/small", cache)
    first, again, other = Known(), Known(), Known(8)
    whole = Fusion([first, Reranking(again, other, 10)], reciprocal_rank(60), {})
    cost = foreseen(whole, collection, cache)
    assert cost is not None
    assert cost.disk_bytes == 2 * 3000 * 2**20
    assert cost.memory_bytes == 6000 * 2**20


def test_what_a_killed_process_left_is_not_needed_again(cache: Cache, machine: SimpleNamespace) -> None:
    """The disk that a begun index holds is taken off."""
    collection = open_collection("synthetic/small", cache)
    folder = index_folder(Known(), collection, cache)
    folder.mkdir(parents=True)
    (folder / "vectors-000000.npy").write_bytes(bytes(1 << 20))
    cost = foreseen(Known(), collection, cache)
    assert cost is not None
    assert cost.disk_bytes == 2999 * 2**20


def test_a_grid_goes_on_past_what_has_no_room(bench: Bench, machine: SimpleNamespace) -> None:
    """The large collection is not run, in one line; the small one is."""
    machine.disk = 1000
    foresight.SMALL = 1000
    outcome = run_grid([("bm25:flat", "synthetic/small"), ("bm25:flat", "synthetic/tiny")], bench)
    (why,) = outcome.not_run.values()
    assert why.startswith("synthetic/small: the index needs about 0.0")
    assert [record.collection for record in outcome.records] == ["synthetic/tiny"]
    assert not outcome.failed


@pytest.mark.slow
@pytest.mark.parametrize(("spec", "factor"), [("bm25:flat", 2), ("bm25:multifield", 2), ("lsa:svd256", 4)])
def test_the_estimate_is_near_what_it_takes(spec: str, factor: int, cache: Cache) -> None:
    """Time and disk of the real index of 30,000 documents, foreseen from 4,096.

    LSA is counted as if it had the 50,000 documents that it learns from.
    """
    collection = open_collection("synthetic/medium", cache)
    searcher = resolve(parse(spec), Setting())
    open_indexes(resolve(parse(spec), Setting()), open_collection("synthetic/tiny", cache), cache)
    cost = foreseen(searcher, collection, cache)
    assert cost is not None
    start = time.perf_counter()
    build = open_indexes(searcher, collection, cache)
    elapsed = time.perf_counter() - start
    print(
        f"{spec}: {cost.seconds + cost.once:.1f} s foreseen, {elapsed:.1f} s taken; {cost.disk_bytes / build.bytes:.2f} of the disk"
    )
    assert elapsed / factor < cost.seconds + cost.once < elapsed * factor
    assert build.bytes / 2 < cost.disk_bytes < build.bytes * 4


def test_vectors_are_foreseen_to_the_byte(tmp_path: Path) -> None:
    """Dimension, ids and their two tables; headers and the manifest aside."""
    sample = documents(5000)
    cost = DenseRetriever(HashEncoder(384)).cost_of(sample[:1000]) * 5
    retriever = DenseRetriever(HashEncoder(384))
    retriever.index(sample, tmp_path)
    assert cost.disk_bytes == pytest.approx(bytes_below(tmp_path), rel=0.01)


class Learning(HashEncoder):
    """Learns from the collection, a tenth of a millisecond a document."""

    def __init__(self, fitted_on: int | None) -> None:
        super().__init__(16)
        self.fitted_on = fitted_on

    def fit(self, documents: Iterable[Document], _folder: Path) -> None:
        """Wait."""
        time.sleep(1e-4 * len(list(documents)))


def test_what_is_learnt_of_all_documents_grows_with_them() -> None:
    """Learning from at most so many is spent once; learning from all of them belongs to each."""
    few = DenseRetriever(Learning(3_000)).cost_of(documents(500))
    all_of_them = DenseRetriever(Learning(None)).cost_of(documents(500))
    assert few.once > 0.3 > few.seconds
    assert all_of_them.once == 0
    assert all_of_them.seconds > 0.05


@pytest.mark.parametrize("key", ["HNSW32", "[IVF16,Flat]", "SQ8", "[PCA16,Flat]", "[IVF16,PQ8x4]"])
def test_a_faiss_index_is_foreseen(key: str, tmp_path: Path) -> None:
    """Bytes a vector, within a tenth of the file's; what does not grow with the vectors aside."""
    spec = parse(f"lsa@{key}")
    assert isinstance(spec, Leaf)
    index_key = spec.index
    assert index_key is not None
    sizes = []
    for count in (2000, 4000):
        shards = VectorShards(tmp_path / f"{key}-{count}")
        shards.encode(HashEncoder(64), documents(count))
        index = FaissIndex(index_key, 0)
        index.open(shards)
        sizes.append(index.bytes)
    assert bytes_per_vector(index_key, 64) == pytest.approx((sizes[1] - sizes[0]) / 2000, rel=0.1)
