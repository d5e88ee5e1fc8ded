"""The page of an experiment: its question, what was measured over seeds, and what it took to train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from benchmarks.claims.claim import claims
from benchmarks.collections.conventions import conventions_of
from benchmarks.records.record import Record
from benchmarks.registry import trained_leaves
from benchmarks.rendering import cells
from benchmarks.rendering.board import Board, odd, shared
from benchmarks.rendering.efficiency import EFFICIENCY, efficiency_tables
from benchmarks.rendering.markdown import GENERATED, code, document, escape, link, split_tables
from benchmarks.rendering.plots import Line, curves
from benchmarks.rendering.trainings import compared, start_of
from benchmarks.spec import Leaf, parse
from benchmarks.suites import Suite, suites

_UP = "../../"
_LEGEND = (
    "A number is a mean over all judged queries; of a variant that is trained here the mean over seeds, ± its standard "
    "deviation over seeds (with n - 1), and the seeds where it is not all of them: means over other seeds are no fair "
    "comparison, and verdicts take those that both have. It links to the record of the first seed. ↓ is a mean below that "
    "of the variant that training started from last, on the same collection, where both are searched alike (`@0`: that "
    "variant's seed 0). Another head than its own takes of a start the body alone: what is left of it then is a row "
    "`untrained`, where it was measured. A cell that was not measured is empty. What is trained here is on the lab rung, "
    "whatever its collection, and is never set beside published numbers."
)
_SPENT = (
    "The mean over seeds of what making each variant took, as its records say: of its own training, without what it starts "
    "from. Seconds are those of the machine as it was, with other work beside it or without: compare tokens. These are what "
    "the loss read: what a refresh of ANCE's index encodes, or a teacher reads, comes besides. A last loss that is far "
    "from nothing says that the steps were few; losses of different kinds do not compare."
)
_CURVES = (
    "What the trainings of the first seed said of their steps, each point a mean over a fiftieth of them."
)
_AMOUNTS = ("tokens", "steps", "seconds", "parameters")
_LOSS = "last_loss"


def experiments(board: Board) -> list[Suite]:
    """The experiments that have a page: something that is trained here was measured in them."""
    trained = {cell for cell in board.seeds if trained_leaves(parse(cell[0]))}
    return [one for one in suites().values() if one.is_experiment and trained & set(one.cells())]


def experiment_page(board: Board, one: Suite) -> str:
    """An experiment: effectiveness over seeds, what was spent, how much of the grid there is."""
    seeds = ", ".join(map(str, one.seeds))
    blocks = [f"# Experiment {one.name}", GENERATED, escape(one.question)]
    blocks += [_verdicts(one), f"Planned for seed{'s' if len(one.seeds) > 1 else ''} {seeds}. {_LEGEND}"]
    blocks += [*compared(_alone(board, one)), "## Effectiveness"]
    for measure in _measures(board, one):
        if matrix := _matrix(board, one, measure):
            blocks += [f"### {measure}", matrix]
    blocks += [_footnotes(board, one), *_efficiency(board, one)]
    if spent := _spent(board, one):
        blocks += ["## What was spent", _SPENT, spent]
    if drawn := [f"![{name}]({path})" for name, path, _ in _curves(board, one)]:
        blocks += ["## While training", _CURVES, *drawn]
    return document(*blocks, "## Coverage", _coverage(board, one), cells.machines(_measured(board, one)))


def experiment_plots(board: Board, one: Suite) -> dict[str, str]:
    """The curves of an experiment as SVG text, by the name of the file beside its page."""
    return {
        path: curves(lines, "step", name, f"{one.name}, seed {one.seeds[0]}")
        for name, path, lines in _curves(board, one)
    }


def _curves(board: Board, one: Suite) -> list[tuple[str, str, dict[str, Line]]]:
    """Each curve that a training of the first seed has: its name, its file, and a line a variant."""
    first = [
        (spec, records[0].training["curves"])
        for spec in one.variants
        if (records := [found for id in one.collections for found in _records(board, one, spec, id)[:1]])
        and "curves" in records[0].training
        and records[0].seed == one.seeds[0]
    ]
    named = [(name, {spec: found[name] for spec, found in first if found.get(name)}) for name in one.curves]
    return [(name, f"{one.name}-{name}.svg", lines) for name, lines in named if lines]


def _matrix(board: Board, one: Suite, measure: str) -> str:
    """Variants down, collections across; nothing where no record has the measure."""
    having = [
        id for id in one.collections if any(_with(board, one, spec, id, measure) for spec in one.variants)
    ]
    rows = [(code(spec), [_cell(board, one, spec, id, measure) for id in having]) for spec in one.variants]
    return split_tables("variant", [escape(id) for id in having], rows)


def _records(board: Board, one: Suite, spec: str, collection: str) -> list[Record]:
    """The records of a cell, by seed: of a reference, which is not trained, with the first seed."""
    found = board.seeds.get((spec, collection), {})
    seeds = one.seeds if trained_leaves(parse(spec)) else one.seeds[:1]
    return [found[seed] for seed in seeds if seed in found]


def _measured(board: Board, one: Suite) -> list[Record]:
    return [record for spec, id in one.cells() for record in _records(board, one, spec, id)]


def _measures(board: Board, one: Suite) -> list[str]:
    """What the page shows: what the experiment names, or all that was measured."""
    if one.measures:
        return list(one.measures)
    usual = [measure for id in one.collections for measure in conventions_of(id).measures]
    return list(
        dict.fromkeys([*usual, *(m for record in _measured(board, one) for m in sorted(record.scores))])
    )


def _with(board: Board, one: Suite, spec: str, collection: str, measure: str) -> list[Record]:
    return [record for record in _records(board, one, spec, collection) if measure in record.scores]


def _cell(board: Board, one: Suite, spec: str, collection: str, measure: str) -> str:
    """Mean over seeds, linked; its deviation; how many seeds where it is not all."""
    found = _with(board, one, spec, collection, measure)
    if not found:
        return ""
    values = [record.means[measure] for record in found]
    shown = cells.record_link(board, f"{fmean(values):.4f}", found[0], _UP)
    if len(values) > 1:
        shown += f" ± {stdev(values):.4f}"
    if _sank(board, found, measure):
        shown += " ↓"
    expected = len(one.seeds) if trained_leaves(parse(spec)) else 1
    if len(values) == expected:
        return shown
    return f"{shown} (seed{'s' if len(found) > 1 else ''} {', '.join(str(record.seed) for record in found)})"


def _sank(board: Board, found: Sequence[Record], measure: str) -> bool:
    """Whether training ended, on the average over the seeds whose start was measured too, below where it started."""
    gains = []
    for record in found:
        name, seed = start_of(record)
        before = board.seeds.get((name, record.collection), {}).get(seed)
        # A ColBERT whose weights one vector a text begins from retrieves otherwise.
        if before and measure in before.means and _kind(before) == _kind(record):
            gains.append(record.means[measure] - before.means[measure])
    return bool(gains) and fmean(gains) < 0


def _kind(record: Record) -> object:
    return record.protocol.retrieval.get("kind")


def _alone(board: Board, one: Suite) -> dict[str, Record]:
    """Of each variant that is trained here a record in which it alone was."""
    return {str(leaf): found[0] for leaf in _leaves(one) if (found := _of(board, one, leaf))}


def _leaves(one: Suite) -> list[Leaf]:
    """The variants of an experiment that are trained here."""
    return list(dict.fromkeys(leaf for spec in one.variants for leaf in trained_leaves(parse(spec))))


def _of(board: Board, one: Suite, leaf: Leaf) -> list[Record]:
    """The records in which a variant alone was trained."""
    return [
        record
        for record in _measured(board, one)
        if record.training and trained_leaves(parse(record.spec)) == (leaf,)
    ]


def _verdicts(one: Suite) -> str:
    """Where it says what the papers of the experiment's variants claim, and what became of it."""
    keys = dict.fromkeys(leaf.baseline for leaf in _leaves(one))
    pages = [link(key, f"../baselines/{key}.md#claims") for key in keys if claims().get(key)]
    return f"What the papers claim, and whether it held: {', '.join(pages)}." if pages else ""


def _efficiency(board: Board, one: Suite) -> list[str]:
    """What searching takes, by collection: where something that is trained here was timed."""
    blocks = []
    for id in one.collections:
        firsts = [record for spec in one.variants for record in _records(board, one, spec, id)[:1]]
        timed = [record for record in firsts if record.efficiency]
        if any(record.training for record in timed):
            blocks += [f"### {escape(id)}", efficiency_tables(board, timed, _UP)]
    return ["## Efficiency", EFFICIENCY, *blocks] if blocks else []


def _spent(board: Board, one: Suite) -> str:
    rows: list[tuple[str, list[str]]] = []
    for leaf in _leaves(one):
        if trainings := _trainings(board, one, leaf):
            devices = dict.fromkeys(str(spent["device"]) for spent in trainings if "device" in spent)
            amounts = [_amount([spent[name] for spent in trainings if name in spent]) for name in _AMOUNTS]
            losses = [spent[_LOSS] for spent in trainings if _LOSS in spent]
            last = f"{fmean(losses):.3f}" if losses else ""
            rows.append((code(str(leaf)), [*amounts, last, escape(", ".join(devices))]))
    return split_tables("variant", [*_AMOUNTS, "last loss", "device"], rows) if rows else ""


def _trainings(board: Board, one: Suite, leaf: Leaf) -> list[Mapping[str, Any]]:
    """What each seed of a variant took: by a record in which it alone was trained."""
    by_seed: dict[int, Mapping[str, Any]] = {}
    for record in _of(board, one, leaf):
        by_seed.setdefault(record.seed, record.training)
    return list(by_seed.values())


def _amount(values: Sequence[float]) -> str:
    return f"{fmean(values):,.0f}" if values else ""


def _coverage(board: Board, one: Suite) -> str:
    plan = [(seed, cell) for seed, found in one.plan().items() for cell in found]
    lacking = Counter(spec for seed, (spec, id) in plan if seed not in board.seeds.get((spec, id), {}))
    words = f"{len(plan) - sum(lacking.values())} of its {len(plan)} cells were measured, each seed counted."
    lines = [f"- {code(spec)}: {count} missing" for spec, count in lacking.items()]
    return "\n".join([words, "", *lines]) if lines else words


def _footnotes(board: Board, one: Suite) -> str:
    notes = [
        note
        for id in one.collections
        if (column := [record for spec in one.variants for record in _records(board, one, spec, id)])
        for note in odd(column, [shared(record.protocol) for record in column])
    ]
    return cells.not_comparable(notes)
