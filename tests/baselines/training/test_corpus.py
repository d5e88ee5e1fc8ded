"""A corpus as tokens on disk: no passage crosses a section, no sentence is lost, links lead where they should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselines.training.articles import SCHOOLS, Article, articles, identity
from baselines.training.corpus import open_corpus, packed
from baselines.training.wordpiece import SPECIAL, word_piece
from benchmarks.errors import EvaluationError, MalformedInput, MissingData
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET, Made, article, files, schools, tokenizer

THREE = [
    article(0, [[2, 3], [1]], links=[1, 2, 0, 9]),
    article(1, [[], [4]], links=[0, 0]),
    article(2, [[1], [2], [7]], links=[]),
]
"""Article 0 links to itself and to one that is not there; 1 has an empty lead and one link twice."""


def sentences(read: list[Article]) -> list[str]:
    """The first word of every sentence, in order."""
    texts = [text for one in read for section in one.sections for text in section]
    return [part.split()[0].lower() for text in texts for part in text.split(".") if part.strip()]


def test_the_articles_of_a_file_are_read_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids, titles, sections and links."""
    schools(tmp_path, THREE, monkeypatch)
    assert list(articles(SCHOOLS)) == THREE


def test_passages_are_whole_sentences_of_one_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as fit; paragraphs may share a passage, sections and articles never do."""
    made = Made(tmp_path, THREE, monkeypatch, longest=12)
    found = made.passages
    assert [[place[0] for place in passage] for passage in found] == [
        [0] * 3, [0] * 2, [0], [1] * 3, [1], [2], [2] * 2, [2] * 3, [2] * 3, [2],
    ]  # fmt: skip
    assert all(len({place[:2] for place in passage}) == 1 for passage in found)
    assert made.corpus.leads.tolist() == [2, 0, 1]
    assert [made.words(made.corpus.title(n)) for n in range(3)] == ["title0", "title1", "title2"]
    owners = [made.corpus.article_of(n) for n in range(len(found))]
    assert owners == [passage[0][0] for passage in found]
    whole = [made.places(made.corpus.text(n).tolist()) for n in range(3)]
    assert whole == [[p for passage in found for p in passage if p[0] == n] for n in range(3)]
    third = [made.places(sentence) for sentence in made.corpus.sentences_of(3)]
    assert third == [[(1, 1, 0, 0)], [(1, 1, 0, 1)], [(1, 1, 0, 2)]]


def test_links_lead_to_articles_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each, by their number; not to the article itself."""
    made = Made(tmp_path, THREE, monkeypatch).corpus
    linked = [made.linked[first:last].tolist() for first, last in pairwise(made.links)]
    assert linked == [[1, 2], [0], []]


def test_an_article_without_a_sentence_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are links to it; numbers are those of what is left."""
    read = [article(0, [[], [0]], links=[1]), article(1, [[1]], links=[0]), article(2, [[2]], links=[1])]
    made = Made(tmp_path, read, monkeypatch)
    assert [passage[0][0] for passage in made.passages] == [1, 2]
    assert made.corpus.linked.tolist() == [0]


def test_a_corpus_without_a_sentence_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time that it is opened."""
    for _ in range(2):
        with pytest.raises(EvaluationError, match="no article with a sentence"):
            Made(tmp_path, [article(0, [[]])], monkeypatch)


def test_a_corpus_without_links_can_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is linked."""
    assert not len(Made(tmp_path, [article(0, [[2]])], monkeypatch).corpus.linked)


def test_only_a_sentence_longer_than_a_passage_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a passage of its own, cut at its length."""
    read = [article(0, [[1]], length=9), article(1, [[2]], length=5)]
    made = Made(tmp_path, read, monkeypatch, longest=6)
    lengths = [len(made.corpus.passage(n)) for n in range(3)]
    assert lengths == [6, 5, 5]


SHAPES = st.lists(st.lists(st.lists(st.integers(0, 4), max_size=3), max_size=3), min_size=1, max_size=70)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(shapes=SHAPES, longest=st.integers(4, 30))
def test_no_sentence_is_lost(
    shapes: list[list[list[int]]], longest: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """All sentences, once each and in order, whatever the articles; passages cross nothing and are no longer than asked."""
    read = [article(number, sections) for number, sections in enumerate(shapes)]
    with pytest.MonkeyPatch.context() as patch:
        if not sentences(read):
            return
        made = Made(tmp_path_factory.mktemp("made"), read, patch, longest=longest)
        found = made.passages
        flat = ["a{}s{}p{}n{}".format(*place) for passage in found for place in passage]
        assert flat == sentences(read)
        assert all(len({place[:2] for place in passage}) == 1 for passage in found)
        assert all(len(made.corpus.passage(n)) <= longest for n in range(len(found)))


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=8), max_size=30), st.integers(8, 20))
def test_passages_are_as_full_as_can_be(some: list[list[int]], longest: int) -> None:
    """The first sentence of each would not have fitted into the one before."""
    found = list(packed(some, longest))
    assert [sentence for passage in found for sentence in passage] == some
    for before, after in pairwise(found):
        assert sum(map(len, before)) <= longest < sum(map(len, before)) + len(after[0])


PIECES = """
import hashlib, sys
from pathlib import Path
from baselines.training.wordpiece import word_piece
from benchmarks.storage.cache import Cache
pieces = word_piece("synthetic/60", 300, Cache(Path(sys.argv[1]))).get_vocab()
print(hashlib.sha256(str(sorted(pieces.items())).encode()).hexdigest())
"""


def test_equal_texts_give_equal_pieces(tmp_path: Path) -> None:
    """In processes whose hash maps have another order."""
    seen = [
        subprocess.run(
            [sys.executable, "-c", PIECES, str(tmp_path / seed)], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert seen[0] == seen[1] != ""


def test_pieces_are_those_of_a_lower_casing_bert(cache: Cache) -> None:
    """Special ones first, no more than asked, no text of the corpus unknown; kept for the next time."""
    learnt = word_piece("synthetic/60", 300, cache)
    pieces = learnt.get_vocab()
    assert [piece for piece, number in sorted(pieces.items(), key=lambda item: item[1])][:5] == list(SPECIAL)
    assert len(pieces) <= 300
    assert learnt("PAPER Paper").input_ids == learnt("paper paper").input_ids
    for one in articles("synthetic/60"):
        for text in (one.title, *(text for section in one.sections for text in section)):
            assert learnt.unk_token_id not in learnt(text).input_ids
    assert word_piece("synthetic/60", 300, cache).get_vocab() == pieces


BUILD = """
import sys, time
from pathlib import Path
import baselines.training.corpus as module
from baselines.training.wordpiece import word_piece
from benchmarks.progress import Progress
from benchmarks.storage.cache import Cache
cache = Cache(Path(sys.argv[1]))
tokenizer = word_piece("synthetic/60", 300, cache)
module._TOGETHER = 1
placed = module._placed
def slowly(*arguments):
    time.sleep(float(sys.argv[2]))
    return placed(*arguments)
module._placed = slowly
print("begins", flush=True)
module.open_corpus("synthetic/60", tokenizer, 20, cache, Progress(True))
"""


def test_a_killed_build_leaves_nothing_half(tmp_path: Path) -> None:
    """Killed while it writes, the corpus of the next command is that of one never killed, byte for byte."""

    def build(folder: str, pause: float) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-c", BUILD, str(tmp_path / folder), str(pause)]
        return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)

    assert build("calm", 0).wait(60) == 0
    for pause in (0.1, 0.3):
        process = build("killed", pause)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.4)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        (folder,) = (tmp_path / "killed" / "trained").glob("corpus-*")
        assert not (folder / "manifest.json").exists()
    assert build("killed", 0).wait(60) == 0
    calm, killed = (next((tmp_path / name / "trained").glob("corpus-*")) for name in ("calm", "killed"))
    left = {name: content for name, content in files(killed).items() if not name.endswith(".tmp")}
    assert {n: c for n, c in left.items() if n != "manifest.json"} == {
        n: c for n, c in files(calm).items() if n != "manifest.json"
    }


def test_other_pieces_or_lengths_are_another_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies on disk is never read with a tokenizer, or at a length, that it was not made for."""
    schools(tmp_path, THREE, monkeypatch)
    cache, two = Cache(tmp_path / "cache"), [tokenizer(THREE), tokenizer(THREE[::-1])]
    for pieces, longest in ((two[0], 12), (two[1], 12), (two[0], 8)):
        open_corpus(SCHOOLS, pieces, longest, cache, QUIET)
    assert len(list((cache.root / "trained").glob("corpus-*"))) == 3


def test_what_is_not_here_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file, the variable that names its folder, and what can be read instead."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    for ask in (lambda: list(articles(SCHOOLS)), lambda: identity(SCHOOLS)):
        with pytest.raises(
            MissingData, match=r"set RETRIEVER_BENCH_DATA .* or train a variant of the profile synthetic"
        ):
            ask()
    for wrong in (lambda: list(articles("wikipedia")), lambda: identity("wikipedia")):
        with pytest.raises(
            MissingData, match="no corpus 'wikipedia' is read here; there are wikipedia-schools, "
        ):
            wrong()


def test_a_line_that_is_no_article_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its number and its file."""
    import lzma

    schools(tmp_path, THREE, monkeypatch)
    path = tmp_path / "wikipedia-schools" / "articles.jsonl.xz"
    path.write_bytes(lzma.compress(lzma.decompress(path.read_bytes()) + b'{"id": "x"}\n'))
    with pytest.raises(MalformedInput, match=r"articles\.jsonl\.xz, line 4: not an article"):
        list(articles(SCHOOLS))
