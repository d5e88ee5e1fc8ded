"""Which passages a question learns from: its positive, and what BM25 ranks high that does not answer it.

Where answers are known, Karpukhin et al. 2020 look for them in the passages: a negative of BM25's is a passage of high
rank that holds none (section 3.2); and without a judged passage the positive is the one of highest rank that holds one
(distant supervision; section 4.2, Appendix A). Where they are not known, the judgments say what is relevant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from baselines.training.mining import Mined
from baselines.training.pairs import TrainingPairs, pairs_of, share_of
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials
from benchmarks.collections.collection import Collection, open_collection
from benchmarks.errors import UsageError
from benchmarks.evaluation.answers import MATCHING
from benchmarks.interfaces import Judgments, Searcher, Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.retrieval.resolve import open_indexes, open_texts, resolve
from benchmarks.spec import parse
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache


@dataclass(frozen=True)
class Found:
    """What was found for a question, by whether it holds an answer; each in order of rank."""

    holding: list[str]
    others: list[str]


def supervision(materials: Materials) -> tuple[TrainingPairs, Mined | None]:
    """The pairs of a recipe by its `positives`, and its negatives where answers tell them.

    "judged": all pairs that are judged relevant; "gold": of each question the first of the highest grade; "distant": by
    answers alone, among the best `negatives` of the recipe's miner. Raises `UsageError` for another word, and for
    "distant" where no answers are known.
    """
    recipe, cache = materials.recipe, materials.cache
    positives, share = recipe.objective["positives"], recipe.objective["share"]
    data = pairs_of(recipe, cache)
    collection = open_collection(recipe.corpus, cache)
    if positives not in ("judged", "gold", "distant"):
        raise UsageError(f"no positives {positives!r} in a recipe of DPR's; known: judged, gold, distant")
    if positives == "gold":
        data.pairs = share_of(list(best_judged(collection.judgments()).items()), share)
    if positives == "distant" and not collection.answers():
        raise UsageError(f"{recipe.corpus} has no answers, so that nothing can be positive for holding one")
    if not collection.answers() or not recipe.objective["negatives"]:
        return data, None
    found = by_answer(recipe, cache, materials.progress)
    if positives == "distant":
        data.relevant = {query: frozenset(one.holding) for query, one in found.items()}
        firsts = [(query, one.holding[0]) for query, one in found.items() if one.holding]
        data.pairs = share_of(firsts, share)
    negatives = {
        query: [document for document in one.others if document not in data.relevant[query]]
        for query, one in found.items()
    }
    return data, negatives


def best_judged(judgments: Judgments) -> Mapping[str, str]:
    """The relevant document of highest grade of each query that has one; of equal ones the first."""
    best = {query: max(grades, key=lambda id: grades[id]) for query, grades in judgments.items() if grades}
    return {query: document for query, document in best.items() if judgments[query][document] > 0}


def by_answer(recipe: Recipe, cache: Cache, progress: Progress) -> dict[str, Found]:
    """Of the best `negatives` passages of `miner` for each question, which hold an answer; found once and kept."""
    collection = open_collection(recipe.corpus, cache)
    options = recipe.objective
    setting = Setting(collection.conventions.language, collection=recipe.corpus)
    searcher = resolve(parse(options["miner"]), setting)
    depth, answers = options["negatives"], collection.answers()
    name = fingerprint({
        "collection": collection.protocol, "searcher": searcher.protocol, "depth": depth,
        "answers": {query: list(some) for query, some in answers.items()},
    })  # fmt: skip
    path = cache.root / "trained" / f"answered-{name}.json"
    with cache.locked(f"answered-{name}"):
        if not path.exists():
            progress.say(f"    looking for answers in what {options['miner']} finds in {recipe.corpus}")
            open_indexes(searcher, collection, cache)
            write_json(path, _found(collection, searcher, depth, cache), indent=None)
    return {query: Found(*some) for query, some in json.loads(path.read_text("utf-8")).items()}


def _found(
    collection: Collection, searcher: Searcher, depth: int, cache: Cache
) -> dict[str, tuple[list[str], list[str]]]:
    """For each question the ids of what holds an answer, and those of the rest. A title does not count."""
    holds, answers = MATCHING[collection.conventions.answers], collection.answers()
    texts, queries = open_texts(collection, cache), collection.queries()
    found = {}
    for query, ranking in zip(queries, searcher.search(queries, depth), strict=True):
        hits = [holds(document.text, answers.get(query.id, ())) for document in texts.get(ranking.ids)]
        sides = list(zip(ranking.ids, hits, strict=True))
        found[query.id] = ([id for id, hit in sides if hit], [id for id, hit in sides if not hit])
    return found
