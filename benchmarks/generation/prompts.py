"""Prompts: a template of a name and a version, filled with texts that are cut and never read as anything but text."""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError

_TOKEN = re.compile(r"\w{1,20}|[^\w\s]")
"""A word, or twenty letters of a longer one, or a sign: a text of no spaces is no single token."""
_PLACE = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True)
class Template:
    """Words around texts: `{name}` stands for a text. A change of the words wants another `version`."""

    name: str
    version: int
    text: str

    def fill(self, texts: Mapping[str, str]) -> str:
        """The template with its texts, in one pass: braces in a text stay what they are.

        Raises `KeyError` for a place that no text is given for.
        """
        return _PLACE.sub(lambda place: texts[place[1]], self.text)

    def to_json(self) -> dict[str, object]:
        """Name, version and words."""
        return {"name": self.name, "version": self.version, "text": self.text}


def template_for(path: Path, collection: str, wording: str) -> Template:
    """The template of a collection from a TOML file of tables, the first of which that names the collection.

        [scientific]
        version = 1
        collections = ["beir/scifact/*", "beir/trec-covid"]
        WORDING = "Give a question ..."

    A table that names no collections takes all.
    """
    for name, table in _read(path).items():
        if any(fnmatchcase(collection, pattern) for pattern in table.get("collections", ["*"])):
            return Template(f"{path.parent.name}-{name}", table["version"], table[wording])
    raise UsageError(f"{path} has no template for {collection}")


@functools.cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


@dataclass(frozen=True)
class Prompt:
    """What is asked for one query. `candidates` are the ids of the documents it shows, `cut` whether the query was cut."""

    query: str
    text: str
    candidates: tuple[str, ...] = ()
    cut: bool = False

    @property
    def key(self) -> str:
        """The SHA-256 of its text: a changed prompt is another one."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


def shortened(text: str, tokens: int) -> str:
    """The first `tokens` words and signs of a text, as they stand there.

    Which tokens a paper counted is rarely said; words and signs need no vocabulary, and a model has somewhat more.
    """
    for number, found in enumerate(_TOKEN.finditer(text), start=1):
        if number == tokens:
            return text[: found.end()]
    return text
