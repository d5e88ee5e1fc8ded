"""Reads `conventions.toml`: how each collection is measured, and its quirks."""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.collections.thinned import whole_of

if TYPE_CHECKING:
    from benchmarks.collections.remote import DeclaredFile

_TABLE = Path(__file__).with_name("conventions.toml")
_MAPPINGS = ("folder", "candidates", "questions")


@dataclass(frozen=True)
class Conventions:
    """What the table says of one collection."""

    kind: str = "retrieval"
    measures: tuple[str, ...] = ()
    rung: str = "paper"
    language: str = "en"
    drop_self: bool = False
    needs: str = ""
    host: str = ""
    folder: tuple[tuple[str, str], ...] = ()
    documents: str = ""
    questions: tuple[tuple[str, str], ...] = ()
    answers: str = "tokens"
    quoted: bool = False
    source: str = ""
    obtain: str = ""
    candidates: tuple[tuple[str, str], ...] = ()
    words: int = 0
    note: str = ""


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))


def conventions_of(collection: str) -> Conventions:
    """The conventions of a collection, by its id. One with fewer distractors has those of the whole, but no candidates."""
    whole, share = whole_of(collection)
    found = _conventions_of(whole)
    return found if share is None else replace(found, rung=_thinned(found.rung), candidates=())


def _thinned(rung: str) -> str:
    """No paper prints numbers of what is left of a collection here."""
    return "lab" if rung == "paper" else rung


def _conventions_of(collection: str) -> Conventions:
    merged: dict[str, Any] = {}
    for entry in _table()["collection"]:
        if any(fnmatchcase(collection, pattern) for pattern in _patterns(entry)):
            merged.update(entry)
    parts = collection.split("/")
    for name in _MAPPINGS:
        merged[name] = tuple((key, path.format(*parts)) for key, path in sorted(merged.get(name, {}).items()))
    for name in ("language", "needs"):
        merged[name] = merged.get(name, "").format(*parts)
    known = {field.name for field in fields(Conventions)}
    values: dict[str, Any] = {name: value for name, value in merged.items() if name in known}
    return Conventions(**{**values, "measures": tuple(values["measures"])})


def _patterns(entry: Mapping[str, Any]) -> list[str]:
    match = entry["match"]
    return [match] if isinstance(match, str) else match


def declared() -> frozenset[str]:
    """The ids that ir-datasets does not know and the table names in full."""
    return frozenset(
        pattern
        for entry in _table()["collection"]
        if {"folder", "source", "obtain", "questions"} & entry.keys()
        for pattern in _patterns(entry)
    )


def means() -> dict[str, tuple[str, ...]]:
    """Collections that stand for the mean of others: id to members."""
    return {entry["id"]: tuple(entry["members"]) for entry in _table()["mean"]}


def with_candidates(name: str) -> list[str]:
    """The collections whose candidates of this name the table declares."""
    return [
        pattern
        for entry in _table()["collection"]
        if name in entry.get("candidates", ())
        for pattern in _patterns(entry)
    ]


def datasets_home() -> Path:
    """Where ir-datasets keeps its files, without importing it."""
    return Path(os.environ.get("IR_DATASETS_HOME", Path.home() / ".ir_datasets"))


def data_folder() -> Path | None:
    """The folder of `RETRIEVER_BENCH_DATA`, or nothing."""
    configured = os.environ.get("RETRIEVER_BENCH_DATA")
    return Path(configured) if configured else None


def missing(collection: str) -> str:
    """What of a collection is not on this disk, in a few words; nothing when all is."""
    collection, _ = whole_of(collection)
    conventions = conventions_of(collection)
    if conventions.folder:
        return _missing_in_data(conventions)
    if conventions.obtain:
        return conventions.obtain
    if conventions.needs and not (datasets_home() / conventions.needs).exists():
        return f"not on disk; downloads from {conventions.host}"
    if files := _declared_files(collection, conventions):
        return next((lacking for file in files if (lacking := file.missing())), "")
    return _missing_in_folder(collection) if collection.startswith("folder:") else ""


def _declared_files(collection: str, conventions: Conventions) -> Sequence[DeclaredFile]:
    """The files that a collection is read from, where they are declared in this project."""
    from benchmarks.collections.remote import DeclaredFile

    if conventions.questions:
        return [DeclaredFile(**dict(conventions.questions))]
    if conventions.source:
        from benchmarks.collections.reqa import FILES

        return FILES
    if conventions.kind != "retrieval":
        from benchmarks.collections.sentences import declared_files

        return declared_files(collection)
    return ()


def _missing_in_folder(collection: str) -> str:
    path = Path(collection.removeprefix("folder:").partition("#")[0]).expanduser()
    there = any((path / name).exists() for name in ("corpus.jsonl", "corpus.jsonl.gz"))
    return "" if there else f"no corpus.jsonl in {path}"


def _missing_in_data(conventions: Conventions) -> str:
    root, corpus = data_folder(), dict(conventions.folder)["corpus"]
    if root is not None and (root / corpus).exists():
        return ""
    if root is None:
        absent = f"not on disk; set RETRIEVER_BENCH_DATA to the folder that holds {corpus}"
    else:
        absent = f"not on disk; {root} has no {corpus}"
    return f"{conventions.obtain}; {absent}" if conventions.obtain else absent
