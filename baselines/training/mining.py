"""Hard negatives: what a retriever ranks high and nobody judged relevant."""

from __future__ import annotations

import json

from baselines.training.recipe import Recipe
from baselines.training.teachers import teacher
from benchmarks.collections.collection import Collection, open_collection
from benchmarks.interfaces import Scorer, Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.retrieval.resolve import open_indexes, resolve
from benchmarks.spec import parse
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache

Mined = dict[str, list[str]]
"""Query id to document ids, the hardest first."""


def negatives_of(recipe: Recipe, seed: int, cache: Cache, progress: Progress) -> Mined:
    """The negatives of a recipe, `negatives` deep, by its `miner`, or by what it starts from.

    With `filter`, a teacher's spec, those are left out that it scores above the lowest of the relevant ones less
    `margin`: they are likely to be relevant and unjudged (Qu et al. 2021, RocketQA, section 3.3; de Souza P. Moreira
    et al. 2024, NV-Retriever, section 4).
    """
    options = recipe.objective
    spec, _, other = options.get("miner", recipe.start).partition("@")
    found = mined(spec, int(other) if other else seed, recipe.corpus, options["negatives"], cache, progress)
    if not options.get("filter"):
        return found
    scorer = teacher(options["filter"], recipe.corpus, cache)
    return without_likely(found, open_collection(recipe.corpus, cache), scorer, options["margin"])


def mined(spec: str, seed: int, id: str, depth: int, cache: Cache, progress: Progress) -> Mined:
    """Of the best `depth` documents of each query those that are not judged relevant; found once and kept."""
    collection = open_collection(id, cache)
    searcher = resolve(parse(spec), Setting(collection.conventions.language, seed=seed, collection=id))
    name = fingerprint({"collection": collection.protocol, "searcher": searcher.protocol, "depth": depth})
    path = cache.root / "trained" / f"mined-{name}.json"
    with cache.locked(f"mined-{name}"):
        if not path.exists():
            progress.say(f"    mining negatives in {id} with {spec}")
            open_indexes(searcher, collection, cache)
            queries = collection.queries()
            judged = collection.judgments()
            found = {
                query.id: [document for document in ranking.ids if judged[query.id].get(document, 0) <= 0]
                for query, ranking in zip(queries, searcher.search(queries, depth), strict=True)
            }
            write_json(path, found, indent=None)
    loaded: Mined = json.loads(path.read_text("utf-8"))
    return loaded


def without_likely(found: Mined, collection: Collection, scorer: Scorer, margin: float) -> Mined:
    """`found` without what `scorer` puts above the lowest relevant document of its query less `margin`."""
    judged = collection.judgments()
    queries = [query for query in collection.queries() if query.id in found]
    relevant = [[id for id, grade in judged[query.id].items() if grade > 0] for query in queries]
    scores = scorer.score(
        queries, [right + found[query.id] for query, right in zip(queries, relevant, strict=True)]
    )
    kept = {}
    for query, right, row in zip(queries, relevant, scores, strict=True):
        most = min(row[: len(right)].tolist(), default=float("inf")) - margin
        others = zip(found[query.id], row[len(right) :].tolist(), strict=True)
        kept[query.id] = [id for id, score in others if score <= most]
    return kept
