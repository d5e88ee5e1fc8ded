"""Sentence collections: pairs and labels as documents, queries and judgments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from benchmarks.collections import open_collection
from benchmarks.collections.collection import check_name, open_judged
from benchmarks.collections.conventions import conventions_of, means, missing
from benchmarks.collections.sentences import declared_files, senteval, sts
from benchmarks.errors import MalformedInput, MissingData, UnknownName
from benchmarks.storage.cache import Cache
from benchmarks.suites import suites

PAIRS = {
    "sts12": 3108, "sts13": 1500, "sts14": 3750, "sts15": 3000, "sts16": 1186,
    "sts-b/train": 5749, "sts-b/dev": 1500, "sts-b/test": 1379, "sts-b/all": 8628,
    "sick-r/train": 5000, "sick-r/test": 4927, "sick-r/all": 9927,
    "sts17/ar-ar": 250, "sts17/es-es": 250, "sts17/en-en": 250,
}  # fmt: skip
LABELS = {
    "senteval/MR": (10662, 10662, 2), "senteval/CR": (3775, 3775, 2), "senteval/SUBJ": (10000, 10000, 2),
    "senteval/MPQA": (10606, 10606, 2), "senteval/SST2": (67349 + 872, 1821, 2),
    "senteval/TREC": (5452, 500, 6), "senteval/MRPC": (4076, 1725, 2),
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes files below a data folder of the test's own."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path / "data"))

    def write(name: str, text: str) -> None:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    return write


@pytest.fixture
def track(data: Callable[[str, str], None]) -> Callable[[str, str], None]:
    """Writes the sentences and the gold similarities of `sts17/en-en`."""

    def write(texts: str, gold: str) -> None:
        data("sts/sts17/STS2017.eval.v1.1/STS.input.track5.en-en.txt", texts)
        data("sts/sts17/STS2017.gs/STS.gs.track5.en-en.txt", gold)

    return write


@pytest.mark.parametrize("id", PAIRS)
def test_every_pair_with_a_gold_similarity_is_there(
    id: str, needs: Callable[[str], str], cache: Cache
) -> None:
    """The counts everybody reports; all from 0 to 5; two sentences each; nothing unreadable."""
    collection = open_collection(needs(id), cache, strict=True)
    judged = collection.judgments()["all"]
    assert collection.inspection.documents == len(judged) == PAIRS[id]
    assert 0 <= min(judged.values()) < max(judged.values()) <= 5
    for document in collection.documents():
        first, second = document.text.split("\t")
        assert first
        assert second


@pytest.mark.parametrize("id", LABELS)
def test_every_labelled_sentence_is_there(id: str, needs: Callable[[str], str], cache: Cache) -> None:
    """The counts everybody reports: sentences to learn from, sentences to label, labels."""
    collection = open_collection(needs(id), cache)
    learnt, asked, labels = LABELS[id]
    found = collection.inspection
    assert (found.documents, found.queries, found.judgments, found.skipped) == (learnt, asked, asked, 0)
    right = {label for judged in collection.judgments().values() for label in judged}
    assert len(right) == labels
    assert {document.title for document in collection.documents()} == right


def test_pairs_nobody_judged_are_left_out(track: Callable[[str, str], None], cache: Cache) -> None:
    """An empty gold line; what stands behind the second sentence is its source, and no part of it."""
    track("a b\tc\n d e \tf g\tsource\nh\ti\n", "4.4\n3.25\n\n")
    collection = open_collection("sts17/en-en", cache)
    assert [document.text for document in collection.documents()] == ["a b\tc", "d e\tf g"]
    assert collection.judgments() == {"all": {"track5.en-en-1": 4.4, "track5.en-en-2": 3.25}}


def test_sentences_and_gold_must_have_the_same_lines(track: Callable[[str, str], None], cache: Cache) -> None:
    """Otherwise no similarity can be trusted to belong to its pair."""
    track("a\tb\n", "1\n2\n")
    with pytest.raises(MalformedInput, match=r"has 2 lines and STS\.input\.track5\.en-en\.txt 1"):
        open_collection("sts17/en-en", cache)


def test_a_line_that_cannot_be_read_is_counted(track: Callable[[str, str], None], cache: Cache) -> None:
    """Reported with its place and left out; with --strict a failure."""
    track("a\tb\nno second sentence\nc\td\n", "1\n2\n3\n")
    found = open_collection("sts17/en-en", cache).inspection
    assert (found.documents, found.skipped) == (2, 1)
    assert found.problems[0]["where"].endswith("STS.input.track5.en-en.txt, line 2")
    with pytest.raises(MalformedInput, match="line 2: not two sentences and a similarity"):
        open_collection("sts17/en-en", cache, strict=True)


def test_changed_files_are_another_collection(track: Callable[[str, str], None], cache: Cache) -> None:
    """Hashes cover the sentences and the similarities."""
    hashes = set()
    for texts, gold in (("a\tb\n", "1\n"), ("a\tc\n", "1\n"), ("a\tb\n", "2\n")):
        track(texts, gold)
        found = open_collection("sts17/en-en", cache).inspection
        hashes.add((found.documents_sha256, found.judgments_sha256))
    assert len(hashes) == 3


def test_empty_sentences_have_labels(data: Callable[[str, str], None], cache: Cache) -> None:
    """SentEval keeps them; they are told of."""
    data("senteval/CR/custrev.pos", "good . \n\nfine\n")
    data("senteval/CR/custrev.neg", "caf\xe9 \n")
    collection = open_collection("senteval/CR", cache)
    assert [query.id for query in collection.queries()] == [
        "all-neg-1",
        "all-pos-1",
        "all-pos-2",
        "all-pos-3",
    ]
    assert [document.text for document in collection.documents()][:3] == ["good .", "", "fine"]
    assert (collection.inspection.skipped, collection.inspection.doubtful) == (0, 1)


def test_the_validation_pairs_of_mrpc_are_training_pairs(
    data: Callable[[str, str], None], cache: Cache
) -> None:
    """SentEval knows train and test only; a byte order mark and carriage returns are no text."""
    head = "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
    for split in ("train", "val", "test"):
        data(f"sts/mrpc/msr-para-{split}.tsv", f"{head}1\t7\t8\tfirst {split}\tsecond\r\n")
    collection = open_collection("senteval/MRPC", cache)
    assert [(d.id, d.title, d.text) for d in collection.documents()] == [
        ("train-train-1", "1", "first train\tsecond"), ("train-val-1", "1", "first val\tsecond"),
    ]  # fmt: skip
    assert [query.text for query in collection.queries()] == ["first test\tsecond"]


def test_a_folder_without_the_file_is_one_line(data: Callable[[str, str], None], cache: Cache) -> None:
    """Half a local copy is named."""
    data("sts/sts17/readme.txt", "")
    with pytest.raises(MissingData, match=r"STS\.input\.track5\.en-en\.txt is missing; delete"):
        open_collection("sts17/en-en", cache)


def test_what_is_missing_names_the_file_and_the_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Cache
) -> None:
    """Nothing is asked of the network to say so; where nobody answers it is one line."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    assert "holds sts/sick, or it downloads from https://alt.qcri.org/" in missing("sick-r/all")
    monkeypatch.setattr("benchmarks.collections.reach.reachable", lambda host: False)
    for id in ("sick-r/all", "senteval/MR"):
        with pytest.raises(MissingData, match="which cannot be reached from here"):
            open_collection(id, cache)


def test_unknown_ids_suggest_near_ones() -> None:
    """A typing error in a task's name."""
    for wrong, right in (("senteval/MPR", "senteval/MR"), ("sts-b/tets", "sts-b/test")):
        with pytest.raises(UnknownName, match=f"did you mean .*{right}"):
            check_name(wrong)


def test_the_table_and_the_tasks_agree() -> None:
    """Every task has conventions of its kind, measures, and the host that its files come from."""
    for kind, tasks in (("pairs", sts.TASKS), ("labels", senteval.TASKS)):
        for id in tasks:
            conventions = conventions_of(id)
            assert conventions.kind == kind, id
            assert conventions.measures == (("Spearman", "Pearson") if kind == "pairs" else ("accuracy",))
            assert {urlsplit(file.url).hostname for file in declared_files(id)} == {conventions.host}, id
            assert all(file.licence for file in declared_files(id))
    for name in ("sts", "senteval"):
        assert set(means()[f"{name}/mean-of-7"]) <= set(suites()[name].collections)


def test_generated_pairs_need_no_data(monkeypatch: pytest.MonkeyPatch, cache: Cache) -> None:
    """Graded 0 to 5, the same each time, and the same when opened for its judgments alone."""
    monkeypatch.delenv("RETRIEVER_BENCH_DATA", raising=False)
    collection = open_collection("synthetic/tiny/pairs", cache, strict=True)
    assert missing("synthetic/tiny/pairs") == ""
    assert set(collection.judgments()["all"].values()) == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}
    judged = open_judged("synthetic/tiny/pairs")
    assert judged.inspection.judgments_sha256 == collection.inspection.judgments_sha256
    assert judged.inspection.queries_sha256 == collection.inspection.queries_sha256
