"""What answers prompts, and what holds the answers: the two interfaces of generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from benchmarks.generation.prompts import Prompt
from benchmarks.interfaces import Query
from benchmarks.progress import Progress


@dataclass(frozen=True)
class Answered:
    """An answer as it came: its text, its tokens and seconds, and from where."""

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float
    source: str


class Answerer(Protocol):
    """A model that can be asked; from several threads at once where its generator has a `concurrency`."""

    def open(self) -> None:
        """Make ready what is slow or may be missing. Raises `Unavailable`."""

    def answer(self, prompt: Prompt, sample: int, /) -> Answered:
        """The answer number `sample`. Raises `Unavailable` where none can be had."""


class Answers(Protocol):
    """The answers of one generator to one template on one collection."""

    def protocol(self, samples: int) -> Mapping[str, Any]:
        """The model, its sampling, the template, and a hash of the first `samples` answers: as JSON values."""

    def missing(self, prompts: Sequence[Prompt], samples: int) -> list[tuple[Prompt, int]]:
        """What has no answer yet."""

    def ask(self, prompts: Sequence[Prompt], samples: int, progress: Progress, /) -> None:
        """Get what is missing. Raises `Unavailable` where some of it cannot be had."""

    def texts(self, prompts: Sequence[Prompt], samples: int) -> list[list[str]]:
        """The answers to each prompt. Raises `Unavailable` where some are missing."""

    def spent(self, prompts: Sequence[Prompt], samples: int) -> dict[str, Any]:
        """What the answers took, as JSON values."""


@runtime_checkable
class Generating(Protocol):
    """A searcher that searches with what a model wrote: `samples` answers to each of its prompts.

    It answers no query before the answers are there; what they are is part of its protocol.
    """

    generations: Answers
    samples: int

    def prompts(self, queries: Sequence[Query]) -> list[Prompt]:
        """One prompt a query; the indexes of its parts are open, and their answers there."""
