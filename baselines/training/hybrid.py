"""A hybrid whose weight is found on a development split, and on nothing else.

    TunedHybrid("dpr:lab:hybrid", "union(1*bm25:flat,{}*dpr:lab:nfcorpus)", "beir/nfcorpus/dev", (0.0, 0.1, 1.0))

Each weight in turn takes the place of {} in the spec, and the one of the highest mean stays; of equal ones the first. What
each scored is kept, and stands in the protocol of whatever the hybrid is measured on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import Collection, open_collection
from benchmarks.errors import BenchError, MissingWeights
from benchmarks.evaluation.measures import depth_of, evaluate, mean, provider
from benchmarks.interfaces import Query, Ranking, Searcher, Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.records.store import file_name
from benchmarks.registry import Variant, trained_leaves, variant_of
from benchmarks.retrieval.resolve import missing_for, open_indexes, resolve
from benchmarks.runner import search
from benchmarks.spec import parse
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache

_FACTS = "tuning.json"


@dataclass(frozen=True)
class TunedHybrid:
    """A hybrid by the name of its variant: `spec` has {} where the weight stands, `tuned_on` is a collection."""

    name: str
    spec: str
    tuned_on: str
    weights: tuple[float, ...]
    measure: str = "nDCG@10"

    def __call__(self, setting: Setting, progress: Progress) -> Path:
        """The folder with the weight; finds it where it is not found yet. Raises `BenchError`s."""
        for leaf in trained_leaves(parse(self.weighted(1))):
            if train := variant_of(leaf)[1].train:
                folder = train(setting, progress)
        if setting.random_weights:
            return folder
        cache = Cache.default()
        folder = self._folder(setting, cache)
        with cache.locked(folder.name):
            if not (folder / _FACTS).exists():
                progress.say(f"    weighing {self.name}, seed {setting.seed}, on {self.tuned_on}")
                folder.mkdir(parents=True, exist_ok=True)
                write_json(folder / _FACTS, self._scores(setting, cache))
        return folder

    def weighted(self, weight: float) -> str:
        """The spec with a weight."""
        return self.spec.replace("{}", f"{weight:g}")

    def build(self, setting: Setting) -> Searcher:
        """The hybrid with the weight that was found. Raises `MissingWeights` where none was."""
        if setting.random_weights:
            return resolve(parse(self.weighted(1)), setting)
        scores = self._found(setting)
        best = max(self.weights, key=lambda weight: scores[f"{weight:g}"])
        tuned = {"on": self.tuned_on, "measure": self.measure, "weight": best, "scores": scores}
        return _Hybrid(resolve(parse(self.weighted(best)), setting), tuned)

    def missing(self) -> str:
        """What is lacking for the first seed, in a few words."""
        known = (Cache.default().root / "trained").glob(f"{file_name(self.name)}-seed0-*/{_FACTS}")
        return missing_for(parse(self.weighted(1))) or ("" if any(known) else self._advice(0))

    def variant(self, summary: str) -> Variant:
        """The variant of this hybrid."""
        return Variant(self.build, summary, self.missing, "trained here (`retriever-bench train`)", self)

    def _advice(self, seed: int) -> str:
        seeded = f" --seed {seed}" if seed else ""
        return f"{self.name} has no weight yet: `retriever-bench train --variant {self.name}{seeded}`"

    def _found(self, setting: Setting) -> dict[str, float]:
        try:
            path = self._folder(setting, Cache.default()) / _FACTS
        except BenchError as error:
            raise MissingWeights(f"{self._advice(setting.seed)} ({error})") from None
        if not path.exists():
            raise MissingWeights(self._advice(setting.seed))
        found: dict[str, float] = json.loads(path.read_text("utf-8"))
        return found

    def _folder(self, setting: Setting, cache: Cache) -> Path:
        """Where the weight lies: named by all that it depends on."""
        collection = open_collection(self.tuned_on, cache)
        depends = fingerprint({
            "searchers": [dict(self._searcher(weight, setting, collection).protocol) for weight in self.weights],
            "collection": collection.protocol, "measure": self.measure, "provider": provider(self.measure),
        })  # fmt: skip
        return cache.root / "trained" / f"{file_name(self.name)}-seed{setting.seed}-{depends}"

    def _searcher(self, weight: float, setting: Setting, collection: Collection) -> Searcher:
        there = replace(setting, collection=self.tuned_on, language=collection.conventions.language)
        return resolve(parse(self.weighted(weight)), there)

    def _scores(self, setting: Setting, cache: Cache) -> dict[str, float]:
        """The mean of each weight over the queries of the development split, to six digits as in a record."""
        collection = open_collection(self.tuned_on, cache)
        queries, judgments = collection.queries(), collection.judgments()
        scores = {}
        for weight in self.weights:
            searcher = self._searcher(weight, setting, collection)
            open_indexes(searcher, collection, cache)
            run = search(searcher, queries, depth_of([self.measure]))
            scores[f"{weight:g}"] = round(mean(evaluate(run, judgments, [self.measure])[self.measure]), 6)
        return scores


class _Hybrid:
    """A hybrid whose protocol says where its weight is from."""

    def __init__(self, hybrid: Searcher, tuned: Mapping[str, Any]) -> None:
        self.parts, self._tuned = (hybrid,), tuned

    @property
    def protocol(self) -> Mapping[str, Any]:
        """That of the hybrid, and how its weight was found."""
        return {**self.parts[0].protocol, "tuned": dict(self._tuned)}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """As the hybrid does."""
        return self.parts[0].search(queries, depth)
