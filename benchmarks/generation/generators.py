"""Generators: what answers prompts, declared in TOML by name.

    [my-llama]
    kind = "endpoint"                an OpenAI-compatible server, `transformers`, `recorded` or `imported`
    model = "llama-3.1-8b-instruct"
    base_url = "http://127.0.0.1:8000/v1"
    temperature = 0.7
    max_tokens = 256
    price_in = 0.5                   US dollars a million tokens
    price_out = 1.5
    budget_usd = 2.0                 a run stops before it would pass this, or `budget_tokens`; 0 is no limit

Also: `top_p`, `stop`, `samples` (answers to one prompt at most), `concurrency` (16), `timeout` (60 seconds), `attempts` (6),
and for `recorded` `file`, `template` and `origin` (in words).

Plugins name such files with entry points in the group `retriever_bench.generators`; a user's own is named by
`RETRIEVER_BENCH_GENERATORS`. A key is read from `OPENAI_API_KEY`, and from nowhere else.
"""

from __future__ import annotations

import functools
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from benchmarks.errors import MissingData, UnknownName, UsageError

GROUP = "retriever_bench.generators"
_LEAST = {
    "samples": 0, "max_tokens": 1, "concurrency": 1, "timeout": 0.1, "attempts": 1, "price_in": 0, "price_out": 0,
    "budget_usd": 0, "budget_tokens": 0,
}  # fmt: skip
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("kind", "model", "origin", "base_url", "file", "template"), str),
    **dict.fromkeys(("samples", "max_tokens", "concurrency", "attempts", "budget_tokens"), int),
    **dict.fromkeys(("temperature", "top_p", "timeout", "price_in", "price_out", "budget_usd"), (int, float)),
    "stop": tuple,
}
_NAME = re.compile(r"[A-Za-z0-9_.+-]+")
OWN = "RETRIEVER_BENCH_GENERATORS"
KINDS = {
    "endpoint": "an OpenAI-compatible server",
    "transformers": "a model on this machine",
    "recorded": "a file of answers by query, made elsewhere",
    "imported": "answers brought by `generations import`",
}


@dataclass(frozen=True)
class Generator:
    """A model and how it is asked.

    `samples` are the most answers that it gives to one prompt, 0 as many as are asked for. `file`, `template` and
    `origin` are for `recorded`: the file lies below `RETRIEVER_BENCH_DATA` and answers one template, and `origin` says
    in words who made it.
    """

    name: str
    kind: str
    model: str
    origin: str = ""
    samples: int = 0
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int = 256
    stop: tuple[str, ...] = ()
    base_url: str = ""
    concurrency: int = 16
    timeout: float = 60.0
    attempts: int = 6
    price_in: float = 0.0
    price_out: float = 0.0
    budget_usd: float = 0.0
    budget_tokens: int = 0
    file: str = ""
    template: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownName(f"kind of generator ({self.name})", self.kind, KINDS)
        if self.budget_usd and not self.priced:
            raise UsageError(f"generator {self.name}: a budget in dollars needs `price_in` and `price_out`")
        if self.kind == "recorded" and not (self.file and self.template):
            raise UsageError(f"generator {self.name}: recorded answers need `file` and `template`")
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"generator {self.name}: {name} is at least {least}")

    @property
    def sampling(self) -> dict[str, Any]:
        """What an answer depends on besides the prompt and the model, as far as it is declared."""
        given = {"temperature": self.temperature, "top_p": self.top_p, "stop": list(self.stop)}
        said = {name: value for name, value in given.items() if value not in (None, [])}
        return said if self.kind == "imported" else {**said, "max_tokens": self.max_tokens}

    @property
    def protocol(self) -> dict[str, Any]:
        """The model and its sampling; where it runs moves no number."""
        return {"name": self.name, "kind": self.kind, "model": self.model, "sampling": self.sampling}

    @property
    def priced(self) -> bool:
        """Whether answers cost something."""
        return bool(self.price_in or self.price_out)

    @property
    def at_once(self) -> int:
        """Requests under way together; one for a model of this machine, whose draws share one generator of numbers."""
        return 1 if self.kind == "transformers" else self.concurrency

    def limited(self, samples: int) -> int:
        """`samples`, or as many as it gives."""
        return min(samples, self.samples) if self.samples else samples

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """US dollars."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


@functools.cache
def generators() -> dict[str, Generator]:
    """All declared generators by name. Raises `UsageError` for a file that declares one wrongly."""
    found: dict[str, Generator] = {}
    paths = [point.load() for point in sorted(entry_points(group=GROUP), key=lambda point: point.name)]
    if own := os.environ.get(OWN):
        paths.append(Path(own))
    for path in paths:
        for name, values in _read(path).items():
            if name in found:
                raise UsageError(f"{path}: a generator named {name!r} is declared twice; rename one")
            found[name] = _generator(path, name, values)
    return found


def _read(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise MissingData(
            f"{path} is not there; {OWN} names the file that declares your generators"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None


def _generator(path: Path, name: str, values: Mapping[str, Any]) -> Generator:
    if not isinstance(values, Mapping):
        raise UsageError(f"{path}: {name} is no table; a generator is [NAME] with `kind` and `model`")
    if not _NAME.fullmatch(name):
        raise UsageError(f"{path}: {name!r} cannot stand in a spec; letters, digits and . _ + - can")
    known = {entry.name for entry in fields(Generator)} - {"name"}
    if "api_key" in values:
        raise UsageError(f"{path}: {name}: a key does not belong in a file; it is read from OPENAI_API_KEY")
    if unknown := sorted(set(values) - known):
        raise UnknownName(f"setting of a generator ({path}: {name})", unknown[0], known)
    if lacking := {"kind", "model"} - set(values):
        raise UsageError(f"{path}: {name} lacks {' and '.join(sorted(lacking))}")
    stop = values.get("stop", [])
    given = {**values, "stop": (stop,) if isinstance(stop, str) else tuple(stop)}
    for key, value in given.items():
        if not isinstance(value, _TYPES[key]) or isinstance(value, bool):
            raise UsageError(f"{path}: {name}: {key} cannot be {value!r}")
    return Generator(name, **given)
