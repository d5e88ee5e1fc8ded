"""Measures: every number a report prints comes from here.

A measure is written in ir-measures notation. ir-measures' pytrec_eval provider computes what
it knows, called by name; the others have definitions of our own, each a few lines per query:

    RR@k             reciprocal rank cut at k (pytrec_eval has no cutoff; MS MARCO's MRR@10)
    R_cap@k          relevant documents in the top k, over min(k, relevant): BEIR's TREC-COVID
    AnswerRecall@k   1 when a document of the top k holds an answer: DPR's top-k accuracy
    accuracy         1 when the first label is the right one
    Spearman         how the scores of sentence pairs follow their gold similarities; so Pearson

Scoring is defined over all judged queries: a query the run lacks scores 0. Measures see ranks
and never scores (but for the two correlations), so no tie is left for a provider to break.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

from benchmarks.errors import EvaluationError, UsageError
from benchmarks.evaluation.correlation import Correlation
from benchmarks.interfaces import Judgments, Ranking, Run

Scores = dict[str, dict[str, float]]
"""Measure name to query id to score."""

Hits = Mapping[str, Sequence[bool]]
"""Query id to whether the document at each rank holds an answer."""

_OWN = re.compile(r"(RR|R_cap|AnswerRecall)(?:\(rel=(\d+)\))?@(\d+)")
_PROVIDER = "ir_measures.pytrec_eval"
_CUTOFF = re.compile(r"@(\d+)$")
_UNCUT_DEPTH = 1000  # trec_eval's convention for measures without a cutoff
_ACCURACY = "accuracy"


@dataclass(frozen=True)
class OwnMeasure:
    """A measure of our own: its name, the grade from which a document is relevant, the cutoff."""

    name: str
    relevance: int
    cutoff: int

    def score(self, ranking: Ranking, judged: Mapping[str, float], hits: Sequence[bool]) -> float:
        """The score of one query; `hits` says which ranks hold an answer."""
        if self.name == "AnswerRecall":
            return float(any(hits[: self.cutoff]))
        relevant = {document for document, grade in judged.items() if grade >= self.relevance}
        top = ranking.ids[: self.cutoff]
        if self.name == "R_cap":
            return sum(id in relevant for id in top) / min(self.cutoff, len(relevant)) if relevant else 0.0
        return next((1.0 / place for place, id in enumerate(top, start=1) if id in relevant), 0.0)


@functools.cache
def parse(name: str) -> Any:
    """A measure by its name. Raises `UsageError` for one nobody defines."""
    if name in ("Spearman", "Pearson"):
        return Correlation(name)
    if name == _ACCURACY:
        return OwnMeasure("RR", 1, 1)
    if own := _OWN.fullmatch(name):
        return OwnMeasure(own[1], int(own[2] or 1), int(own[3]))
    import ir_measures

    try:
        measure = ir_measures.parse_measure(name)
    except (NameError, ValueError, SyntaxError):
        raise UsageError(
            f"no measure named {name!r}; names are those of ir-measures, R_cap@k, AnswerRecall@k, "
            "accuracy, Spearman and Pearson"
        ) from None
    if not ir_measures.pytrec_eval.supports(measure):
        raise UsageError(f"measure {name!r} is not one pytrec_eval computes; choose another")
    return measure


def provider(name: str) -> str:
    """Who computes a measure, with the version that does: part of the protocol."""
    if isinstance(parse(name), Correlation):
        return f"scipy {version('scipy')}"
    if isinstance(parse(name), OwnMeasure):
        return "retriever-bench 1"
    return f"{_PROVIDER} {version('ir-measures')} (pytrec-eval-terrier {version('pytrec-eval-terrier')})"


def needs_answers(names: Sequence[str]) -> bool:
    """Whether one of the measures looks into the documents' text."""
    return any(name.startswith("AnswerRecall") for name in names)


def depth_of(names: Sequence[str]) -> int:
    """How deep a run must be for these measures: the largest cutoff, 1000 where there is none."""
    cutoffs = [_CUTOFF.search("@1" if name == _ACCURACY else name) for name in names]
    return max(int(found[1]) if found else _UNCUT_DEPTH for found in cutoffs)


def evaluate(run: Run, judgments: Judgments, measures: Sequence[str], hits: Hits | None = None) -> Scores:
    """Score a run per query, over all judged queries.

    Queries of the run that are not judged are left out; `hits` is needed for `AnswerRecall`.
    Raises `EvaluationError` when there is nothing to score, or a ranking holds a document twice.
    """
    if not judgments:
        raise EvaluationError("there are no judgments, so there is nothing to score")
    judged_run = {query: run[query] for query in judgments if query in run}
    for query, ranking in judged_run.items():
        if len(set(ranking.ids)) != len(ranking.ids):
            raise EvaluationError(f"query {query!r}: a document is ranked twice")
    scores: Scores = {name: dict.fromkeys(judgments, 0.0) for name in measures}
    own = {name: parse(name) for name in measures if isinstance(parse(name), OwnMeasure | Correlation)}
    for name, measure in own.items():
        if measure.name == "AnswerRecall" and hits is None:
            raise EvaluationError(f"{name} needs the collection's answers and documents")
        for query, ranking in judged_run.items():
            scores[name][query] = measure.score(ranking, judgments[query], (hits or {}).get(query, ()))
    _score_with_pytrec_eval(judged_run, judgments, [name for name in measures if name not in own], scores)
    return scores


def _score_with_pytrec_eval(run: Run, judgments: Judgments, names: Sequence[str], scores: Scores) -> None:
    """Fill `scores` with the provider's values. Ranks go in as descending whole numbers."""
    if not names or not run:
        return
    import ir_measures

    by_measure = {parse(name): name for name in names}
    longest = max(len(ranking.ids) for ranking in run.values())
    descending = [float(longest - place) for place in range(longest)]
    ranks = {query: dict(zip(ranking.ids, descending, strict=False)) for query, ranking in run.items()}
    # What it computes is for grades that are whole numbers, as all judgments of documents are.
    grades = cast("dict[str, dict[str, int]]", judgments)
    for metric in ir_measures.pytrec_eval.iter_calc(list(by_measure), grades, ranks):
        if metric.query_id in judgments:
            scores[by_measure[metric.measure]][metric.query_id] = metric.value


def mean(values: Mapping[str, float]) -> float:
    """The mean over queries, summed exactly, so that the order of queries cannot move it."""
    import math

    return math.fsum(values.values()) / len(values)
