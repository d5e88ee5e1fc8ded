"""From a generator to its answers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.generation.answering import Answerer, Answers
from benchmarks.generation.endpoint import Endpoint
from benchmarks.generation.generators import Generator
from benchmarks.generation.kept import KeptAnswers
from benchmarks.generation.local import LocalModel
from benchmarks.generation.prompts import Template
from benchmarks.generation.recorded import RecordedAnswers


def open_answers(
    generator: Generator, template: Template, purpose: str, collection: str, folder: Path
) -> Answers:
    """The answers of a generator to a template on a collection; kept below `folder`, under a `purpose`.

    Raises `MissingData` where a recorded generator answers another template.
    """
    if generator.kind == "recorded":
        return RecordedAnswers(generator, template)
    return KeptAnswers(generator, template, purpose, collection, folder, lambda: _answerer(generator))


def _answerer(generator: Generator) -> Answerer | None:
    match generator.kind:
        case "endpoint":
            return Endpoint(generator)
        case "transformers":
            return LocalModel(generator)
        case _:
            return None
