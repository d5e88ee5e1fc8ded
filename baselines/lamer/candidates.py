"""What LameR shows the model (Shen et al. 2023, section 4): the query and the M best documents of a first stage.

For the ablations of section 5 other documents stand in their place: `gold`, those that are judged relevant, as
an upper bound that knows the answers, and `hard`, the best of those that are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.generation.prompts import Prompt, Template
from benchmarks.interfaces import Cost, Document, Judgments, Query, Searcher
from benchmarks.retrieval.texts import TextStore


class WithCandidates:
    """Prompts that show documents; their texts are kept in its index.

    `judgments` are read for `gold` and `hard` alone. With `drop_self` a query's own document is never shown.
    """

    index_protocol = TextStore.PROTOCOL

    def __init__(
        self,
        first: Searcher,
        template: Template,
        count: int,
        shorten: Callable[[str], str],
        kind: str = "retrieved",
        judgments: Callable[[], Judgments] = dict,
        drop_self: bool = False,
    ) -> None:
        self.parts = (first,)
        self._template, self._count, self._shorten = template, count, shorten
        self._kind, self._judgments, self._drop_self = kind, judgments, drop_self
        self._texts: TextStore

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Who finds how many documents of which kind."""
        return {"candidates": self._count, "shown": self._kind, "first": dict(self.parts[0].protocol)}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Keep the documents' texts."""
        self._texts = TextStore(folder)
        self._texts.build(documents)

    def cost_of(self, sample: Sequence[Document]) -> Cost:
        """What keeping the texts of `sample` takes."""
        return TextStore.cost_of(sample)

    def prompts(self, queries: Sequence[Query]) -> list[Prompt]:
        """The template with each query and its documents, numbered from 1, each on a line of its own."""
        return [
            self._prompt(query, ids) for query, ids in zip(queries, self._candidates(queries), strict=True)
        ]

    def _prompt(self, query: Query, ids: Sequence[str]) -> Prompt:
        asked = self._shorten(query.text)
        texts = [" ".join(self._shorten(document.contents).split()) for document in self._texts.get(ids)]
        listed = "\n".join(f"{number}.{text}" for number, text in enumerate(texts, start=1))
        filled = self._template.fill({"query": asked, "candidates": listed})
        return Prompt(query.id, filled, tuple(ids), cut=asked != query.text)

    def _candidates(self, queries: Sequence[Query]) -> list[list[str]]:
        judged = {} if self._kind == "retrieved" else self._judgments()
        # The query's own document, and what is judged relevant, may have to be left out.
        most = max((len(judged.get(query.id, {})) for query in queries), default=0)
        depth = self._count + 1 + (most if self._kind == "hard" else 0)
        found = self.parts[0].search(queries, depth)
        return [
            self._chosen(query.id, ranking.ids, judged.get(query.id, {}))
            for query, ranking in zip(queries, found, strict=True)
        ]

    def _chosen(self, query: str, found: Sequence[str], grades: Mapping[str, float]) -> list[str]:
        own = {query} if self._drop_self else set()
        relevant = sorted(
            (id for id in grades.keys() - own if grades[id] > 0), key=lambda id: (-grades[id], id)
        )
        if self._kind == "gold" and (there := self._in_collection(relevant)):
            return there[: self._count]
        others = own | set(relevant) if self._kind == "hard" else own
        return [id for id in found if id not in others][: self._count]

    def _in_collection(self, ids: Sequence[str]) -> list[str]:
        """Judgments may speak of documents that a collection leaves out."""
        return [id for id, place in zip(ids, self._texts.positions(ids).tolist(), strict=True) if place >= 0]
