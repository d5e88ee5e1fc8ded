"""A plugin whose encoder is "trained": a file with twenty-six weights drawn from the seed, one a letter."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import Baseline, Document, Setting, Variant
from benchmarks.errors import BenchError, MissingWeights, Unavailable
from benchmarks.interfaces import FloatArray
from benchmarks.progress import Progress

SUITES = Path(__file__).with_name("experiments.toml")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
STEPS = 10


def place(name: str, seed: int) -> Path:
    """Where the weights of a variant lie."""
    return Path(os.environ["RETRIEVER_BENCH_CACHE"], "trainee", f"{name.replace(':', '.')}-{seed}.json")


class Trainee:
    """Weighted counts of letters."""

    def __init__(self, name: str, setting: Setting) -> None:
        self._name, self._setting = name, setting

    def _weights(self) -> list[float]:
        if self._setting.random_weights:
            return [1.0] * len(LETTERS)
        path = place(self._name, self._setting.seed)
        if not path.exists():
            raise MissingWeights(
                f"needs {self._name}, seed {self._setting.seed}; `retriever-bench train` makes it"
            )
        weights: list[float] = json.loads(path.read_text())
        return weights

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The weights, by their hash."""
        return {"model": self._name, "weights": hashlib.sha256(str(self._weights()).encode()).hexdigest()}

    @property
    def training(self) -> Mapping[str, Any]:
        """Made up, and different for each seed, but for the steps."""
        seconds = 2.0 + self._setting.seed
        return {"steps": STEPS, "seconds": seconds, "tokens": 12_345, "parameters": 26, "device": "a hand"}

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), 26]."""
        counts = [[text.lower().count(letter) for letter in LETTERS] for text in texts]
        vectors = np.array(counts, dtype=np.float32).reshape(-1, len(LETTERS)) * np.float32(self._weights())
        return vectors / np.maximum(1, np.linalg.norm(vectors, axis=1, keepdims=True))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """As queries."""
        return self.encode_queries([document.contents for document in documents])


class Forgetful(Trainee):
    """Its protocol does not tell one seed's weights from another's."""

    @property
    def protocol(self) -> Mapping[str, Any]:
        """No word of the weights."""
        self._weights()
        return {"model": self._name}


def train(name: str) -> Callable[[Setting, Progress], Path]:
    """Writes the weights where they are not, and says so."""

    def run(setting: Setting, progress: Progress) -> Path:
        path = place(name, setting.seed)
        if not path.exists():
            progress.say(f"training {name}, seed {setting.seed}")
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn = np.random.default_rng([setting.seed, len(name)]).random(len(LETTERS))
            path.write_text(json.dumps([round(weight, 3) for weight in drawn.tolist()]))
        return path.parent

    return run


def no_gpu(setting: Setting, progress: Progress) -> Path:
    """What cannot be trained here."""
    raise Unavailable("needs a GPU; train it where there is one")


def diverges(setting: Setting, progress: Progress) -> Path:
    """What fails while it is trained."""
    raise BenchError(f"seed {setting.seed}: the loss is not finite; lower the learning rate")


def variant(
    name: str, how: Callable[[Setting, Progress], Path], made: type[Trainee] = Trainee
) -> tuple[str, Variant]:
    """A variant by its name."""
    return name, Variant(lambda setting: made(name, setting), f"trained as {name}", train=how)


baseline = Baseline(
    key="trainee",
    summary="letters, weighed",
    variants=dict([
        ("untrained", Variant(lambda setting: Trainee("u", Setting(random_weights=True)), "equal weights")),
        variant("lab:plain", train("lab:plain")),
        variant("lab:longer", train("lab:longer")),
        variant("lab:forgetful", train("lab:forgetful"), Forgetful),
        variant("lab:unstable", diverges),
        variant("paper:large", no_gpu),
    ]),
)  # fmt: skip
