"""The answers that were given, one JSON line each: appended, never changed.

generations/GENERATOR/COLLECTION.PURPOSE.jsonl      below the results; gpt-3.5-turbo/beir.scifact.test.lamer-scientific.10.jsonl

A line answers one prompt, named by its hash, once (`sample`): a changed prompt never meets an old answer. A line
that a killed process left half-written is cut off by the next writer, and overlooked by readers.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import RecordError
from benchmarks.generation.prompts import Prompt

Key = tuple[str, int]
"""A prompt's hash, and which of its answers."""


@dataclass(frozen=True)
class Generation:
    """One answer. `seconds` and the tokens are 0 where nobody counted them; `source` says who or what produced it."""

    query: str
    prompt_sha256: str
    sample: int
    text: str
    candidates: tuple[str, ...]
    collection: str
    template: Mapping[str, Any]
    model: str
    sampling: Mapping[str, Any]
    tokens_in: int
    tokens_out: int
    seconds: float
    made: str
    source: str

    @property
    def key(self) -> Key:
        """What it answers."""
        return self.prompt_sha256, self.sample


class GenerationFile:
    """The answers of one generator to one template on one collection."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, wanted: Callable[[Generation], bool] = lambda _: True) -> dict[Key, Generation]:
        """All `wanted` answers by key; of two to one key the first counts. Raises `RecordError` for a line that is none."""
        found: dict[Key, Generation] = {}
        for generation in self._lines():
            if wanted(generation):
                found.setdefault(generation.key, generation)
        return found

    def append(self, generation: Generation) -> None:
        """Add one answer; it is on the disk when this returns. One writer at a time: the caller holds the lock."""
        line = json.dumps(asdict(generation), ensure_ascii=True, sort_keys=True) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            _cut_to_whole_lines(file)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> Iterator[Generation]:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                value = json.loads(line)
                yield Generation(**{**value, "candidates": tuple(value["candidates"])})
            except (ValueError, TypeError, KeyError):
                raise RecordError(f"{self.path}, line {number}: not a generation; restore the file") from None


def used(answers: Mapping[Key, Generation], prompts: Iterable[Prompt], samples: int) -> list[Generation]:
    """The answers to `prompts`, `samples` each, in their order, as far as there are some."""
    keys = ((prompt.key, sample) for prompt in prompts for sample in range(samples))
    return [answers[key] for key in keys if key in answers]


def digest(answers: Mapping[Key, Generation], samples: int) -> str:
    """One hash of the first `samples` answers to every prompt that was ever asked: no search with them depends on more."""
    lines: Sequence[str] = sorted(
        json.dumps([one.query, *one.key, one.text]) for one in answers.values() if one.sample < samples
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _cut_to_whole_lines(file: Any) -> None:
    """Cut off what stands behind the last newline, and stand at the end."""
    end = file.seek(0, os.SEEK_END)
    if not end:
        return
    file.seek(end - 1)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)
