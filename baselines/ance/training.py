"""ANCE's training (Xiong et al. 2021, sections 3 to 5): each pair against one negative, and where that is from.

`kinds` says where: "mined" (what `miner` ranks high: BM25 for the warm-up), "random" (any document), "index" (what the
model itself ranks high, refreshed while it trains). Of several kinds a pair's negative is each as often. With no
kind and `in_batch` the negatives are the documents of the batch's other pairs. All of them go through one loss.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.ance.negatives import Places, overlap
from baselines.ance.refreshing import Refreshing
from baselines.training.finetuning import FineTuning
from baselines.training.negatives import Candidates
from baselines.training.objective import Footprint, Loss, pair_footprint
from baselines.training.towers import Towers
from baselines.training.trained import Materials
from benchmarks.errors import UsageError

_LAYER = re.compile(r"\.layer\.(\d+)\.")
_THIRDS = ("bottom", "middle", "top")
_POSITIVE = "batch"
"""What a pair's document is to the other pairs."""


class OneNegative(FineTuning):
    """Takes `kinds`; for "index" what `Refreshing` takes; `overlap` (0: not looked at), how many are a query's best.

    The loss is minus the log of exp(s+) / (exp(s+) + exp(s-)), averaged over the pairs (section 2, the negative log
    likelihood of a positive and a negative), s an inner product divided by `temperature`.
    """

    def __init__(self, towers: Towers, materials: Materials) -> None:
        super().__init__(towers, materials)
        self._kinds: Sequence[str] = self._options["kinds"]
        self._refreshing = Refreshing(materials, self._data, towers.save)
        sources = {"mined": self._mined, "random": self._random, "index": self._refreshing.drawn}
        if unknown := set(self._kinds) - set(sources):
            raise UsageError(f"no kind {min(unknown)!r} of negatives; known: {', '.join(sources)}")
        self._drawn = {kind: sources[kind] for kind in self._kinds}
        if "index" in self._kinds:
            self._refreshing.begin()
        self._age: dict[str, float] = {}
        self._said: dict[str, float] = {}
        self._brought: list[str] = []
        self._squares: list[torch.Tensor] = []

    def loss(self, step: int) -> Loss:
        """The loss of the pairs of `step`, with that of each kind of negative, and how old the index is."""
        if "index" in self._kinds and step % self._recipe.accumulate == 0:
            self._age = self._refreshing.before(step // self._recipe.accumulate)
        found = super().loss(step)
        return replace(found, said={**found.said, **self._age, **self._said})

    def candidates(self, pairs: list[tuple[str, str]], step: int) -> Candidates:
        """The documents of the pairs, and then one negative each, where there is a kind that has one."""
        rng = np.random.default_rng([self._seed, step])
        documents, owners = [document for _, document in pairs], list(range(len(pairs)))
        self._brought = [_POSITIVE] * len(pairs)
        for place, (query, _) in enumerate(pairs if self._kinds else ()):
            kind = self._kinds[int(rng.integers(len(self._kinds)))]
            if negative := self._drawn[kind](query, rng):
                documents.append(negative)
                owners.append(place)
                self._brought.append(kind)
        return Candidates(documents, owners)

    def value(self, asked: torch.Tensor, found: torch.Tensor, forbidden: torch.Tensor) -> torch.Tensor:
        """As `FineTuning` has it; what each kind of negative costs by itself is kept for the log."""
        self._said = self._by_kind(asked.detach(), found.detach(), forbidden)
        for vectors in (asked, found):
            if vectors.requires_grad:
                vectors.register_hook(  # type: ignore[no-untyped-call]
                    lambda gradient: self._squares.append(gradient.square().sum())
                )
        return super().value(asked, found, forbidden)

    def watched(self) -> dict[str, float]:
        """Norms of a step's gradients: of the layers in thirds, and of the vectors, the last layer's own (section 3)."""
        layers: dict[str, list[torch.Tensor]] = {}
        count = 1 + max(
            (int(n) for name, _ in self.model.named_parameters() for n in _LAYER.findall(name)), default=0
        )
        for name, parameter in self.model.named_parameters():
            if (place := _LAYER.search(name)) and parameter.grad is not None:
                third = _THIRDS[int(3 * (int(place[1]) + 0.5) / count)]
                layers.setdefault(third, []).append(parameter.grad)
        norms = {
            f"gradient_{third}": float(torch.nn.utils.get_total_norm(found))
            for third, found in layers.items()
        }
        vectors = float(torch.stack(self._squares).sum().sqrt()) if self._squares else 0.0
        self._squares = []
        return {**norms, "gradient_vectors": vectors}

    def hindsight(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
        """Of each step, how many of its negatives are among the best of their queries now (section 6.2, figure 3)."""
        best = self._options.get("overlap", 0)
        if not best:
            return {}
        top = self._refreshing.final(best)
        return {"overlap": [self._overlap(entry, top) for entry in entries]}

    def footprint(self) -> Footprint:
        """Queries, their documents and a negative each; and what refreshes: the weights once more."""
        weights = sum(p.numel() for p in self.model.parameters()) if "index" in self._kinds else 0
        return replace(pair_footprint(self._recipe, 2 + bool(self._kinds)), extra_bytes=4 * weights)

    def save(self, folder: Path) -> None:
        """The towers, when the training is over: nobody waits for a refresh any more."""
        self._refreshing.end()
        super().save(folder)

    def _mined(self, query: str, rng: np.random.Generator) -> str | None:
        found = self._negatives.mined.get(query)
        return found[rng.integers(len(found))] if found else None

    def _random(self, _query: str, rng: np.random.Generator) -> str | None:
        return self._data.drawn(1, rng)[0]

    def _by_kind(self, asked: torch.Tensor, found: torch.Tensor, forbidden: torch.Tensor) -> dict[str, float]:
        """The mean of log(1 + exp(s- - s+)) over the negatives of each kind."""
        scores = self.scores(asked, found) / self._options["temperature"]
        costs = torch.nn.functional.softplus(scores - scores.diagonal()[:, None])
        compared = ~forbidden & ~torch.eye(*scores.shape, dtype=torch.bool, device=scores.device)
        said = {}
        for kind in dict.fromkeys(self._brought):
            these = compared & torch.tensor([kind == one for one in self._brought], device=scores.device)
            if these.any():
                said[f"loss_{kind}"] = float(costs[these].mean())
        return said

    def _overlap(self, entry: Mapping[str, Any], top: Places) -> float:
        if "index" in self._kinds:
            self._refreshing.use(int(entry["negatives_of"]))
        step = (entry["step"] - 1) * self._recipe.accumulate
        pairs = self._data.batch(step, self._recipe.batch, self._seed)
        candidates = self.candidates(pairs, step)
        in_batch = self._options.get("in_batch", True)
        compared = ~candidates.forbidden(pairs, self._data, in_batch=in_batch)
        np.fill_diagonal(compared, val=False)
        rows = [self._refreshing.rows[query] for query, _ in pairs]
        return overlap(self._data.positions(candidates.documents), compared, top[rows])
