"""Hard negatives: what a retriever ranks high and nobody judged relevant."""

from __future__ import annotations

import json

from baselines.training.recipe import Recipe
from benchmarks.collections.collection import open_collection
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.retrieval.resolve import open_indexes, resolve
from benchmarks.spec import parse
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache

Negatives = dict[str, list[str]]
"""Query id to document ids, the hardest first."""


def negatives_of(recipe: Recipe, seed: int, cache: Cache, progress: Progress) -> Negatives:
    """The negatives of a recipe, `negatives` deep, by its `miner`, or by what it starts from."""
    spec, _, other = recipe.objective.get("miner", recipe.start).partition("@")
    depth = recipe.objective["negatives"]
    return mined(spec, int(other) if other else seed, recipe.corpus, depth, cache, progress)


def mined(spec: str, seed: int, id: str, depth: int, cache: Cache, progress: Progress) -> Negatives:
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
    loaded: Negatives = json.loads(path.read_text("utf-8"))
    return loaded
