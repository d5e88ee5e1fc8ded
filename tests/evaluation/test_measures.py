"""Measures: the same as everybody else's, where their rules coincide."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

import numpy as np
import pytest
import pytrec_eval

from benchmarks.collections.conventions import data_folder
from benchmarks.errors import EvaluationError, UsageError
from benchmarks.evaluation.measures import depth_of, evaluate, mean, parse, provider
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Judgments, Run
from benchmarks.records import trecrun

MEASURES = ["nDCG@10", "R@100", "RR@10", "AP@100", "P@5", "AP(rel=2)@100", "R(rel=2)@20", "Success@5"]


def random_run(seed: int, queries: int = 40, documents: int = 120) -> tuple[Run, Judgments]:
    """Random rankings with many ties, random graded judgments, some queries without relevant documents."""
    generator = random.Random(seed)
    run, judgments = {}, {}
    for number in range(queries):
        ids = [f"d{generator.randrange(1000)}" for _ in range(documents)]
        ids = list(dict.fromkeys(ids))
        scores = np.array([generator.randrange(6) for _ in ids], dtype=np.float32)
        run[f"q{number}"] = rank(ids, scores)
        judgments[f"q{number}"] = {
            id: generator.choice([0, 0, 1, 2]) for id in [*generator.sample(ids, 30), "unseen"]
        }
    return run, judgments


def in_ranks(run: Run) -> dict[str, dict[str, float]]:
    """A run as pytrec_eval wants it, with ranks for scores."""
    return {
        query: {id: float(-place) for place, id in enumerate(ranking.ids)} for query, ranking in run.items()
    }


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_pytrec_eval_on_runs_with_ties(seed: int) -> None:
    """To 1e-6 per query, on the order that our tie rule gives."""
    run, judgments = random_run(seed)
    ours = evaluate(run, judgments, MEASURES)
    names = {
        "nDCG@10": "ndcg_cut_10",
        "R@100": "recall_100",
        "AP@100": "map_cut_100",
        "P@5": "P_5",
        "Success@5": "success_5",
    }
    theirs = pytrec_eval.RelevanceEvaluator(judgments, set(names.values())).evaluate(in_ranks(run))
    strict = pytrec_eval.RelevanceEvaluator(
        judgments, {"map_cut_100", "recall_20"}, relevance_level=2
    ).evaluate(in_ranks(run))
    for query in judgments:
        for name, theirs_name in names.items():
            assert ours[name][query] == pytest.approx(theirs[query][theirs_name], abs=1e-6)
        assert ours["AP(rel=2)@100"][query] == pytest.approx(strict[query]["map_cut_100"], abs=1e-6)
        assert ours["R(rel=2)@20"][query] == pytest.approx(strict[query]["recall_20"], abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_reciprocal_rank_with_a_cutoff_is_that_of_the_cut_run(seed: int) -> None:
    """RR@10 equals trec_eval's recip_rank of the run's first ten."""
    run, judgments = random_run(seed)
    cut = {query: dict(list(ranked.items())[:10]) for query, ranked in in_ranks(run).items()}
    theirs = pytrec_eval.RelevanceEvaluator(judgments, {"recip_rank"}).evaluate(cut)
    ours = evaluate(run, judgments, ["RR@10"])["RR@10"]
    for query in judgments:
        assert ours[query] == pytest.approx(theirs[query]["recip_rank"], abs=1e-6)


def test_agrees_with_beir_where_the_rules_coincide() -> None:
    """BEIR's nDCG, recall and capped recall are means over the run's queries: equal when none is missing.

    They part where a query is missing (BEIR leaves it out, here it scores 0) and at ties (BEIR
    sees scores, so trec_eval's order by id descending holds).
    """
    from beir.retrieval.evaluation import EvaluateRetrieval

    run, judgments = random_run(7)
    ndcg, _, recall, _ = EvaluateRetrieval.evaluate(
        judgments, in_ranks(run), [10, 100], ignore_identical_ids=False
    )
    capped = EvaluateRetrieval.evaluate_custom(judgments, in_ranks(run), [100], metric="r_cap")
    ours = evaluate(run, judgments, ["nDCG@10", "R@100", "R_cap@100"])
    assert mean(ours["nDCG@10"]) == pytest.approx(ndcg["NDCG@10"], abs=1e-5)
    assert mean(ours["R@100"]) == pytest.approx(recall["Recall@100"], abs=1e-5)
    assert mean(ours["R_cap@100"]) == pytest.approx(capped["R_cap@100"], abs=1e-5)

    fewer = {query: ranking for query, ranking in run.items() if query != "q0"}
    theirs, *_ = EvaluateRetrieval.evaluate(judgments, in_ranks(fewer), [10], ignore_identical_ids=False)
    assert mean(evaluate(fewer, judgments, ["nDCG@10"])["nDCG@10"]) < theirs["NDCG@10"]


def test_agrees_with_ranx_where_the_rules_coincide() -> None:
    """ranx's MRR, recall and nDCG (Burges gains differ, Jarvelin's are trec_eval's) on the same order.

    ranx's plain "ndcg" discounts and gains as trec_eval does; it breaks ties by input order, so
    it is given ranks.
    """
    from ranx import Qrels
    from ranx import Run as RanxRun
    from ranx import evaluate as ranx_evaluate

    run, judgments = random_run(11)
    relevant = {
        query: {id: grade for id, grade in judged.items() if grade > 0} for query, judged in judgments.items()
    }
    theirs = ranx_evaluate(Qrels(relevant), RanxRun(in_ranks(run)), ["mrr@10", "recall@100", "ndcg@10"])
    ours = evaluate(run, judgments, ["RR@10", "R@100", "nDCG@10"])
    assert mean(ours["RR@10"]) == pytest.approx(theirs["mrr@10"], abs=1e-6)
    assert mean(ours["R@100"]) == pytest.approx(theirs["recall@100"], abs=1e-6)
    assert mean(ours["nDCG@10"]) == pytest.approx(theirs["ndcg@10"], abs=1e-6)


KNOWN = [("bm25", 0.5058, 0.4796), ("tas-b", 0.7210, 0.6854), ("splade-pp-ed", 0.7308, 0.7197)]


@pytest.mark.parametrize(("system", "dl19", "dl20"), KNOWN)
def test_published_runs_have_their_published_scores(
    system: str, dl19: float, dl20: float, needs: Callable[[str], str]
) -> None:
    """nDCG@10 of real systems' runs on DL 2019 and 2020, to the printed digit."""
    needs("trec-dl-pool/dl19")
    root = data_folder()
    assert root is not None
    for year, expected in (("dl19", dl19), ("dl20", dl20)):
        judgments: Judgments = {}
        for line in (root / f"trec-dl-pool/qrels/{year}.trec").read_text().splitlines():
            query, _, document, grade = line.split()
            judgments.setdefault(query, {})[document] = int(grade)
        run = trecrun.loads(
            gzip.decompress((root / f"trec-dl-pool/runs/{system}.{year}.trec.gz").read_bytes())
        )
        assert mean(evaluate(run, judgments, ["nDCG@10"])["nDCG@10"]) == pytest.approx(expected, abs=5e-5)


def test_a_missing_query_scores_zero() -> None:
    """A mean runs over all judged queries, whether the run has them or not."""
    run, judgments = random_run(3, queries=4)
    whole = evaluate(run, judgments, ["nDCG@10", "RR@10"])
    del run["q0"]
    partial = evaluate(run, judgments, ["nDCG@10", "RR@10"])
    for name in whole:
        assert partial[name]["q0"] == 0.0
        assert mean(partial[name]) == pytest.approx((sum(whole[name].values()) - whole[name]["q0"]) / 4)


def test_unjudged_queries_of_a_run_do_not_count() -> None:
    """What nobody judged has no score."""
    run, judgments = random_run(3, queries=4)
    del judgments["q2"]
    assert "q2" not in evaluate(run, judgments, ["nDCG@10"])["nDCG@10"]


def test_answer_recall_is_one_when_an_answer_is_near_enough() -> None:
    """AnswerRecall@k looks at the first k ranks only, and needs to be told the hits."""
    run, judgments = random_run(3, queries=2)
    hits = {"q0": [False, False, True], "q1": [False, False, False, True]}
    assert evaluate(run, judgments, ["AnswerRecall@3"], hits)["AnswerRecall@3"] == {"q0": 1.0, "q1": 0.0}
    with pytest.raises(EvaluationError, match="needs the collection's answers"):
        evaluate(run, judgments, ["AnswerRecall@3"])


def test_nothing_to_score_is_no_score() -> None:
    """No judgments, no mean; a document ranked twice, no score."""
    run, judgments = random_run(3, queries=2)
    with pytest.raises(EvaluationError, match="no judgments"):
        evaluate(run, {}, ["nDCG@10"])
    run["q0"].ids[1] = run["q0"].ids[0]
    with pytest.raises(EvaluationError, match="ranked twice"):
        evaluate(run, judgments, ["nDCG@10"])


@pytest.mark.parametrize("name", ["ndcg10", "nDCG@", "Foo@3", "ERR@20"])
def test_unknown_measures_are_wrong_use(name: str) -> None:
    """A measure nobody computes is refused when it is named, not when it is needed."""
    with pytest.raises(UsageError):
        parse(name)


def test_depth_and_providers_follow_from_the_measures() -> None:
    """The run is as deep as the deepest cutoff; the protocol says who computed what."""
    assert depth_of(["nDCG@10", "R@100"]) == 100
    assert depth_of(["nDCG@10", "AP"]) == 1000
    assert provider("nDCG@10").startswith("ir_measures.pytrec_eval ")
    assert provider("RR(rel=2)@10").startswith("retriever-bench")
