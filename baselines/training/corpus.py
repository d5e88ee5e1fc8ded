"""A corpus as tokens on disk: sentences in passages, passages in articles, and the links between articles.

Everything is memory-mapped. Passages are whole sentences of one section, as many as fit, so that none crosses
a section; only a sentence longer than a passage is cut. What grows with the corpus while it is built are the
offsets, about ten bytes a sentence.

    tokens     int32[tokens]       the sentences one after the other, without special tokens
    sentences  int64[sentences+1]  where each begins in `tokens`
    passages   int64[passages+1]   where each begins in `sentences`
    articles   int64[articles+1]   where each begins in `passages`
    leads      int64[articles]     how many of an article's passages are its lead section's
    titles, title_tokens           the same for titles
    links, linked                  the articles that each article links to
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from baselines.training.articles import Article, articles, identity
from benchmarks.collections.punkt import sentence_spans
from benchmarks.errors import EvaluationError
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.storage.cache import Cache
from benchmarks.storage.manifest import Manifest

_VERSION = 1
_TOGETHER = 64
"""Articles tokenised in one call."""


@dataclass
class _Offsets:
    """What is known of an article once its tokens are written."""

    sentences: list[int] = field(default_factory=lambda: [0])
    passages: list[int] = field(default_factory=lambda: [0])
    articles: list[int] = field(default_factory=lambda: [0])
    leads: list[int] = field(default_factory=list)
    titles: list[int] = field(default_factory=lambda: [0])
    title_tokens: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    links: list[tuple[str, ...]] = field(default_factory=list)


class Corpus:
    """Random access to the passages of a corpus, as lists of token ids."""

    def __init__(self, folder: Path) -> None:
        self._manifest = Manifest(folder)
        self.tokens: NDArray[np.int32] = np.memmap(self._manifest.path("tokens.bin"), np.int32, "r")
        self.sentences = self._array("sentences")
        self.passages = self._array("passages")
        self.articles = self._array("articles")
        self.leads = self._array("leads")
        self._titles, self._title_tokens = self._array("titles"), self._array("title_tokens")
        self.links, self.linked = self._array("links"), self._array("linked")

    def _array(self, name: str) -> NDArray[Any]:
        return self._manifest.array(f"{name}.npy")

    def sentences_of(self, passage: int) -> list[list[int]]:
        """The sentences of a passage."""
        first, last = self.passages[passage : passage + 2]
        return [self.sentence(number) for number in range(first, last)]

    def sentence(self, number: int) -> list[int]:
        """One sentence."""
        return self._span(self.tokens, self.sentences, number, number + 1)

    def passage(self, number: int) -> list[int]:
        """One passage, whole."""
        first, last = self.passages[number : number + 2]
        return self._span(self.tokens, self.sentences, int(first), int(last))

    def title(self, article: int) -> list[int]:
        """The title of an article."""
        return self._span(self._title_tokens, self._titles, article, article + 1)

    def article_of(self, passage: int) -> int:
        """The article that a passage is of."""
        return int(np.searchsorted(self.articles, passage, side="right")) - 1

    def text(self, article: int) -> NDArray[np.int32]:
        """All tokens of an article, without its title."""
        first, last = (int(self.sentences[self.passages[self.articles[article + end]]]) for end in (0, 1))
        return self.tokens[first:last]

    @staticmethod
    def _span(tokens: NDArray[Any], starts: NDArray[Any], first: int, last: int) -> list[int]:
        found: list[int] = tokens[starts[first] : starts[last]].tolist()
        return found


def open_corpus(name: str, tokenizer: Any, passage_tokens: int, cache: Cache, progress: Progress) -> Corpus:
    """The corpus `name` in the pieces of `tokenizer`, in passages of at most `passage_tokens`; made once and kept.

    Raises `MissingData` where it is not here.
    """
    pieces = fingerprint(sorted(tokenizer.get_vocab().items()))
    made_of = {**identity(name), "pieces": pieces, "passage_tokens": passage_tokens, "version": _VERSION}
    folder = cache.root / "trained" / f"corpus-{fingerprint(made_of)}"
    with cache.locked(folder.name):
        manifest = Manifest(folder)
        if "linked.npy" not in manifest:
            progress.say(f"    reading {name} into tokens, once")
            _write(articles(name), tokenizer, passage_tokens, manifest)
    return Corpus(folder)


def _write(read: Iterable[Article], tokenizer: Any, longest: int, manifest: Manifest) -> None:
    offsets = _Offsets()

    def save(file: IO[bytes]) -> None:
        """Stream the tokens, and keep where they begin."""
        stream = iter(read)
        while group := list(itertools.islice(stream, _TOGETHER)):
            for article, sections, title in _tokenised(group, tokenizer):
                for sentence in _placed(article, sections, title, longest, offsets):
                    file.write(np.asarray(sentence, dtype=np.int32).tobytes())

    manifest.write("tokens.bin", save)
    if not offsets.ids:
        raise EvaluationError("the corpus has no article with a sentence in it")
    for name in ("sentences", "passages", "articles", "leads", "titles"):
        manifest.write_array(f"{name}.npy", np.asarray(getattr(offsets, name), dtype=np.int64))
    manifest.write_array("title_tokens.npy", np.asarray(offsets.title_tokens, dtype=np.int32))
    links, linked = _resolved(offsets)
    manifest.write_array("links.npy", links)
    # The last: its presence says that the corpus is whole.
    manifest.write_array("linked.npy", linked)


def _tokenised(
    group: Sequence[Article], tokenizer: Any
) -> Iterator[tuple[Article, list[list[list[int]]], list[int]]]:
    """Each article with the sentences of its sections, and its title, as token ids."""
    texts = [(place, number, sentence) for place, article in enumerate(group)
             for number, paragraphs in enumerate(article.sections)
             for paragraph in paragraphs for sentence in _split(paragraph)]  # fmt: skip
    columns = [text for _, _, text in texts] + [article.title for article in group]
    ids = tokenizer(columns, add_special_tokens=False)["input_ids"]
    sections: list[list[list[list[int]]]] = [[[] for _ in article.sections] for article in group]
    for (place, number, _), found in zip(texts, ids, strict=False):
        if found:
            sections[place][number].append(found)
    return zip(group, sections, ids[len(texts) :], strict=True)


def _split(paragraph: str) -> list[str]:
    return [paragraph[start:end] for start, end in sentence_spans(paragraph)]


def _placed(
    article: Article, sections: list[list[list[int]]], title: list[int], longest: int, offsets: _Offsets
) -> Iterator[list[int]]:
    """The sentences of an article, cut at `longest`, in the order they are written; tells `offsets` of them."""
    if not any(sections):
        return
    lead = 0
    for number, sentences in enumerate(sections):
        for passage in packed([sentence[:longest] for sentence in sentences], longest):
            for sentence in passage:
                offsets.sentences.append(offsets.sentences[-1] + len(sentence))
                yield sentence
            offsets.passages.append(offsets.passages[-1] + len(passage))
            lead += number == 0
    offsets.articles.append(len(offsets.passages) - 1)
    offsets.leads.append(lead)
    offsets.title_tokens += title
    offsets.titles.append(len(offsets.title_tokens))
    offsets.ids.append(article.id)
    offsets.links.append(article.links)


def packed(sentences: Sequence[list[int]], longest: int) -> Iterator[list[list[int]]]:
    """Consecutive sentences together, as many as have at most `longest` tokens."""
    passage: list[list[int]] = []
    size = 0
    for sentence in sentences:
        if passage and size + len(sentence) > longest:
            yield passage
            passage, size = [], 0
        passage.append(sentence)
        size += len(sentence)
    if passage:
        yield passage


def _resolved(offsets: _Offsets) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Links as article numbers; those to articles that are not there, or to the article itself, are left out."""
    number = {id: place for place, id in enumerate(offsets.ids)}
    found = [
        sorted({number[link] for link in links if link in number} - {place})
        for place, links in enumerate(offsets.links)
    ]
    starts = np.cumsum([0, *map(len, found)], dtype=np.int64)
    return starts, np.asarray(list(itertools.chain.from_iterable(found)), dtype=np.int32)
