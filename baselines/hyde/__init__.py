"""HyDE (Gao et al. 2023): an unsupervised encoder searches with the passages a language model made up.

`hyde:NAME` is Contriever over eight passages of the generator, as in the paper, or over as many as there are;
`hyde:NAME:minilm` is MiniLM.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.generation.generators import Generator, generators
from benchmarks.generation.variants import generated_variant
from benchmarks.registry import Baseline, Paper

if TYPE_CHECKING:
    from benchmarks.generation.answering import Answers
    from benchmarks.generation.prompts import Template
    from benchmarks.interfaces import Searcher, Setting

PROMPTS = Path(__file__).with_name("prompts.toml")
ANSWERS = 8
ENCODERS = {"": "contriever:unsupervised", "minilm": "minilm:l6-v2"}


def asked(generator: Generator, setting: Setting) -> tuple[Template, Answers]:
    """The template of a collection, and the passages that a generator made up for it."""
    from benchmarks.generation.opening import open_answers
    from benchmarks.generation.prompts import template_for

    template = template_for(PROMPTS, setting.collection, "alone")
    return template, open_answers(generator, template, template.name, setting.collection, setting.generations)


def _build(generator: Generator, encoder: str, setting: Setting) -> Searcher:
    from baselines.hyde.vectors import mean_with_query
    from benchmarks.retrieval.augmentation import Augmented, QueryAlone, vectors_between
    from benchmarks.retrieval.dense import DenseRetriever
    from benchmarks.retrieval.resolve import resolve
    from benchmarks.spec import parse

    template, answers = asked(generator, setting)
    retriever = resolve(parse(encoder), setting)
    assert isinstance(retriever, DenseRetriever)
    how = {"vector": "mean of the query and all passages"}
    search, samples = vectors_between(retriever, mean_with_query), generator.limited(ANSWERS)
    return Augmented(retriever, QueryAlone(template), answers, samples, how, search)


baseline = Baseline(
    key="hyde",
    summary="the mean vector of a query and the passages that a language model made up for it",
    paper=Paper(
        "Precise Zero-Shot Dense Retrieval without Relevance Labels", "Gao et al.", 2023, "2212.10496"
    ),
    variants={
        ":".join(filter(None, (name, suffix))): generated_variant(
            generator,
            encoder,
            partial(_build, generator, encoder),
            f"{encoder} over what {generator.model} made up",
        )
        for name, generator in generators().items()
        for suffix, encoder in ENCODERS.items()
    },
)
