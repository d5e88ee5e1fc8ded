"""Asking for all that a searcher needs before it can search, and what it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.generation.answering import Generating
from benchmarks.generation.prompts import Prompt
from benchmarks.interfaces import Query
from benchmarks.progress import Progress
from benchmarks.retrieval.parts import parts_of


def ask(searcher: object, queries: Sequence[Query], progress: Progress) -> dict[str, Any]:
    """Get every answer that `searcher` needs for `queries`.

    Gives what they took; of several rounds, a list under `parts`; nothing where no model is asked. The searcher's indexes
    are open. Raises `Unavailable` where some cannot be had.
    """
    took = []
    for part in generating(searcher):
        prompts = part.prompts(queries)
        part.generations.ask(prompts, part.samples, progress)
        took.append(part.generations.spent(prompts, part.samples))
    return {"parts": took} if len(took) > 1 else next(iter(took), {})


def missing(searcher: object, queries: Sequence[Query]) -> list[tuple[Generating, Prompt, int]]:
    """The prompts without an answer, as far as they can be written: a second round's want the first's answers."""
    found = []
    for part in generating(searcher):
        lacking = part.generations.missing(part.prompts(queries), part.samples)
        found += [(part, prompt, sample) for prompt, sample in lacking]
        if lacking:
            break
    return found


def generating(searcher: object) -> Iterator[Generating]:
    """Everything in a searcher that asks a model, parts first."""
    return (part for part in parts_of(searcher) if isinstance(part, Generating))
