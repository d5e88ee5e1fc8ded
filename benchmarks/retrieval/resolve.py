"""From a spec to something that answers queries, with its indexes open."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import Collection
from benchmarks.collections.conventions import conventions_of
from benchmarks.errors import UsageError
from benchmarks.evaluation.measures import needs_answers
from benchmarks.interfaces import (
    Document,
    Encoder,
    Indexed,
    Reader,
    Scorer,
    ScoringSearcher,
    Searcher,
    Setting,
    TokenEncoder,
)
from benchmarks.protocol import fingerprint
from benchmarks.registry import Variant, canonical, variant_of
from benchmarks.retrieval.compositions import (
    Fusion,
    Reranking,
    Union,
    raw_sum,
    reciprocal_rank,
    weighted_sum,
)
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.latekeys import is_for_tokens, late_interaction
from benchmarks.retrieval.parts import parts_of
from benchmarks.retrieval.reading import Reading
from benchmarks.retrieval.sentences import LinearClassification, PairSimilarity
from benchmarks.retrieval.texts import STREAMED, TextStore
from benchmarks.spec import Composition, Leaf, Spec, parse
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache, bytes_below

_FACTS = "build-"
Track = Callable[[Iterator[Document]], Iterator[Document]]


def canonical_spec(spec: Spec) -> Spec:
    """The spec with every default variant spelled out. Raises `UnknownName`."""
    if isinstance(spec, Leaf):
        return canonical(spec)
    parts = tuple(canonical_spec(part) for part in spec.parts)
    return Composition(spec.function, parts, spec.weights, spec.settings)


def missing_for(spec: Spec) -> str:
    """What this machine lacks for a spec, in a few words; nothing when it can run."""
    lacking = (variant_of(leaf)[1].missing() for leaf in spec.leaves)
    return next((words for words in lacking if words), "")


def resolve(spec: Spec, setting: Setting) -> Searcher:
    """Build what a spec names, without loading weights or opening indexes. Raises `UsageError`."""
    kind = conventions_of(setting.collection).kind
    if kind != "retrieval":
        return _sentence_task(spec, setting, kind)
    built = resolve_part(spec, setting)
    if not isinstance(built, Searcher):
        raise UsageError(f"{spec} orders what another retriever found; use it as rerank(FIRST,{spec})")
    return built


def composed(text: str, summary: str) -> Variant:
    """A variant that is a composition of variants under a name of its own."""
    spec = parse(text)
    return Variant(
        lambda setting: resolve(spec, setting),
        summary,
        missing=lambda: missing_for(spec),
        needs=" and ".join(map(str, spec.leaves)),
    )


def resolve_part(spec: Spec, setting: Setting) -> Searcher | Scorer:
    """What a spec names as a part of another: it need not search, it may only re-rank. Raises `UsageError`."""
    if isinstance(spec, Leaf):
        return _leaf(spec, setting)
    if spec.function in ("rerank", "read"):
        return _two_stages(spec, setting)
    parts = [resolve(part, setting) for part in spec.parts]
    weights = spec.weights or (1.0,) * len(parts)
    depth = int(spec.setting("depth"))
    match spec.function:
        case "rrf":
            k = spec.setting("k")
            return Fusion(parts, reciprocal_rank(k), {"function": "reciprocal rank", "k": k})
        case "wsum":
            how = {"function": "weighted min-max sum", "weights": list(weights)}
            return Fusion(parts, weighted_sum(weights), how)
        case "sum":
            raw: dict[str, Any] = {"function": "weighted sum", "weights": list(weights), "candidates": depth}
            return Fusion(parts, raw_sum(weights), raw, depth)
        case _:
            pairs = zip(spec.parts, parts, strict=True)
            return Union([_scoring(spec, part, built) for part, built in pairs], weights, depth)


def _scorer(spec: Spec, part: Spec, setting: Setting) -> Scorer:
    built = resolve_part(part, setting)
    if not isinstance(built, Scorer):
        raise _cannot_score(spec, part)
    return built


def _scoring(spec: Spec, part: Spec, built: Searcher) -> ScoringSearcher:
    if not isinstance(built, ScoringSearcher):
        raise _cannot_score(spec, part)
    return built


def _cannot_score(spec: Spec, part: Spec) -> UsageError:
    return UsageError(f"{spec}: {part} cannot score given documents, so it cannot re-rank")


def _two_stages(spec: Composition, setting: Setting) -> Searcher:
    first, depth = resolve(spec.parts[0], setting), int(spec.setting("depth"))
    if spec.function == "read":
        return Reading(first, _reader(spec, spec.parts[1], setting), depth)
    return Reranking(first, _scorer(spec, spec.parts[1], setting), depth)


def _reader(spec: Spec, part: Spec, setting: Setting) -> Reader:
    built = variant_of(part)[1].build(setting) if isinstance(part, Leaf) and not part.index else None
    if not isinstance(built, Reader):
        raise UsageError(f"{spec}: {part} is not a reader (protocol, read)")
    return built


def is_reader(built: object) -> bool:
    """Whether a variant reads. Asked of the class: the object would look at its protocol, and that at its weights."""
    return hasattr(type(built), "read")


def _leaf(spec: Leaf, setting: Setting) -> Searcher | Scorer:
    built = variant_of(spec)[1].build(setting)
    if is_reader(built):
        raise UsageError(f"{spec} reads what a retriever found; use it as read(FIRST,{spec})")
    if isinstance(built, TokenEncoder):
        return late_interaction(built, spec.index, setting.seed)
    if isinstance(built, Encoder):
        if is_for_tokens(spec.index):
            raise UsageError(f"{spec}: {spec.baseline} gives one vector a text; @{spec.index} is for several")
        return DenseRetriever(built, spec.index, setting.seed)
    if spec.index is not None:
        raise UsageError(f"{spec}: {spec.baseline} brings its own index; leave out @{spec.index}")
    if not isinstance(built, (Searcher, Scorer)):
        raise UsageError(
            f"{spec}: {type(built).__name__} is neither an Encoder (protocol, encode_queries, encode_documents) "
            "nor a Retriever (protocol, index, search)"
        )
    return built


def _sentence_task(spec: Spec, setting: Setting, kind: str) -> Searcher:
    """What sentence collections ask of an encoder, on the encoder alone: no index, no composition."""
    if isinstance(spec, Composition) or spec.index is not None:
        raise UsageError(f"{spec}: sentence collections measure one encoder; leave out index and fusion")
    built = variant_of(spec)[1].build(setting)
    if not isinstance(built, Encoder):
        raise UsageError(f"{spec} is no encoder; sentence collections measure encoders")
    return PairSimilarity(built) if kind == "pairs" else LinearClassification(built)


@dataclass
class Build:
    """What the indexes of a retriever weigh and took: bytes on disk, seconds by stage."""

    bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: Build) -> None:
        """Take the indexes of another part in."""
        self.bytes += other.bytes
        for name, value in other.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + value


def _untracked(documents: Iterator[Document]) -> Iterator[Document]:
    return documents


class _Documents:
    """A collection's documents, streamed anew each time they are iterated."""

    def __init__(self, collection: Collection, track: Track) -> None:
        self._collection, self._track = collection, track

    def __iter__(self) -> Iterator[Document]:
        return self._track(self._collection.documents())


def open_indexes(
    searcher: Searcher | Scorer, collection: Collection, cache: Cache, track: Track = _untracked
) -> Build:
    """Build or complete or open every index a searcher needs. `track` sees the documents go by."""
    build = Build()
    for part in indexed(searcher):
        build.add(_open_index(part, collection, cache, track))
    return build


def indexed(searcher: object) -> Iterator[Indexed]:
    """Everything in a searcher that has an index, once, parts first."""
    found: dict[int, Indexed] = {}
    for part in parts_of(searcher):
        if isinstance(part, Indexed):
            found.setdefault(id(part), part)
    yield from found.values()


def training_of(searcher: object) -> dict[str, Any]:
    """What was spent on the encoder of a searcher that was trained here; of several, a list under `parts`."""
    spent: list[dict[str, Any]] = []
    for part in parts_of(searcher):
        for owner in (getattr(part, "encoder", None), part):
            training = getattr(owner, "training", None)
            # A torch module that is an encoder has a flag of this name.
            if isinstance(training, Mapping) and training and training not in spent:
                spent.append(dict(training))
    return {"parts": spent} if len(spent) > 1 else next(iter(spent), {})


def index_folder(part: Indexed, collection: Collection, cache: Cache) -> Path:
    """Where an index lies in the cache: named by what was indexed, and how."""
    protocol = getattr(part, "index_protocol", part.protocol)
    return _index_folder(cache, collection.inspection.documents_sha256, protocol)


def is_built(folder: Path) -> bool:
    """Whether an index in this folder was once finished."""
    return any(folder.glob(f"{_FACTS}*.json"))


def _open_index(retriever: Indexed, collection: Collection, cache: Cache, track: Track) -> Build:
    folder = index_folder(retriever, collection, cache)
    with cache.locked(f"index-{folder.name}"):
        start = time.perf_counter()
        retriever.index(_Documents(collection, track), folder)
        elapsed = time.perf_counter() - start
        # Named by the whole protocol: two faiss indexes over one folder of vectors are two builds.
        facts = folder / f"{_FACTS}{fingerprint(dict(retriever.protocol))}.json"
        if not facts.exists():
            seconds = _ask(retriever, "build_seconds", lambda: {"index": elapsed})
            write_json(facts, seconds)
        measured = json.loads(facts.read_text("utf-8"))
    return Build(_ask(retriever, "index_bytes", lambda: bytes_below(folder)), measured)


def _index_folder(cache: Cache, documents_sha256: str, protocol: Mapping[str, Any]) -> Path:
    return cache.index(fingerprint({"documents": documents_sha256, "index": dict(protocol)}))


def keeps_texts(measures: Sequence[str], documents: int) -> bool:
    """Whether answers are looked for in texts that are kept: too many to be read through for each run."""
    return needs_answers(measures) and documents > STREAMED


def open_texts(collection: Collection, cache: Cache, track: Track = _untracked) -> TextStore:
    """The collection's texts by id, written where they are not."""
    folder = _index_folder(cache, collection.inspection.documents_sha256, TextStore.PROTOCOL)
    with cache.locked(f"index-{folder.name}"):
        texts = TextStore(folder)
        texts.build(_Documents(collection, track))
    return texts


def kept_texts(cache: Cache, documents_sha256: str) -> TextStore:
    """The texts of the documents with this hash, finished or not."""
    return TextStore(_index_folder(cache, documents_sha256, TextStore.PROTOCOL))


def _ask(retriever: Indexed, name: str, otherwise: Callable[[], Any]) -> Any:
    """What a retriever's optional method says, or what the bench can tell without it."""
    return getattr(retriever, name, otherwise)()
