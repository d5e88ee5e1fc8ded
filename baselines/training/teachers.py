"""Teachers: what scores given documents, and is believed."""

from __future__ import annotations

from benchmarks.collections.collection import open_collection
from benchmarks.errors import UsageError
from benchmarks.interfaces import Scorer, Setting
from benchmarks.retrieval.resolve import open_indexes, resolve_part
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache


def teacher(spec: str, corpus: str, cache: Cache) -> Scorer:
    """What scores the documents of `corpus`, ready to. Raises `UsageError` for what only searches."""
    collection = open_collection(corpus, cache)
    found = resolve_part(parse(spec), Setting(collection.conventions.language, collection=corpus))
    if not isinstance(found, Scorer):
        raise UsageError(f"{spec} cannot teach: it finds documents and scores none that are given")
    open_indexes(found, collection, cache)
    return found
