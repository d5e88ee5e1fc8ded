"""Articles to learn from: a title, sections of paragraphs, and links to other articles.

wikipedia-schools     Wikipedia for Schools 2007, from the folder of `RETRIEVER_BENCH_DATA`
synthetic/SIZE        the articles of the synthetic world
texts:COLLECTION      the documents of a collection; those that are parts of one text are one article again
A+B                   those of A, and then those of B
"""

from __future__ import annotations

import itertools
import json
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import Collection, open_collection
from benchmarks.collections.conventions import data_folder
from benchmarks.collections.synthetic.dataset import VERSION, world_of
from benchmarks.errors import MalformedInput, MissingData
from benchmarks.storage.atomic import sha256_of
from benchmarks.storage.cache import Cache

SCHOOLS = "wikipedia-schools"
_SCHOOLS_FILE = "wikipedia-schools/articles.jsonl.xz"
_SYNTHETIC = "synthetic/"
_TEXTS = "texts:"
_PART = re.compile(r"[-#]\d+$")
"""What ends the id of a document that is a part of a text: a sentence of XQuAD-R, a passage of MIRACL."""


@dataclass(frozen=True, slots=True)
class Article:
    """One article. The first section is its lead; `links` are ids of other articles."""

    id: str
    title: str
    sections: tuple[tuple[str, ...], ...]
    links: tuple[str, ...]


def articles(corpus: str) -> Iterator[Article]:
    """The articles of a corpus, streamed. Raises `MissingData`."""
    if len(several := parts(corpus)) > 1:
        return itertools.chain.from_iterable(map(articles, several))
    if corpus == SCHOOLS:
        return _schools(_schools_file())
    if corpus.startswith(_SYNTHETIC):
        return _synthetic(corpus.removeprefix(_SYNTHETIC))
    if corpus.startswith(_TEXTS):
        return _documents(_collection(corpus))
    raise _unread(corpus)


def parts(corpus: str) -> list[str]:
    """The names of the corpora that a corpus is made of: one, or those between plus signs."""
    return corpus.split("+")


def identity(corpus: str) -> dict[str, Any]:
    """What names the contents of a corpus. Raises `MissingData`."""
    if len(several := parts(corpus)) > 1:
        return {"corpora": [identity(part) for part in several]}
    if corpus.startswith(_SYNTHETIC):
        return {"corpus": corpus, "version": VERSION}
    if corpus == SCHOOLS:
        return {"corpus": corpus, "sha256": sha256_of(_schools_file())}
    if corpus.startswith(_TEXTS):
        return {"corpus": corpus, "documents": _collection(corpus).inspection.documents_sha256}
    raise _unread(corpus)


def _unread(corpus: str) -> MissingData:
    return MissingData(
        f"no corpus {corpus!r} is read here; there are {SCHOOLS}, {_SYNTHETIC}SIZE and {_TEXTS}COLLECTION"
    )


def _collection(corpus: str) -> Collection:
    return open_collection(corpus.removeprefix(_TEXTS), Cache.default())


def _documents(collection: Collection) -> Iterator[Article]:
    """Consecutive documents whose ids differ in a last number are the sections of one article."""
    for id, group in itertools.groupby(
        collection.documents(), key=lambda document: _PART.sub("", document.id)
    ):
        sections = list(group)
        yield Article(id, sections[0].title, tuple((section.text,) for section in sections), ())


def _schools_file() -> Path:
    root = data_folder()
    path = (root or Path()) / _SCHOOLS_FILE
    if root is None or not path.exists():
        raise MissingData(
            f"{SCHOOLS} is not on disk; set RETRIEVER_BENCH_DATA to the folder that holds {_SCHOOLS_FILE}, "
            "or train a variant of the profile synthetic, which needs no data"
        )
    return path


def _schools(path: Path) -> Iterator[Article]:
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                sections = tuple(tuple(section["paragraphs"]) for section in entry["sections"])
                yield Article(entry["id"], entry["title"], sections, tuple(entry["links"]))
            except (ValueError, LookupError, TypeError) as error:
                raise MalformedInput(f"{path}, line {number}: not an article ({error})") from None


def _synthetic(size: str) -> Iterator[Article]:
    passages = world_of(size).passages()
    for id, group in itertools.groupby(passages, key=lambda passage: _article_of(passage.id)):
        parts = list(group)
        links = dict.fromkeys(_article_of(link) for part in parts for link in part.links)
        sections = tuple((part.text,) for part in parts)
        yield Article(id, parts[0].title, sections, tuple(link for link in links if link != id))


def _article_of(document: str) -> str:
    return document.partition("-")[0]
