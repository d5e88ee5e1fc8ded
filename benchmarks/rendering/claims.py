"""A paper's claims: what it concluded, what it printed for it, and what the measurements here say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from benchmarks.claims.claim import LOGARITHMS, Comparison, Printed
from benchmarks.claims.verdicts import CONTRADICTED, INCONCLUSIVE, LEVEL, NOT_RUN, SUPPORTED, Outcome, Verdict
from benchmarks.rendering import cells
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import code, escape, link, table

WORDS = (SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN)
_ABOUT = (
    "A verdict is a paired randomisation test over queries, averaged over collections; for correlations, which are one number "
    "a collection, the test of Meng, Rosenthal and Rubin; of a curve of training its ten stretches stand in the queries' place. It is at 5 % over all tested claims of the paper together (Holm). "
    "*Detectable* is the smallest difference that four of five such tests would find, before Holm. Scores of several seeds are "
    "averaged first; what the test does not know is what another seed would give, so that a difference on the other side with "
    "some seed decides nothing, and one of a single seed is that seed's alone. A difference is that of the side that the "
    "paper has ahead, less the other's. A comparison with what ended below its own start is not fair, and decides nothing either. A claim of several "
    "comparisons is supported when all hold, and contradicted when one does not."
)


def claim_counts(board: Board) -> str:
    """For the front page: of each paper's claims, how many have which verdict."""
    rows = []
    for key, found in board.claims.items():
        counts = Counter(one.word for one in found)
        rows.append(
            [
                link(key, f"baselines/{key}.md"),
                str(len(found)),
                *(str(counts[word] or "") for word in WORDS),
            ]
        )
    total = Counter(one.word for found in board.claims.values() for one in found)
    rows.append(["all", str(total.total()), *(str(total[word]) for word in WORDS)])
    seeds = [
        min(len(outcome.by_seed) for outcome in one.outcomes)
        for found in board.claims.values()
        for one in found
        if one.outcomes
    ]
    note = "A verdict is of the lab's size and budget, under the caveat that stands beside it: it says nothing of what the paper measured.\n\n"
    note += f"Of the {len(seeds)} tested claims {seeds.count(1)} rest on one seed of training, {seeds.count(0)} on no training here."
    return f"{table(['claims of', 'claims', *WORDS], rows)}\n\n{note}"


def claims_of(board: Board, key: str, up: str) -> list[str]:
    """The blocks of the section on a paper's page; none where it has no claims."""
    found = board.claims.get(key, [])
    if not found:
        return []
    tested = [block for one in found if one.outcomes for block in _tested(board, one, up)]
    others = [_not_run(one) for one in found if not one.outcomes]
    blocks = ["## Claims", _ABOUT, *tested] if tested else ["## Claims"]
    return [*blocks, "### Not run here", "\n".join(others)] if others else blocks


def _tested(board: Board, verdict: Verdict, up: str) -> list[str]:
    claim = verdict.claim
    said = f"**{verdict.word}** (p {_p_value(verdict.p_value)} after Holm): {escape(claim.statement)} ({_place(verdict)})."
    rungs = sorted({rung for one in verdict.outcomes for rung in one.rungs})
    here = (
        f"Here ({', '.join(rungs)}): {escape(claim.caveat)}."
        if claim.caveat
        else f"Here: {', '.join(rungs)}."
    )
    outcomes = "\n".join(
        line
        for one in verdict.outcomes
        for line in _lines(board, one, up, _standing(one) if len(verdict.outcomes) > 1 else "")
    )
    return [f"### {claim.id}", said, _printed(claim.published), here, outcomes]


def _standing(outcome: Outcome) -> str:
    """What one of several comparisons says by itself, before Holm."""
    if outcome.p_value >= LEVEL:
        return "open: "
    return "holds: " if outcome.holds else "does not hold: "


def _lines(board: Board, outcome: Outcome, up: str, standing: str) -> list[str]:
    """A comparison's test, and below it what was compared on what."""
    test, comparison = outcome.test, outcome.comparison
    low, high = test.interval
    parts = iter(outcome.parts)
    told = [f"{_measure(comparison)} {test.difference:+.4f} (95 % interval {low:+.4f} to {high:+.4f})"]
    told += [] if comparison.below is None else [f"to be below {comparison.below:g}"]
    told += [f"p {_p_value(test.p_value)}"]
    told += [] if math.isinf(test.detectable) else [f"detectable {test.detectable:.4f}"]
    told += [_seeds(outcome.by_seed)]
    compared = [
        f"  - {code(pair.better)} - {code(pair.worse)} on "
        + ", ".join(_on(board, pair.better, pair.worse, id, next(parts), up) for id in pair.collections)
        for pair in comparison.pairs
    ]
    spoilt = [f"  - no fair comparison: {escape(one)}" for one in outcome.spoilt]
    spoilt += ["  - with another seed it is the other way round"] if outcome.wavers else []
    return [f"- {standing}{', '.join(told)}:", *compared, *spoilt]


def _seeds(by_seed: Mapping[int, float]) -> str:
    if not by_seed:
        return "nothing trained here"
    if len(by_seed) == 1:
        return "1 seed"
    return f"{len(by_seed)} seeds ({', '.join(f'{one:+.4f}' for one in by_seed.values())})"


def _measure(comparison: Comparison) -> str:
    of = " (log10)" if comparison.curve == LOGARITHMS else ""
    return escape(comparison.measure) + of


def _p_value(p: float) -> str:
    return "< 0.0001" if p < 0.00005 else f"= {p:.4f}"


def _on(board: Board, better: str, worse: str, collection: str, difference: float, up: str) -> str:
    """A collection's name, the difference there, and links to both records."""
    marks = [
        cells.record_link(board, mark, next(iter(board.seeds[spec, collection].values())), up)
        for mark, spec in (("better", better), ("worse", worse))
    ]
    return f"{escape(collection)} {difference:+.4f} ({marks[0]}, {marks[1]})"


def _not_run(verdict: Verdict) -> str:
    claim = verdict.claim
    count = len(verdict.missing)
    cells_wanted = f"{count} cells, such as " if count > 1 else "one cell, "
    wanting = claim.needs or f"{cells_wanted}{code(verdict.missing[0])}"
    return f"- {escape(claim.statement)} ({_place(verdict)}): wants {escape(wanting) if claim.needs else wanting}."


def _place(verdict: Verdict) -> str:
    claim = verdict.claim
    return escape(claim.where) + ("" if claim.verified else ", recalled")


def _printed(published: tuple[Printed, ...]) -> str:
    """What the paper printed, in a sentence."""
    if not published:
        return ""
    shown = "; ".join(
        f"{escape(one.better)} {one.values[0]:g} against {escape(one.worse)} {one.values[1]:g} "
        f"({escape(one.measure)}, {escape(one.dataset)})"
        for one in published
    )
    return f"Printed: {shown}."
