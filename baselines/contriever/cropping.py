"""Two views of one chunk of text, which belong together (Izacard et al. 2022, section 3.1).

    crops           two spans of the chunk, drawn independently: they may overlap
    inverse cloze   a span, against the chunk without it

A span's length is uniform between two shares of the chunk's. Either view may then lose some of its tokens, or
have them masked, or replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.encoders.tower import Tokens
from baselines.training.articles import parts
from baselines.training.corpus import Corpus, open_corpus
from baselines.training.devices import share
from baselines.training.towers import framed
from baselines.training.trained import Materials
from benchmarks.errors import UsageError

Ids = NDArray[np.int32]
Views = tuple[Ids, Ids]
"""What is encoded as a query, and what as its key, without special tokens."""
Shares = tuple[float, float]
"""The shortest and the longest span, as shares of a chunk."""


class Chunks:
    """`length` consecutive tokens of one article; all of it where it has no more.

    Corpora are drawn uniformly, articles in proportion to their tokens, where the chunk begins uniformly. An
    article of one token has no two parts, and is never drawn.
    """

    def __init__(self, corpora: Sequence[Corpus], length: int) -> None:
        self._corpora, self._length = corpora, length
        self._ends = [_ends(corpus) for corpus in corpora]

    def draw(self, rng: np.random.Generator) -> Ids:
        """One chunk."""
        chosen = int(rng.integers(len(self._corpora)))
        ends = self._ends[chosen]
        article = int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))
        text = self._corpora[chosen].text(article)
        start = int(rng.integers(max(0, len(text) - self._length) + 1))
        return np.asarray(text[start : start + self._length])


def _ends(corpus: Corpus) -> NDArray[np.int64]:
    sizes = np.diff(corpus.sentences[corpus.passages[corpus.articles]])
    ends: NDArray[np.int64] = np.cumsum(np.where(sizes > 1, sizes, 0))
    return ends


def span(length: int, shares: Shares, rng: np.random.Generator) -> slice:
    """A random span of `length` > 1 tokens: at least one of them, never all."""
    size = min(max(1, round(float(rng.uniform(*shares)) * length)), length - 1)
    start = int(rng.integers(length - size + 1))
    return slice(start, start + size)


def crops(chunk: Ids, shares: Shares, rng: np.random.Generator) -> Views:
    """Independent cropping: two spans, each drawn as if the other were not."""
    first, second = (span(len(chunk), shares, rng) for _ in range(2))
    return chunk[first], chunk[second]


def inverse_cloze(chunk: Ids, shares: Shares, rng: np.random.Generator) -> Views:
    """The inverse cloze task: a span as the query, what stands before and after it as the key."""
    taken = span(len(chunk), shares, rng)
    return chunk[taken], np.concatenate([chunk[: taken.start], chunk[taken.stop :]])


VIEWS: dict[str, Callable[[Ids, Shares, np.random.Generator], Views]] = {
    "crops": crops,
    "inverse cloze": inverse_cloze,
}


def deleted(ids: Ids, rate: float, _tokenizer: Any, rng: np.random.Generator) -> Ids:
    """Without each token with probability `rate`; one is left where all would go."""
    kept = rng.random(len(ids)) >= rate
    kept[rng.integers(len(ids))] |= not kept.any()
    return ids[kept]


def masked(ids: Ids, rate: float, tokenizer: Any, rng: np.random.Generator) -> Ids:
    """With [MASK] for each token with probability `rate`."""
    return np.where(rng.random(len(ids)) < rate, tokenizer.mask_token_id, ids)


def replaced(ids: Ids, rate: float, tokenizer: Any, rng: np.random.Generator) -> Ids:
    """With a word piece drawn uniformly for each token with probability `rate`; never with a special one."""
    ordinary = np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)
    return np.where(rng.random(len(ids)) < rate, rng.choice(ordinary, size=len(ids)), ids)


AUGMENTATIONS: dict[str, Callable[[Ids, float, Any, np.random.Generator], Ids]] = {
    "none": lambda ids, *_: ids,
    "delete": deleted,
    "mask": masked,
    "replace": replaced,
}


class Pairs:
    """The pairs of each step. Takes `views`, `chunk` (tokens), `shares`, `augmentation` and its `rate`."""

    def __init__(self, materials: Materials, tokenizer: Any) -> None:
        self._recipe, self._seed, self._tokenizer = materials.recipe, materials.seed, tokenizer
        options = materials.recipe.objective
        self._shares: Shares = tuple(options["shares"])
        self._views = _chosen(VIEWS, options["views"], "views")
        self._augmented = _chosen(AUGMENTATIONS, options["augmentation"], "augmentation")
        corpora = [
            open_corpus(name, tokenizer, options["chunk"], materials.cache, materials.progress)
            for name in parts(materials.recipe.corpus)
        ]
        self._chunks = Chunks(corpora, options["chunk"])

    def drawn(self, step: int) -> list[Views]:
        """The views of all processes; they depend on the seed and the step alone."""
        rng = np.random.default_rng([self._seed, step])
        return [self._pair(rng) for _ in range(self._recipe.batch)]

    def _pair(self, rng: np.random.Generator) -> Views:
        rate, tokenizer = self._recipe.objective["rate"], self._tokenizer
        query, key = self._views(self._chunks.draw(rng), self._shares, rng)
        return self._augmented(query, rate, tokenizer, rng), self._augmented(key, rate, tokenizer, rng)

    def texts(self, step: int) -> tuple[list[Tokens], list[Tokens]]:
        """This process' share of the queries and keys of a step, between [CLS] and [SEP]."""
        longest = self._recipe.objective["chunk"] + 2
        queries, keys = zip(*share(self.drawn(step)), strict=True)
        return (
            [framed(self._tokenizer, longest, view.tolist()) for view in queries],
            [framed(self._tokenizer, longest, view.tolist()) for view in keys],
        )

    @property
    def longest(self) -> tuple[int, int]:
        """The most tokens of a query and of a key, special ones included."""
        chunk, (shortest, longest) = self._recipe.objective["chunk"], self._shares
        query = round(longest * chunk) + 2
        return query, query if self._views is crops else chunk - round(shortest * chunk) + 2


def _chosen(table: dict[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise UsageError(f"no {what} {name!r} in a recipe of contriever; known: {', '.join(table)}")
    return table[name]
