"""The record of one cell (variant x collection): what was done, what came out, what it cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.evaluation.measures import Scores, mean
from benchmarks.protocol import Protocol

SCHEMA = 1
_DIGITS = 6


@dataclass(frozen=True)
class Record:
    """One cell's measurements. `counts` says how many documents, queries and problems there were.

    A cell that reads has answers beside its run, and their hash; `training` is what was spent on an
    encoder that was trained here.
    """

    spec: str
    collection: str
    rung: str
    protocol: Protocol
    counts: Mapping[str, int]
    scores: Scores
    efficiency: Mapping[str, Any]
    environment: Mapping[str, Any]
    seed: int
    run_sha256: str
    answers_sha256: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)

    @property
    def means(self) -> dict[str, float]:
        """Each measure's mean over all judged queries, to six decimals."""
        return {name: round(mean(values), _DIGITS) for name, values in self.scores.items()}

    def with_efficiency(self, efficiency: Mapping[str, Any]) -> Record:
        """The same measurements with another cost."""
        return replace(self, efficiency=efficiency)

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, with its digest: any changed digit shows."""
        value = {
            "schema": SCHEMA,
            "spec": self.spec,
            "collection": self.collection,
            "rung": self.rung,
            "fingerprint": self.protocol.fingerprint,
            "protocol": self.protocol.to_json(),
            "counts": dict(self.counts),
            "means": self.means,
            "scores": self.scores,
            "efficiency": dict(self.efficiency),
            "environment": dict(self.environment),
            "seed": self.seed,
            "run_sha256": self.run_sha256,
            **({"answers_sha256": self.answers_sha256} if self.answers_sha256 else {}),
            **({"training": dict(self.training)} if self.training else {}),
            **({"generation": dict(self.generation)} if self.generation else {}),
        }
        return {**value, "digest": digest_of(value)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Record:
        """The inverse of `to_json`, for a value that fits the schema."""
        return cls(
            spec=value["spec"],
            collection=value["collection"],
            rung=value["rung"],
            protocol=Protocol.from_json(value["protocol"]),
            counts=value["counts"],
            scores=value["scores"],
            efficiency=value["efficiency"],
            environment=value["environment"],
            seed=value["seed"],
            run_sha256=value["run_sha256"],
            answers_sha256=value.get("answers_sha256", ""),
            training=value.get("training", {}),
            generation=value.get("generation", {}),
        )


def rounded(scores: Scores) -> Scores:
    """Scores to six decimals: what a record keeps, and what its means are taken over."""
    return {
        name: {query: round(float(value), _DIGITS) for query, value in values.items()}
        for name, values in scores.items()
    }


def digest_of(value: Mapping[str, Any]) -> str:
    """The SHA-256 of a record's canonical JSON, its `digest` left out."""
    content = {name: part for name, part in value.items() if name != "digest"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
