"""LameR (Shen et al. 2023): BM25, a language model that reads its candidates, and BM25 again with what the model wrote.

Each declared generator (`baselines/generators.toml`, or a file of one's own) has its variants. `lamer:NAME` shows it
ten candidates and takes five answers, as in the paper, or as many as there are. What differs is said behind it: `M0` to `M20`
candidates, `N1` or `N3` answers, `gold` or `hard` candidates, a second `round2` whose candidates the first
found, and `contriever` or `minilm` in BM25's place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.generation.generators import Generator, generators
from benchmarks.generation.variants import generated_variant
from benchmarks.interfaces import Searcher, Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    from benchmarks.generation.prompts import Template
    from benchmarks.retrieval.augmentation import Prompting

_PROMPTS = Path(__file__).with_name("prompts.toml")


@dataclass(frozen=True)
class Design:
    """One variant: M candidates of a kind, N answers, what searches, and the rounds."""

    candidates: int = 10
    answers: int = 5
    shown: str = "retrieved"
    retriever: str = "bm25:flat"
    rounds: int = 1

    @property
    def purpose(self) -> str:
        """What tells its prompts from those of other designs."""
        shown = "" if self.shown == "retrieved" else f"-{self.shown}"
        by = (
            ""
            if self.retriever == "bm25:flat" or not self.candidates
            else f"-{self.retriever.partition(':')[0]}"
        )
        again = f"-round{self.rounds}" if self.rounds > 1 else ""
        return f"M{self.candidates}{shown}{by}{again}"

    def summary(self, generator: Generator) -> str:
        """In a few words."""
        shown = "" if self.shown == "retrieved" else f"{self.shown} "
        again = f", round {self.rounds}" if self.rounds > 1 else ""
        answers = generator.limited(self.answers)
        return (
            f"{self.retriever} with {answers} answer{'s' * (answers > 1)} of {generator.model} "
            f"to {self.candidates} {shown}candidates{again}"
        )


DESIGNS = {
    "": Design(),
    **{f"M{count}": Design(candidates=count) for count in (0, 1, 3, 5, 20)},
    **{f"N{count}": Design(answers=count) for count in (1, 3)},
    "round2": Design(rounds=2),
    "gold": Design(shown="gold"),
    "hard": Design(shown="hard"),
    "contriever": Design(retriever="contriever:unsupervised"),
    "minilm": Design(retriever="minilm:l6-v2"),
    "minilm:M0": Design(candidates=0, retriever="minilm:l6-v2"),
}
"""The paper's own, and its ablations (Figure 4, Tables 4 and 6)."""


def _build(generator: Generator, design: Design, setting: Setting) -> Searcher:
    from baselines.lamer.augmentation import cut, halfway, interleaved
    from benchmarks.generation.opening import open_answers
    from benchmarks.generation.prompts import template_for
    from benchmarks.retrieval.augmentation import Augmented, longer_queries, vectors_between
    from benchmarks.retrieval.dense import DenseRetriever
    from benchmarks.retrieval.resolve import resolve
    from benchmarks.spec import parse

    template = template_for(_PROMPTS, setting.collection, "with" if design.candidates else "without")
    answers = open_answers(
        generator, template, f"{template.name}.{design.purpose}", setting.collection, setting.generations
    )
    retriever = resolve(parse(design.retriever), setting)
    first = (
        _build(generator, replace(design, rounds=design.rounds - 1), setting)
        if design.rounds > 1
        else retriever
    )
    prompting, samples = _prompting(first, template, design, setting), generator.limited(design.answers)
    if isinstance(retriever, DenseRetriever):
        how, search = {"vector": "mean of query and answer"}, vectors_between(retriever, halfway, cut)
    else:
        how, search = {"text": "the query before each answer"}, longer_queries(retriever, interleaved)
    return Augmented(retriever, prompting, answers, samples, how, search)


def _prompting(first: Searcher, template: Template, design: Design, setting: Setting) -> Prompting:
    from baselines.lamer.augmentation import cut
    from baselines.lamer.candidates import WithCandidates
    from benchmarks.collections.collection import open_collection
    from benchmarks.collections.conventions import conventions_of
    from benchmarks.retrieval.augmentation import QueryAlone
    from benchmarks.storage.cache import Cache

    if not design.candidates:
        return QueryAlone(template, cut)
    return WithCandidates(
        first, template, design.candidates, cut, design.shown,
        lambda: open_collection(setting.collection, Cache.default()).judgments(),
        conventions_of(setting.collection).drop_self,
    )  # fmt: skip


def _variants() -> dict[str, Variant]:
    # What a file has recorded answers no prompt with candidates. Of a generator that gives fewer answers than five, all
    # designs take what there is, but for those that are about their number.
    return {
        ":".join(filter(None, (name, suffix))): replace(
            generated_variant(
                generator, design.retriever, partial(_build, generator, design), design.summary(generator)
            ),
            reads_judgments=design.shown in ("gold", "hard"),
        )
        for name, generator in generators().items()
        for suffix, design in DESIGNS.items()
        if generator.kind != "recorded" and not (suffix.startswith("N") and generator.samples)
    }


baseline = Baseline(
    key="lamer",
    summary="a language model reads BM25's candidates and writes passages that BM25 searches with",
    paper=Paper(
        "Large Language Models are Strong Zero-Shot Retriever",
        "Shen et al.",
        2023,
        "2304.14233",
        contribution=(
            "A language model knows what an answer looks like, and a retriever knows where it stands. LameR asks the model "
            "for answers with BM25's candidates in the prompt, right or wrong, and searches again by BM25 with query and "
            "answers. No training and no vectors: on TREC DL and BEIR it beats what is zero-shot and dense, HyDE among it, "
            "and often what was fine-tuned."
        ),
    ),
    variants=_variants(),
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
)
