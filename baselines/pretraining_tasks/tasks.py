"""The three pre-training tasks (Chang et al. 2020, section 3): a query and a passage that belong together.

    ICT   a sentence of a passage, against the passage without it
    BFS   a sentence of an article's lead section, against another passage of the same article
    WLP   a sentence of an article's lead section, against a passage of an article that links to it

Passages are drawn uniformly, or links; `frequency` says how often a passage is drawn, which the sampled softmax
needs to be unbiased.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from baselines.training.corpus import Corpus
from benchmarks.errors import MissingData, UnknownName

Frequencies = NDArray[np.float64]
_NEEDS = {
    "ict": "it needs passages of two sentences",
    "bfs": "it needs articles whose lead section is not all they are",
    "wlp": "it needs links between articles",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the passage it belongs to, as token ids. `number` is the passage's in the corpus."""

    query: list[int]
    passage: list[int]
    number: int


class Task(Protocol):
    """A way to draw pairs."""

    frequencies: Frequencies

    def draw(self, rng: np.random.Generator) -> Pair:
        """One pair."""


class InverseCloze:
    """ICT. With probability `removal` the sentence is taken out of its passage; else words may simply be matched."""

    def __init__(self, corpus: Corpus, removal: float) -> None:
        self._corpus, self._removal = corpus, removal
        # A passage of one sentence would have nothing left.
        self._passages = np.flatnonzero(np.diff(corpus.passages) > 1)
        self.frequencies = _spread(self._passages, len(corpus.passages) - 1)

    def draw(self, rng: np.random.Generator) -> Pair:
        """A random sentence of a random passage, and the rest of it."""
        number = int(rng.choice(self._passages))
        sentences = self._corpus.sentences_of(number)
        chosen = int(rng.integers(len(sentences)))
        removed = rng.random() < self._removal
        rest = [s for place, s in enumerate(sentences) if place != chosen or not removed]
        return Pair(sentences[chosen], _joined(rest), number)


class BodyFirst:
    """BFS. The passage may be of the lead section too, but not the one that the sentence is of."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        leads = corpus.leads
        ends = corpus.articles[:-1] + leads
        usable = np.ones(len(corpus.passages) - 1, dtype=bool)
        for article, (first, lead) in enumerate(zip(corpus.articles[:-1], leads, strict=True)):
            if lead == 0:
                usable[first : corpus.articles[article + 1]] = False
            elif lead == 1:
                usable[first : ends[article]] = False
        self._passages = np.flatnonzero(usable)
        self.frequencies = _spread(self._passages, len(usable))

    def draw(self, rng: np.random.Generator) -> Pair:
        """A random passage, and a random sentence of its article's lead section."""
        number = int(rng.choice(self._passages))
        query = lead_sentence(self._corpus, self._corpus.article_of(number), rng, besides=number)
        return Pair(query, self._corpus.passage(number), number)


class WikiLinks:
    """WLP. A random link; where in the linking article it stands is not asked."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        sources = np.repeat(np.arange(len(corpus.articles) - 1), np.diff(corpus.links))
        known = corpus.leads[corpus.linked] > 0
        self._sources, self._targets = sources[known], corpus.linked[known]
        sizes = np.diff(corpus.articles)
        share = np.bincount(self._sources, minlength=len(sizes)) / max(1, len(self._sources)) / sizes
        self.frequencies = np.repeat(share, sizes)

    def draw(self, rng: np.random.Generator) -> Pair:
        """A random passage of the linking article, and a random sentence of the linked one's lead section."""
        link = int(rng.integers(len(self._sources)))
        first, last = self._corpus.articles[self._sources[link] : self._sources[link] + 2]
        number = int(rng.integers(first, last))
        return Pair(
            lead_sentence(self._corpus, int(self._targets[link]), rng), self._corpus.passage(number), number
        )


def lead_sentence(corpus: Corpus, article: int, rng: np.random.Generator, besides: int = -1) -> list[int]:
    """A random sentence of an article's lead section that is not of passage `besides`."""
    first = int(corpus.articles[article])
    lead = range(first, first + int(corpus.leads[article]))
    numbers = [
        n for passage in lead if passage != besides for n in range(*corpus.passages[passage : passage + 2])
    ]
    return corpus.sentence(int(rng.choice(numbers)))


def task(name: str, corpus: Corpus, removal: float) -> Task:
    """A task by its name in the paper, in lower case. Raises `UnknownName`, and `MissingData` where it finds no pair."""
    tasks: dict[str, Callable[[], Task]] = {
        "ict": lambda: InverseCloze(corpus, removal),
        "bfs": lambda: BodyFirst(corpus),
        "wlp": lambda: WikiLinks(corpus),
    }
    if name not in tasks:
        raise UnknownName("pre-training task", name, tasks)
    found = tasks[name]()
    if not found.frequencies.any():
        raise MissingData(f"{name} finds no pair in this corpus: {_NEEDS[name]}; take another corpus or task")
    return found


def mixed(tasks: Sequence[Task]) -> Frequencies:
    """How often each passage is drawn where every task is as likely as another."""
    total: Frequencies = np.mean([one.frequencies for one in tasks], axis=0)
    return total


def _spread(passages: NDArray[np.int64], total: int) -> Frequencies:
    frequencies = np.zeros(total)
    frequencies[passages] = 1 / max(1, len(passages))
    return frequencies


def _joined(sentences: Sequence[list[int]]) -> list[int]:
    return [token for sentence in sentences for token in sentence]
