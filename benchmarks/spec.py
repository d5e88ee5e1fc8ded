"""Specs: one line of text that names a retriever, and prints as it parses.

    bm25                              a baseline's default variant
    contriever:msmarco                a variant
    minilm@HNSW32                     a variant on an index, by its faiss factory key
    minilm@[IVF64,PQ48;nprobe=8]      with commas or search parameters: in brackets
    colbert:v2@[int8,IVF64,PQ16]      token vectors: how they are kept, how candidates are found, or either
    rrf(bm25:flat,minilm)             fusion by reciprocal rank (parameter: k=60)
    wsum(0.3*bm25:flat,0.7*minilm)    fusion by weighted sum of min-max normalised scores
    sum(0.1*bm25:flat,1*dpr)          by weighted sum of raw scores; what a part did not find has the
                                      lowest score of its list (depth=1000 of each part)
    union(1*bm25:flat,1.1*dpr)        the same over the union, each document scored by every part
    rerank(bm25:flat,minilm,depth=100)  the second re-orders the first's best `depth`
    read(bm25:flat,dpr:reader,depth=50)  the second, a reader, answers from the first's best `depth`

Specs nest; `read` stands outermost. Two specs are equal when they print alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from benchmarks.errors import UsageError

_SEARCH_DEFAULTS = (("HNSW", "efSearch", 256), ("IVF", "nprobe", 16))
COMPOSITIONS = ("rrf", "wsum", "sum", "union", "rerank", "read")
_WEIGHTED = ("wsum", "sum", "union")
_DEFAULTS = {
    "rrf": {"k": 60.0}, "wsum": {}, "sum": {"depth": 1000.0}, "union": {"depth": 1000.0}, "rerank": {"depth": 100.0},
    "read": {"depth": 50.0},
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*(?::[A-Za-z0-9_.+-]+)*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_KEY = re.compile(r"([a-z_]+)=([0-9]+(?:\.[0-9]+)?)")
_PLAIN_INDEX = re.compile(r"[A-Za-z0-9_]+")
_BRACKETED_INDEX = re.compile(r"\[([^\[\];]+)(?:;([A-Za-z_]+=[0-9]+(?:,[A-Za-z_]+=[0-9]+)*))?\]")


@dataclass(frozen=True)
class IndexKey:
    """A faiss factory key and its search parameters (`efSearch`, `nprobe`, ...)."""

    factory: str
    parameters: tuple[tuple[str, int], ...] = ()

    @property
    def search_parameters(self) -> dict[str, int]:
        """What a search runs with: the parameters given, and declared defaults for the rest.

        faiss' own defaults (efSearch 16, nprobe 1) are below any useful depth of a run.
        """
        defaults = {name: value for kind, name, value in _SEARCH_DEFAULTS if kind in self.factory}
        return {**defaults, **dict(self.parameters)}

    def __str__(self) -> str:
        if not self.parameters and _PLAIN_INDEX.fullmatch(self.factory):
            return self.factory
        settings = ",".join(f"{name}={value}" for name, value in self.parameters)
        return f"[{self.factory};{settings}]" if settings else f"[{self.factory}]"


@dataclass(frozen=True)
class Leaf:
    """One variant of one baseline, perhaps on an index of its own."""

    baseline: str
    variant: str | None = None
    index: IndexKey | None = None

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The variants this spec is made of: itself."""
        return (self,)

    def __str__(self) -> str:
        name = f"{self.baseline}:{self.variant}" if self.variant else self.baseline
        return f"{name}@{self.index}" if self.index else name


@dataclass(frozen=True)
class Composition:
    """Retrievers made of retrievers."""

    function: str
    parts: tuple[Spec, ...]
    weights: tuple[float, ...] = ()
    settings: tuple[tuple[str, float], ...] = ()

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """The variants this spec is made of, in order."""
        return tuple(leaf for part in self.parts for leaf in part.leaves)

    def setting(self, name: str) -> float:
        """A parameter, or its default."""
        return dict(self.settings).get(name, _DEFAULTS[self.function].get(name, 0.0))

    def __str__(self) -> str:
        weights = [f"{weight:g}*" for weight in self.weights] or [""] * len(self.parts)
        arguments = [f"{weight}{part}" for weight, part in zip(weights, self.parts, strict=True)]
        arguments += [f"{name}={value:g}" for name, value in self.settings]
        return f"{self.function}({','.join(arguments)})"


Spec = Leaf | Composition


def parse(text: str) -> Spec:
    """Read a spec. Raises `UsageError`, which shows where reading stopped."""
    parser = _Parser(text.replace(" ", ""))
    spec = parser.spec()
    if parser.rest:
        parser.fail("the end")
    return spec


class _Parser:
    """Recursive descent over the grammar of the module's docstring."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    def fail(self, expected: str) -> NoReturn:
        where = f"at {self.rest!r}" if self.rest else "at its end"
        raise UsageError(f"cannot read {self.text!r}: expected {expected} {where}; see `list --help`")

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match:
            self.at = match.end()
        return match

    def accept(self, character: str) -> bool:
        if self.rest.startswith(character):
            self.at += 1
            return True
        return False

    def spec(self) -> Spec:
        name = self.take(_NAME)
        if name is None:
            self.fail("a name")
        if self.accept("("):
            return self.composition(name.group())
        baseline, _, variant = name.group().partition(":")
        return Leaf(baseline, variant or None, self.index() if self.accept("@") else None)

    def index(self) -> IndexKey:
        if bracketed := self.take(_BRACKETED_INDEX):
            pairs = (pair.split("=") for pair in (bracketed[2] or "").split(",") if pair)
            return IndexKey(bracketed[1], tuple((name, int(value)) for name, value in pairs))
        plain = self.take(_PLAIN_INDEX)
        if plain is None:
            self.fail("a faiss factory key")
        return IndexKey(plain.group())

    def composition(self, function: str) -> Composition:
        """What stands between the parentheses: parts, weighted or not, and parameters, in any order."""
        if function not in COMPOSITIONS:
            raise UsageError(f"no composition named {function!r}; known: {', '.join(COMPOSITIONS)}")
        parts: list[Spec] = []
        weights: list[float] = []
        settings: list[tuple[str, float]] = []
        while True:
            if key := self.take(_KEY):
                settings.append((key[1], float(key[2])))
            else:
                if weight := self.take(_NUMBER):
                    weights.append(float(weight.group()))
                    if not self.accept("*"):
                        self.fail("'*' after a weight")
                parts.append(self.spec())
            if self.accept(")"):
                break
            if not self.accept(","):
                self.fail("',' or ')'")
        return _checked(Composition(function, tuple(parts), tuple(weights), tuple(settings)))


def _checked(spec: Composition) -> Composition:
    """Refuse compositions that parse but mean nothing."""
    unknown = {name for name, _ in spec.settings} - set(_DEFAULTS[spec.function])
    if unknown:
        raise UsageError(f"{spec}: {spec.function} has no parameter {', '.join(sorted(unknown))}")
    if spec.function == "rerank" and len(spec.parts) != 2:
        raise UsageError(f"{spec}: rerank takes two retrievers, the first stage and the re-ranker")
    if spec.function == "read" and not (len(spec.parts) == 2 and isinstance(spec.parts[1], Leaf)):
        raise UsageError(f"{spec}: read takes a retriever and a reader")
    if any(isinstance(part, Composition) and part.function == "read" for part in spec.parts):
        raise UsageError(f"{spec}: read stands outermost; its answers would be lost in {spec.function}")
    if len(spec.parts) < 2:
        raise UsageError(f"{spec}: {spec.function} takes at least two retrievers")
    if spec.weights and (spec.function not in _WEIGHTED or len(spec.weights) != len(spec.parts)):
        names = ", ".join(map(str, spec.parts))
        raise UsageError(
            f"{spec.function} of {names}: weights go with {', '.join(_WEIGHTED)}, one for each retriever"
        )
    if spec.weights and not any(spec.weights):
        raise UsageError(f"{spec}: all weights are 0")
    depth = spec.setting("depth") if "depth" in _DEFAULTS[spec.function] else 1
    if depth < 1 or depth % 1:
        raise UsageError(f"{spec}: depth is a whole number from 1 on")
    return spec
