"""The plugin registry: baselines are declared, entry points make them known.

A distribution adds a baseline with an entry point in the group `retriever_bench.baselines`
that names a `Baseline` value. Declaring imports nothing heavy: `Variant.build` does.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from benchmarks.errors import BenchError, UnknownName, UsageError
from benchmarks.interfaces import Encoder, Reader, Scorer, Searcher, Setting, TokenEncoder
from benchmarks.progress import Progress
from benchmarks.spec import Leaf, Spec

GROUP = "retriever_bench.baselines"


@dataclass(frozen=True)
class Paper:
    """Where a method was published, and in a few sentences what it contributed."""

    title: str
    authors: str
    year: int
    arxiv: str = ""
    acl: str = ""
    contribution: str = ""

    @property
    def url(self) -> str:
        """Where it can be read: arXiv, or the ACL Anthology."""
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else f"https://aclanthology.org/{self.acl}"


def _nothing_missing() -> str:
    return ""


Buildable = Encoder | TokenEncoder | Searcher | Scorer | Reader
"""What a variant may be."""


@dataclass(frozen=True)
class Variant:
    """One configuration of a baseline.

    `build` makes the encoder, retriever or reader; `missing` says in a few words what this machine
    lacks for it, or nothing; `needs` names what any machine needs for it (a checkpoint, pinned).

    A variant that is trained here has `train`: it makes the checkpoint for the setting's seed, goes on
    with one that was killed, or finds it finished, and returns its folder; it raises `BenchError`s. Its
    name begins with a profile (`lab:enhanced`, `paper`), and its results stand on the lab rung. `build`
    raises `MissingWeights` for a seed that was not trained, and its protocol tells seeds apart.

    One that `reads_judgments` shows what would be possible; it competes with no other.
    """

    build: Callable[[Setting], Buildable]
    summary: str
    missing: Callable[[], str] = _nothing_missing
    needs: str = ""
    train: Callable[[Setting, Progress], Path] | None = None
    reads_judgments: bool = False

    @property
    def trained_here(self) -> bool:
        """Whether its weights are made here."""
        return self.train is not None


@dataclass(frozen=True)
class Baseline:
    """A paper, or a reference, as a plugin.

    `published`, `claims` and `recipe` are TOML files: the numbers that were printed, what was concluded, and how it trains.
    """

    key: str
    summary: str
    variants: Mapping[str, Variant]
    paper: Paper | None = None
    published: Path | None = None
    claims: Path | None = None
    recipe: Path | None = None
    default: str = field(default="")

    def __post_init__(self) -> None:
        if not self.variants:
            raise UsageError(f"baseline {self.key!r} declares no variant")
        if not self.default:
            object.__setattr__(self, "default", next(iter(self.variants)))

    def variant(self, name: str | None) -> Variant:
        """A variant by name, or the default. Raises `UnknownName`."""
        chosen = name or self.default
        if chosen not in self.variants:
            raise UnknownName(f"variant of {self.key}", chosen, self.variants)
        return self.variants[chosen]

    @property
    def profiles(self) -> dict[str, dict[str, Variant]]:
        """The variants that are trained here, by profile, by name."""
        found: dict[str, dict[str, Variant]] = {}
        for name, variant in self.variants.items():
            if variant.trained_here:
                found.setdefault(profile_of(name), {})[name] = variant
        return found


def profile_of(variant: str) -> str:
    """The profile that the name of a trained variant begins with."""
    return variant.partition(":")[0]


@functools.cache
def baselines() -> dict[str, Baseline]:
    """All installed baselines by key, sorted. Raises `UsageError` when two claim one key."""
    found: dict[str, Baseline] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            baseline = point.load()
        except Exception as error:  # whatever a stranger's module raises
            if isinstance(error, BenchError) and _is_own(point):
                raise  # somebody's own file is wrong: without what it declares nothing would be as it was asked for
            what = str(error) if isinstance(error, BenchError) else repr(error)
            print(
                f"retriever-bench: plugin {point.name!r} ({point.value}) is left out: {what}", file=sys.stderr
            )
            continue
        if not isinstance(baseline, Baseline):
            raise UsageError(f"entry point {point.name!r} ({point.value}) is not a Baseline")
        if baseline.key in found:
            raise UsageError(f"two plugins declare the baseline {baseline.key!r}; remove one ({point.value})")
        found[baseline.key] = baseline
    return dict(sorted(found.items()))


def _is_own(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == "retriever-bench"


def variant_of(leaf: Leaf) -> tuple[Baseline, Variant]:
    """The baseline and variant a leaf of a spec names. Raises `UnknownName`."""
    known = baselines()
    if leaf.baseline not in known:
        raise UnknownName("baseline", leaf.baseline, known)
    baseline = known[leaf.baseline]
    return baseline, baseline.variant(leaf.variant)


def canonical(leaf: Leaf) -> Leaf:
    """The leaf with its variant spelled out, so that one thing has one name."""
    baseline, _ = variant_of(leaf)
    return Leaf(leaf.baseline, leaf.variant or baseline.default, leaf.index)


def trained_leaves(spec: Spec) -> tuple[Leaf, ...]:
    """The variants of a spec that are trained here, once each and without an index.

    What is not installed, such as the plugin of an old record, is not known to be trained.
    """
    found = []
    for leaf in spec.leaves:
        try:
            variant = variant_of(leaf)[1]
        except UnknownName:
            continue
        if variant.trained_here:
            found.append(replace(canonical(leaf), index=None))
    return tuple(dict.fromkeys(found))
