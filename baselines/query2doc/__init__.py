"""query2doc (Wang et al. 2023): BM25 with the query five times over and one passage that a language model made up.

The paper shows the model four examples; here it is asked without any, in HyDE's words, so that both search with the
same passages.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from baselines.hyde import asked
from benchmarks.generation.generators import Generator, generators
from benchmarks.generation.variants import generated_variant
from benchmarks.registry import Baseline, Paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.interfaces import Searcher, Setting

_RETRIEVER = "bm25:flat"
REPEATED = 5
"""How often the query stands before the passage in sparse retrieval (section 2)."""


def repeated(query: str, passages: Sequence[str]) -> str:
    """The query five times, and the passages."""
    return " ".join([query] * REPEATED + list(passages))


def _build(generator: Generator, setting: Setting) -> Searcher:
    from benchmarks.retrieval.augmentation import Augmented, QueryAlone, longer_queries
    from benchmarks.retrieval.resolve import resolve
    from benchmarks.spec import parse

    template, answers = asked(generator, setting)
    how = {"text": f"the query {REPEATED} times and one passage"}
    retriever = resolve(parse(_RETRIEVER), setting)
    return Augmented(retriever, QueryAlone(template), answers, 1, how, longer_queries(retriever, repeated))


baseline = Baseline(
    key="query2doc",
    summary="BM25 with the query repeated and a passage that a language model made up",
    paper=Paper("Query2doc: Query Expansion with Large Language Models", "Wang et al.", 2023, "2303.07678"),
    variants={
        name: generated_variant(
            generator, _RETRIEVER, partial(_build, generator), f"one passage of {generator.model}"
        )
        for name, generator in generators().items()
    },
)
