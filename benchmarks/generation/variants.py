"""Variants that search with what a declared generator wrote."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchmarks.collections.conventions import data_folder
from benchmarks.generation.endpoint import KEY, URL
from benchmarks.generation.generators import Generator
from benchmarks.interfaces import Searcher, Setting
from benchmarks.registry import Variant
from benchmarks.retrieval.resolve import missing_for
from benchmarks.spec import parse

_NEEDS = {
    "endpoint": f"{{model}} behind an OpenAI-compatible server ({KEY}, {URL})",
    "transformers": "{model} on this machine",
    "recorded": "{file}",
    "imported": "answers of {model}, by generations export and import",
}


def generated_variant(
    generator: Generator, retriever: str, build: Callable[[Setting], Searcher], summary: str
) -> Variant:
    """The variant that `build` makes of a generator and a `retriever`, a spec; it says what both need."""
    needs = _NEEDS[generator.kind].format(model=generator.model, file=generator.file)
    return Variant(
        build, summary, missing=lambda: missing_for(parse(retriever)) or _missing(generator), needs=needs
    )


def _missing(generator: Generator) -> str:
    """What this machine lacks to ask it; what it answered before may be kept all the same."""
    if generator.kind == "recorded":
        folder = data_folder()
        there = folder is not None and (folder / generator.file).exists()
        return "" if there else f"{generator.file} is not below RETRIEVER_BENCH_DATA"
    asked = generator.kind != "endpoint" or generator.base_url or os.environ.get(KEY) or os.environ.get(URL)
    return "" if asked else f"{generator.name} cannot be asked: no {KEY}; answers that are kept are used"
