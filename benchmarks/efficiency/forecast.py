"""What a grid would take at its real size, from a few generated documents.

Real weights are asked where they are on this machine. Where they are not, a model of the real size
with random weights is: time and bytes are the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.collections.conventions import conventions_of
from benchmarks.efficiency.estimate import documents_of
from benchmarks.errors import MissingData, MissingWeights
from benchmarks.interfaces import Cost, Costed, Document, Setting
from benchmarks.progress import gibibytes
from benchmarks.records.record import Record
from benchmarks.registry import variant_of
from benchmarks.retrieval.resolve import indexed, is_reader, keeps_texts, missing_for, resolve_part
from benchmarks.retrieval.texts import TextStore
from benchmarks.spec import Composition, Leaf, parse
from benchmarks.suites import Cell

UNKNOWN = Cost(math.nan, math.nan, math.nan)
NOTHING = Cost(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Forecast:
    """One cell at its real size. What cannot be known of its cost is not-a-number."""

    spec: str
    collection: str
    documents: int | None
    cost: Cost
    lacking: str

    def shortage(self, disk: int, memory: int) -> str:
        """Which of `disk` and `memory` (bytes) does not suffice, in a few words; nothing when both do."""
        if self.cost.disk_bytes > disk:
            return f"disk: {gibibytes(disk)} free"
        if self.cost.memory_bytes > memory:
            return f"memory: {gibibytes(memory)} available"
        return ""


def forecast(
    cells: Sequence[Cell], sample: Sequence[Document], records: Sequence[Record] = ()
) -> list[Forecast]:
    """The cost of indexing each cell's collection, as if its documents were made of the words of `sample`.

    They are as long as the collection's, where the table of conventions says how long those are.
    """
    found = []
    prices: dict[tuple[Leaf, str, int], Cost] = {}
    samples = {0: sample}
    for text, collection in cells:
        spec = parse(text)
        language, words = conventions_of(collection).language, conventions_of(collection).words
        like = samples.setdefault(words, _of_length(sample, words) if words else sample)
        documents = documents_of(collection, records)
        for leaf in spec.leaves:
            if (leaf, language, words) not in prices:
                prices[leaf, language, words] = _price(leaf, Setting(language, collection=collection), like)
        parts = [prices[leaf, language, words] for leaf in dict.fromkeys(spec.leaves)]
        measures = conventions_of(collection).measures
        reads = isinstance(spec, Composition) and spec.function == "read"
        if reads or keeps_texts(measures, documents or 0):
            parts.append(TextStore.cost_of(like))
        whole = sum(parts, NOTHING) * (documents / len(like) if documents else math.nan)
        found.append(Forecast(text, collection, documents, whole, missing_for(spec)))
    return found


def _price(leaf: Leaf, setting: Setting, sample: Sequence[Document]) -> Cost:
    variant = variant_of(leaf)[1]
    # Weights that are not here are drawn in the real size: they cost what the real ones do.
    missing = bool(variant.missing())
    setting = replace(setting, random_weights=missing, full_size=missing)
    try:
        if is_reader(variant.build(setting)):
            return NOTHING
        built = resolve_part(leaf, setting)
        costs = [part.cost_of(sample) if isinstance(part, Costed) else UNKNOWN for part in indexed(built)]
    except MissingData:
        # A ranking that comes with a collection, and is not here yet: it is never indexed.
        return NOTHING
    except MissingWeights:
        return UNKNOWN
    return sum(costs, NOTHING)


def _of_length(sample: Sequence[Document], words: int) -> list[Document]:
    """Documents of about so many words, made of those of `sample` joined."""
    found: list[Document] = []
    text: list[str] = []
    for document in sample:
        text += document.contents.split()
        while len(text) >= words:
            found.append(Document(f"{document.id}-{len(found)}", "", " ".join(text[:words])))
            del text[:words]
    return found
