"""Reads `conventions.toml`: how each collection is measured, and its quirks."""

from __future__ import annotations

import functools
import os
import tomllib
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("conventions.toml")


@dataclass(frozen=True)
class Conventions:
    """What the table says of one collection."""

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
    note: str = ""


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))


def conventions_of(collection: str) -> Conventions:
    """The conventions of a collection, by its id."""
    merged: dict[str, Any] = {}
    for entry in _table()["collection"]:
        if fnmatchcase(collection, entry["match"]):
            merged.update(entry)
    for name in ("folder", "questions"):
        if name in merged:
            merged[name] = tuple(sorted(merged[name].items()))
    known = {field.name for field in fields(Conventions)}
    values: dict[str, Any] = {name: value for name, value in merged.items() if name in known}
    return Conventions(**{**values, "measures": tuple(values["measures"])})


def means() -> dict[str, tuple[str, ...]]:
    """Collections that stand for the mean of others: id to members."""
    return {entry["id"]: tuple(entry["members"]) for entry in _table()["mean"]}


def datasets_home() -> Path:
    """Where ir-datasets keeps its files, without importing it."""
    return Path(os.environ.get("IR_DATASETS_HOME", Path.home() / ".ir_datasets"))


def data_folder() -> Path | None:
    """The folder of `RETRIEVER_BENCH_DATA`, or nothing."""
    configured = os.environ.get("RETRIEVER_BENCH_DATA")
    return Path(configured) if configured else None


def missing(collection: str) -> str:
    """What of a collection is not on this disk, in a few words; nothing when all is."""
    conventions = conventions_of(collection)
    if conventions.folder:
        root = data_folder()
        corpus = dict(conventions.folder)["corpus"]
        if root is None:
            return f"not on disk; set RETRIEVER_BENCH_DATA to the folder that holds {corpus}"
        return "" if (root / corpus).exists() else f"not on disk; {root} has no {corpus}"
    if conventions.needs and not (datasets_home() / conventions.needs).exists():
        return f"not on disk; downloads from {conventions.host}"
    if conventions.questions:
        from benchmarks.collections.remote import DeclaredFile

        return DeclaredFile(**dict(conventions.questions)).missing()
    if collection.startswith("folder:"):
        path = Path(collection.removeprefix("folder:").partition("#")[0]).expanduser()
        return (
            ""
            if (path / "corpus.jsonl").exists() or (path / "corpus.jsonl.gz").exists()
            else f"no corpus.jsonl in {path}"
        )
    return ""
