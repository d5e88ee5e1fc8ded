"""Collections in folders: read as they are, and every problem named with file and line."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest

from benchmarks.collections import open_collection
from benchmarks.errors import MalformedInput, MissingData
from benchmarks.storage.cache import Cache

CORPUS = [{"_id": f"d{i}", "title": f"t{i}", "text": f"text {i}"} for i in range(4)]
QUERIES = [{"_id": f"q{i}", "text": f"query {i}"} for i in range(2)]
QRELS = "query-id\tcorpus-id\tscore\nq0\td0\t1\nq1\td3\t2\n"


def lines(entries: list[dict[str, object]]) -> bytes:
    """JSON lines."""
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small, clean collection."""
    root = tmp_path / "mine"
    (root / "qrels").mkdir(parents=True)
    (root / "corpus.jsonl").write_bytes(lines(CORPUS))
    (root / "queries.jsonl").write_bytes(lines(QUERIES))
    (root / "qrels/test.tsv").write_text(QRELS)
    return root


def test_a_folder_is_read_as_beir_reads_it(folder: Path, cache: Cache) -> None:
    """Documents, queries and judgments equal those of beir's own loader."""
    from beir.datasets.data_loader import GenericDataLoader

    corpus, queries, qrels = GenericDataLoader(str(folder)).load("test")
    collection = open_collection(f"folder:{folder}", cache)
    assert {d.id: {"title": d.title, "text": d.text} for d in collection.documents()} == corpus
    assert {q.id: q.text for q in collection.queries()} == queries
    assert collection.judgments() == qrels
    assert collection.inspection.skipped == collection.inspection.doubtful == 0


def test_gzip_trec_judgments_and_other_splits(folder: Path, cache: Cache) -> None:
    """Files may be gzipped, judgments TREC's, and a split is named after #."""
    (folder / "corpus.jsonl").unlink()
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(lines(CORPUS)))
    (folder / "qrels/dev.trec").write_text("q1 0 d2 1\n")
    assert open_collection(f"folder:{folder}#dev", cache).judgments() == {"q1": {"d2": 1}}


def test_the_record_names_the_folder_and_not_its_path(folder: Path, cache: Cache) -> None:
    """A path of one machine means nothing on another."""
    collection = open_collection(f"folder:{folder}", cache)
    assert re.fullmatch(r"folder:mine~[0-9a-f]{6}", collection.id)
    other = folder.parent / "elsewhere" / "mine"
    shutil.copytree(folder, other)
    assert open_collection(f"folder:{other}", cache).id != collection.id
    (folder / "qrels/dev.tsv").write_text(QRELS)
    assert open_collection(f"folder:{folder}#dev", cache).id == f"{collection.id}#dev"


PROBLEMS = [
    ("corpus.jsonl", b"{not json}\n", "corpus.jsonl, line 5", "not JSON", 4),
    ("corpus.jsonl", b'{"title": "x", "text": "y"}\n', "corpus.jsonl, line 5", "no _id", 4),
    (
        "corpus.jsonl",
        b'{"_id": "d1", "title": "", "text": "again"}\n',
        "corpus.jsonl, line 5",
        "duplicate id 'd1'",
        4,
    ),
    ("corpus.jsonl", b'{"_id": "x", "text": "caf\xe9"}\n', "corpus.jsonl, line 5", "not UTF-8", 4),
    ("corpus.jsonl", b'{"_id": "x", "text": ["y"]}\n', "corpus.jsonl, line 5", "not a string", 4),
    ("corpus.jsonl", b'{"_id": "x", "title": "", "text": ""}\n', "corpus.jsonl, line 5", "empty document", 5),
    ("queries.jsonl", b'{"_id": "q9", "text": " "}\n', "queries.jsonl, line 3", "empty query", 4),
    ("qrels/test.tsv", b"q0\td1\n", "test.tsv, line 4", "not a judgment", 4),
    ("qrels/test.tsv", b"q0\td1\tyes\n", "test.tsv, line 4", "not a judgment", 4),
    ("qrels/test.tsv", b"q0\td77\t1\n", "test.tsv, line 4", "unknown document 'd77'", 4),
    ("qrels/test.tsv", b"q77\td1\t1\n", "test.tsv, line 4", "unknown query 'q77'", 4),
]


@pytest.mark.parametrize(("file", "line", "where", "what", "documents"), PROBLEMS)
def test_a_problem_is_named_with_file_and_line(
    file: str, line: bytes, where: str, what: str, documents: int, folder: Path, cache: Cache
) -> None:
    """One bad line is counted and named, the rest is read; --strict refuses it in one line."""
    with (folder / file).open("ab") as handle:
        handle.write(line)
    collection = open_collection(f"folder:{folder}", cache)
    found = collection.inspection
    assert found.skipped + found.doubtful == 1
    assert found.problems[0]["where"].endswith(where)
    assert what in found.problems[0]["what"]
    assert len(list(collection.documents())) == documents
    assert len({document.id for document in collection.documents()}) == documents
    with pytest.raises(MalformedInput) as raised:
        open_collection(f"folder:{folder}", cache, strict=True)
    assert where in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_id_with_a_space_stays_one_id(folder: Path, cache: Cache) -> None:
    """Tabs separate BEIR's judgments; what stands between them is an id, whole."""
    (folder / "corpus.jsonl").write_bytes(
        lines([*CORPUS, {"_id": "doc 1", "text": "x"}, {"_id": "1", "text": "y"}])
    )
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tdoc 1\t1\n")
    assert open_collection(f"folder:{folder}", cache).judgments() == {"q1": {"doc 1": 1}}


def test_a_changed_file_is_inspected_again(folder: Path, cache: Cache) -> None:
    """The cache of an inspection does not outlive the file it read."""
    before = open_collection(f"folder:{folder}", cache).inspection
    (folder / "corpus.jsonl").write_bytes(lines([*CORPUS, {"_id": "d9", "text": "new"}]))
    after = open_collection(f"folder:{folder}", cache).inspection
    assert (before.documents, after.documents) == (4, 5)
    assert before.documents_sha256 != after.documents_sha256


def test_what_is_not_there_is_said_in_one_line(tmp_path: Path, folder: Path, cache: Cache) -> None:
    """A missing folder, a missing split, and a collection with nothing in it."""
    with pytest.raises(MissingData, match=r"has no corpus.jsonl"):
        open_collection(f"folder:{tmp_path / 'nowhere'}", cache)
    with pytest.raises(MissingData, match=r"has no dev.tsv"):
        open_collection(f"folder:{folder}#dev", cache)
    (folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n")
    with pytest.raises(MissingData, match="nothing to measure"):
        open_collection(f"folder:{folder}", cache)
