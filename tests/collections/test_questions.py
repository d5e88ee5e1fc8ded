"""Questions and answers of DPR's files, over the documents of ir-datasets."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.collections import open_collection, questions
from benchmarks.collections.collection import check_name, open_judged
from benchmarks.collections.conventions import conventions_of, data_folder, missing
from benchmarks.collections.irds import unquoted
from benchmarks.collections.questions import QuestionSource
from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sources import Problem, Report
from benchmarks.errors import MalformedInput
from benchmarks.interfaces import Document, Query
from benchmarks.storage.cache import Cache

ROWS = [
    ("who wrote it", ["Ann Lee", "Lee"]),
    ('who said "no\tmore"', ['"no"', "it's"]),
    ("où ?", ["à Paris\u2028", "東京"]),
]


def tabs(rows: list[tuple[str, list[str]]]) -> bytes:
    """As csv.writer writes DPR's files: tab-separated, quoted where need be, CRLF."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t").writerows((question, str(answers)) for question, answers in rows)
    return buffer.getvalue().encode()


def json_lines(rows: list[tuple[str, list[str]]]) -> bytes:
    """The other layout."""
    return b"".join(json.dumps({"question": q, "answer": a}).encode() + b"\n" for q, a in rows)


class Few:
    """Three documents in place of an ir-datasets id."""

    language = "en"

    def __init__(self, id: str, parts: tuple[str, ...]) -> None:
        assert (id, parts) == ("dpr-w100", ("docs",))

    def stamp(self) -> Any:
        """Fixed."""
        return "few"

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """Three."""
        return ((str(number), Document(str(number), "title", f"text {number}")) for number in range(3))


@pytest.fixture(autouse=True)
def few_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads 21 million passages."""
    monkeypatch.setattr(questions, "DatasetSource", Few)


def source(tmp_path: Path, content: bytes, name: str = "qas.csv") -> QuestionSource:
    """The source of a file with this content."""
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
        patch.setattr(questions, "DatasetSource", Few)
        return QuestionSource("dpr-w100", DeclaredFile("https://example.invalid/qas.csv", "", "", name))


@pytest.mark.parametrize("write", [tabs, json_lines])
@pytest.mark.parametrize("name", ["qas.csv", "qas.csv.gz"])
def test_either_layout_says_the_same(write: Any, name: str, tmp_path: Path) -> None:
    """Quotes, tabs, line separators and other scripts survive; ids are row numbers from 0; there are no judgments."""
    made = source(tmp_path, write(ROWS), name)
    problems: list[Problem] = []
    assert [query for _, query in made.queries(problems.append)] == [
        Query(str(number), question) for number, (question, _) in enumerate(ROWS)
    ]
    assert made.answers() == {str(number): tuple(answers) for number, (_, answers) in enumerate(ROWS)}
    assert not list(made.judgments(problems.append))
    assert not problems


@pytest.mark.parametrize(
    "row",
    [
        b"no answers\n",
        b"q\t'a string'\n",
        b"q\t[1, 2]\n",
        b"q\t[]\n",
        b" \t['a']\n",
        b"q\t['unclosed\n",
        b"q\t__import__('os').getcwd()\n",
        b"q\t['a']\tthird\n",
    ],
)
def test_a_malformed_row_is_named_and_keeps_its_number(row: bytes, tmp_path: Path) -> None:
    """It is left out, with its place; the rows after it keep their ids; nothing in it is executed."""
    made = source(tmp_path, tabs(ROWS[:1]) + row + tabs(ROWS[1:]))
    problems: list[Problem] = []
    assert [query.id for _, query in made.queries(problems.append)] == ["0", "2", "3"]
    (problem,) = problems
    assert problem.where.endswith("qas.csv, row 2")
    assert problem.skipped
    assert list(made.answers()) == ["0", "2", "3"]


@pytest.mark.parametrize("row", [b"{}\n", b"{\n", b'{"question": "q", "answer": "a"}\n', b"[1]\n"])
def test_a_malformed_json_row_is_named(row: bytes, tmp_path: Path) -> None:
    """As in the other layout."""
    made = source(tmp_path, json_lines(ROWS[:1]) + row)
    problems: list[Problem] = []
    assert [query.id for _, query in made.queries(problems.append)] == ["0"]
    assert problems[0].where.endswith("row 2")


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    """Half a gzip file, or bytes that are not UTF-8, end in an error that names the file."""
    half = tmp_path / "half.csv.gz"
    made = source(tmp_path, tabs(ROWS * 50), "half.csv.gz")
    half.write_bytes(half.read_bytes()[:-20])
    with pytest.raises(MalformedInput, match=r"half\.csv\.gz: cannot be read"):
        made.answers()
    with pytest.raises(MalformedInput, match=r"qas\.csv: cannot be read"):
        source(tmp_path, b"q\xff\t['a']\n").answers()


questions_ = st.text("a\"'\tü \u2028", min_size=1).filter(str.strip)
answers_ = st.lists(st.text("b\"'\\ü\n", min_size=1), min_size=1)


@given(rows=st.lists(st.tuples(questions_, answers_), min_size=1))
def test_what_was_written_is_read(
    rows: list[tuple[str, list[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is in a question or an answer."""
    folder = tmp_path_factory.mktemp("questions")
    assert list(source(folder, tabs(rows)).answers().values()) == [tuple(answers) for _, answers in rows]


@given(st.text('a"\t ü'))
def test_quotation_marks_of_a_csv_field_are_taken_off(field: str) -> None:
    """What csv.writer quoted is as it was; what it left alone is left alone."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="\t", lineterminator="").writerow([field, "x"])
    assert unquoted(buffer.getvalue().removesuffix("\tx")) == field


def judged_by_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Any], cache: Cache) -> Any:
    """The collection `dpr-w100/natural-questions/test` with these questions."""
    data = tmp_path / "data"
    (data / "odqa").mkdir(parents=True, exist_ok=True)
    (data / "odqa/nq-test.qa.csv.gz").write_bytes(gzip.compress(tabs(rows)))
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(data))
    return open_collection("dpr-w100/natural-questions/test", cache)


def test_every_question_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Cache) -> None:
    """Without judgments a mean runs over all questions; the answers are in the protocol in their place."""
    collection = judged_by_answers(tmp_path, monkeypatch, ROWS, cache)
    assert collection.judgments() == {"0": {}, "1": {}, "2": {}}
    assert [query.id for query in collection.queries()] == ["0", "1", "2"]
    assert collection.inspection.documents == 3
    other = judged_by_answers(tmp_path, monkeypatch, [*ROWS[:2], (ROWS[2][0], ["other"])], cache)
    differing = {name for name, value in collection.protocol.items() if other.protocol[name] != value}
    assert differing == {"judgments"}
    judged = open_judged("dpr-w100/natural-questions/test")
    assert judged.inspection.judgments_sha256 == other.inspection.judgments_sha256


def test_how_answers_are_matched_is_protocol_where_it_is_unusual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Cache
) -> None:
    """CuratedTREC's are regular expressions, and its protocol says so; others say nothing."""
    assert "answers" not in judged_by_answers(tmp_path, monkeypatch, ROWS, cache).protocol
    (tmp_path / "data/odqa/curatedtrec-test.qa.csv.gz").write_bytes(gzip.compress(json_lines(ROWS)))
    assert open_collection("dpr-w100/curatedtrec/test", cache).protocol["answers"] == "regex"


NAMES = {
    "natural-questions": 3610,
    "trivia-qa": 11313,
    "webquestions": 2032,
    "curatedtrec": 694,
    "squad": 10570,
}


@pytest.mark.parametrize("name", NAMES)
def test_the_table_knows_the_five(name: str) -> None:
    """Each has a declared file, DPR's measures and host, and says what is missing where nothing is there."""
    id = f"dpr-w100/{name}/test"
    conventions = conventions_of(id)
    assert sorted(conventions.measures) == [f"AnswerRecall@{k}" for k in (1, 100, 20, 5)]
    file = DeclaredFile(**dict(conventions.questions))
    assert file.url.startswith(f"https://{conventions.host}/dpr/data/retriever/")
    assert (conventions.documents, conventions.rung, conventions.quoted) == ("dpr-w100", "paper", True)
    check_name(id)


def test_missing_questions_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The passages first, then the file of questions."""
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    assert missing("dpr-w100/squad/test") == "not on disk; downloads from dl.fbaipublicfiles.com"
    (tmp_path / "dpr-w100").mkdir()
    (tmp_path / "dpr-w100/docs.tsv.gz").touch()
    assert "squad1-test.qa.csv" in missing("dpr-w100/squad/test")
    assert missing("dpr-w100/natural-questions/dev") == ""


@pytest.mark.parametrize(("name", "count"), NAMES.items())
def test_the_real_files_are_whole(name: str, count: int) -> None:
    """Every row of the five test files is a question with answers."""
    file = DeclaredFile(**dict(conventions_of(f"dpr-w100/{name}/test").questions))
    if not data_folder() or not file.on_disk():
        pytest.skip(f"RETRIEVER_BENCH_DATA has no {file.local}")
    made = QuestionSource("dpr-w100", file)
    problems: list[Problem] = []
    assert len(list(made.queries(problems.append))) == len(made.answers()) == count
    assert not problems


PASSAGES = [
    ("1", 'Ann "Annie" Lee was a writer of the town of Lakeside', "Lee, Ann"),
    ("2", "The lake is 40 feet deep", 'The "Lake"'),
    ("3", "Nothing is said of depth here", "Lakeside"),
]
ASKED = [
    ("who was Annie the writer", ['"Annie" Lee']),
    ("how deep is the lake", ["40 feet", "12 m"]),
    ("where is depth", ["40 feet"]),
]


def test_the_whole_way_from_the_official_layouts(tmp_path: Path) -> None:
    """Passages and questions as DPR has them on disk, BM25 over them, answers found, and all of it verified again."""
    docs = io.StringIO()
    csv.writer(docs, delimiter="\t", lineterminator="\n").writerows([("id", "text", "title"), *PASSAGES])
    home, data = tmp_path / "home/dpr-w100", tmp_path / "data/odqa"
    home.mkdir(parents=True)
    data.mkdir(parents=True)
    (home / "docs.tsv.gz").write_bytes(gzip.compress(docs.getvalue().encode()))
    (data / "nq-test.qa.csv.gz").write_bytes(gzip.compress(tabs(ASKED)))
    own = {**os.environ, "IR_DATASETS_HOME": str(home.parent), "RETRIEVER_BENCH_DATA": str(data.parent)}

    def bench(*arguments: str) -> str:
        places = ["--results", str(tmp_path / "results"), "--reports", str(tmp_path / "reports")]
        command = [sys.executable, "-m", "benchmarks", *arguments, *places]
        return subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout

    id = "dpr-w100/natural-questions/test"
    bench("run", "--variant", "bm25:flat", "--collection", id, "--no-efficiency", "--quiet")
    record = next((tmp_path / "results/records/bm25.flat").glob("*.json"))
    scores = json.loads(record.read_text("utf-8"))["scores"]
    # The quotation marks of the CSV are gone: `"Annie" Lee` is four tokens, one after the other.
    assert scores["AnswerRecall@1"] == {"0": 1.0, "1": 1.0, "2": 0.0}
    assert "16 numbers of 1 of 1 records recomputed; 0 problems" in bench("verify", "--strict")
