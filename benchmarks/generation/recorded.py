"""Answers from a file that was made elsewhere: one JSON line a query, {"query_id": "...", "generations": ["...", ...]}.

The file stays where it is; what is measured with it names its hash.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.collections.conventions import data_folder
from benchmarks.errors import MalformedInput, MissingData
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt, Template
from benchmarks.progress import Progress
from benchmarks.storage.atomic import sha256_of


class RecordedAnswers:
    """The answers of a file to the prompts of the template they were made with."""

    def __init__(self, generator: Generator, template: Template) -> None:
        if generator.template != template.name:
            raise MissingData(
                f"{generator.name} holds answers to {generator.template}; they answer no prompt of {template.name}"
            )
        self._generator, self._template = generator, template

    def protocol(self, samples: int) -> Mapping[str, Any]:
        """Model, template, and the file's hash. Raises `MissingData` where it is not here."""
        return {
            **self._generator.protocol, "template": self._template.to_json(), "samples": samples,
            "file_sha256": sha256_of(self._path),
        }  # fmt: skip

    def missing(self, prompts: Sequence[Prompt], samples: int) -> list[tuple[Prompt, int]]:
        """What the file does not answer."""
        found = self._answers
        return [
            (prompt, sample)
            for prompt in prompts
            for sample in range(len(found.get(prompt.query, ())), samples)
        ]

    def ask(self, prompts: Sequence[Prompt], samples: int, _progress: Progress, /) -> None:
        """Raises `MissingData` for a query without enough answers: nobody can be asked."""
        if lacking := self.missing(prompts, samples):
            queries = {prompt.query for prompt, _ in lacking}
            raise MissingData(
                f"{self._path} answers {len(queries)} of {len(prompts)} queries not, or fewer than {samples} times"
            )

    def texts(self, prompts: Sequence[Prompt], samples: int) -> list[list[str]]:
        """The first `samples` answers to each prompt. Raises `MissingData`."""
        self.ask(prompts, samples, Progress(quiet=True))
        return [self._answers[prompt.query][:samples] for prompt in prompts]

    def spent(self, prompts: Sequence[Prompt], samples: int) -> dict[str, Any]:
        """What is known of their making."""
        return {
            "answers": len(prompts) * samples, "model": self._generator.model, "sources": [self._generator.origin],
        }  # fmt: skip

    @property
    def _path(self) -> Path:
        folder = data_folder()
        path = folder / self._generator.file if folder else None
        if path is None or not path.exists():
            raise MissingData(
                f"generator {self._generator.name}: set RETRIEVER_BENCH_DATA to the folder that holds {self._generator.file}"
            )
        return path

    @functools.cached_property
    def _answers(self) -> dict[str, list[str]]:
        found = {}
        for number, line in enumerate(self._path.read_bytes().splitlines(), start=1):
            try:
                entry = json.loads(line)
                found[str(entry["query_id"])] = [str(text) for text in entry["generations"]]
            except (ValueError, TypeError, KeyError):
                raise MalformedInput(
                    f'{self._path}, line {number}: not {{"query_id": "...", "generations": ["..."]}}'
                ) from None
        return found
