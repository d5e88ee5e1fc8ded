"""A scripted model, and what holds its answers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.generation.answering import Answered
from benchmarks.generation.generators import Generator
from benchmarks.generation.kept import KeptAnswers
from benchmarks.generation.prompts import Prompt, Template

TEMPLATE = Template("made-up", 1, "About {query}:")
SCRIPTED = Generator("scripted", "endpoint", "script-1", concurrency=4, max_tokens=10)


class Scripted:
    """Answers as it was told, and counts what it was asked."""

    def __init__(self, say: Callable[[Prompt, int], str]) -> None:
        self.say = say
        self.tokens = (7, 3)
        self.asked: Counter[tuple[str, int]] = Counter()
        self.running = self.most = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        """Nothing to load."""

    def answer(self, prompt: Prompt, sample: int, /) -> Answered:
        """What it was told to say."""
        with self._lock:
            self.asked[prompt.key, sample] += 1
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            return Answered(self.say(prompt, sample), *self.tokens, 0.25, "a script")
        finally:
            with self._lock:
                self.running -= 1


def kept(folder: Path, script: Scripted | None, **changes: object) -> KeptAnswers:
    """The store of the scripted model's answers on one collection."""
    generator = replace(SCRIPTED, **changes)  # type: ignore[arg-type]
    return KeptAnswers(generator, TEMPLATE, "made-up.M0", "synthetic/tiny", folder, lambda: script)


def prompts(count: int) -> list[Prompt]:
    """So many different ones."""
    return [Prompt(f"q{number}", TEMPLATE.fill({"query": f"thing {number}"})) for number in range(count)]
