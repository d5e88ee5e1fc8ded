"""Sentence collections by id: the STS tasks, the SentEval tasks, and generated pairs."""

from __future__ import annotations

from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sentences import senteval, sts
from benchmarks.collections.sentences.sources import LabelSource, PairSource
from benchmarks.collections.sources import Source
from benchmarks.errors import UnknownName


def declared_files(id: str) -> tuple[DeclaredFile, ...]:
    """The files a sentence collection is read from, each once; none for a generated or an unknown one."""
    task = sts.TASKS.get(id) or senteval.TASKS.get(id)
    return tuple(dict.fromkeys(part.file for part in task.parts)) if task else ()


def check_sentences(id: str) -> None:
    """Raise `UnknownName` or `UsageError` for an id no sentence collection has."""
    if sts.generated(id) is None and not declared_files(id):
        raise UnknownName("sentence collection", id, {**sts.TASKS, **senteval.TASKS})


def open_sentences(id: str) -> Source:
    """The source of a sentence collection; its files are fetched. Raises `MissingData`."""
    if world := sts.generated(id):
        return PairSource(*world)
    if id in sts.TASKS:
        return PairSource(*sts.TASKS[id].open(id))
    return LabelSource(*senteval.TASKS[id].open(id))
