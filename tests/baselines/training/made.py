"""Articles made by hand, whose every sentence says in its first word where it stands; and recipes of a moment."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from baselines.training import starts
from baselines.training.articles import SCHOOLS, Article
from baselines.training.corpus import Corpus, open_corpus
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials, Training
from benchmarks.progress import Progress
from benchmarks.storage.cache import Cache
from tests.baselines.layouts import SPECIAL

QUIET = Progress(True)
TINY = Recipe(
    start="scratch:tiny", corpus="synthetic/60", batch=8, steps=4, query_tokens=24, document_tokens=48,
    learning_rate=1e-3,
)  # fmt: skip
"""A BERT of one layer on a corpus of a few articles."""
TWO_TOWERS = {
    "dimension": 8,
    "shared": False,
    "pooling": "mean",
    "normalised": False,
    "temperature": 1.0,
    "removal": 1.0,
    "tasks": ["ict", "bfs", "wlp"],
}
_PLACE = re.compile(r"a(\d+)s(\d+)p(\d+)n(\d+)")


def article(
    number: int, sections: Sequence[Sequence[int]], links: Sequence[int] = (), length: int = 4
) -> Article:
    """Article `number`; `sections` has for each paragraph how many sentences of `length` tokens it holds."""
    texts = tuple(
        tuple(
            " ".join(_sentence(f"A{number}s{section}p{place}n{n}", length) for n in range(count))
            for place, count in enumerate(paragraphs)
        )
        for section, paragraphs in enumerate(sections)
    )
    return Article(f"article{number}", f"title{number}", texts, tuple(f"article{link}" for link in links))


def _sentence(first: str, length: int) -> str:
    return " ".join([first, *["word"] * (length - 2)]) + "."


def tokenizer(read: Sequence[Article]) -> Any:
    """A piece for each word of the articles."""
    from transformers import BertTokenizer

    texts = [text for one in read for section in one.sections for text in [*section, one.title]]
    words = dict.fromkeys(re.findall(r"\w+", " ".join([*texts, *(one.title for one in read)]).lower()))
    return BertTokenizer(vocab={piece: number for number, piece in enumerate([*SPECIAL, ".", *words])})


def schools(folder: Path, read: Sequence[Article], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the articles the corpus `wikipedia-schools`."""
    path = folder / "wikipedia-schools" / "articles.jsonl.xz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(path, "wt", encoding="utf-8") as file:
        for one in read:
            sections = [{"heading": "", "paragraphs": list(section)} for section in one.sections]
            entry = {"id": one.id, "title": one.title, "sections": sections, "links": list(one.links)}
            file.write(json.dumps(entry) + "\n")
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(folder))


class Made:
    """A corpus of articles made by hand, in passages of at most `longest` tokens, and the words of its tokens."""

    def __init__(
        self, folder: Path, read: Sequence[Article], monkeypatch: pytest.MonkeyPatch, longest: int = 12
    ) -> None:
        schools(folder, read, monkeypatch)
        self.tokenizer = tokenizer(read)
        self.corpus: Corpus = open_corpus(SCHOOLS, self.tokenizer, longest, Cache(folder / "cache"), QUIET)

    def words(self, ids: Sequence[int]) -> str:
        """The text of tokens."""
        return str(self.tokenizer.decode(ids))

    def places(self, ids: Sequence[int]) -> list[tuple[int, ...]]:
        """Where the sentences of a text stand: article, section, paragraph, sentence."""
        return [tuple(map(int, found)) for found in _PLACE.findall(self.words(ids))]

    @property
    def passages(self) -> list[list[tuple[int, ...]]]:
        """Where the sentences of each passage stand."""
        return [self.places(self.corpus.passage(n)) for n in range(len(self.corpus.passages) - 1)]


def materials(recipe: Recipe, cache: Cache, seed: int = 0, **objective: Any) -> Materials:
    """What a recipe from scratch is made from, with more of the objective's keys."""
    changed = replace(recipe, objective={**recipe.objective, **objective})
    start = starts.drawn(changed, seed, cache)
    assert start is not None
    return Materials(changed, seed, start, cache, QUIET)


def training(recipe: Recipe, name: str = "lab_bert:made") -> Training:
    """A training of masked words by that recipe."""
    from baselines.training.mlm import MaskedLM

    return Training(name, replace(recipe, objective={"mask": 0.15, **recipe.objective}), MaskedLM)


def files(folder: Path) -> Mapping[str, bytes]:
    """All files below a folder, by their path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_frequencies(drawn: Sequence[int], expected: NDArray[np.float64]) -> None:
    """Draws follow the frequencies: Pearson's statistic is below the 0.1 % point of its distribution.

    With a fixed seed this holds or does not; a wrong frequency passes in one case of a thousand at most.
    """
    from scipy.stats import chi2

    counts = np.bincount(drawn, minlength=len(expected))
    assert counts[expected == 0].sum() == 0
    wanted = expected[expected > 0] * len(drawn)
    assert wanted.min() >= 5, "too few draws to tell"
    statistic = float(((counts[expected > 0] - wanted) ** 2 / wanted).sum())
    assert statistic < chi2.ppf(0.999, max(1, len(wanted) - 1))
