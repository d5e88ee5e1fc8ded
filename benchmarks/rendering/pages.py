"""The pages of `reports/`: the front page, one for each suite or experiment, one for each baseline or other ledger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from benchmarks.collections.conventions import conventions_of, means
from benchmarks.evaluation.reading import READ
from benchmarks.records.store import file_name
from benchmarks.registry import Baseline, baselines, trained_leaves
from benchmarks.rendering import cells
from benchmarks.rendering.board import Board
from benchmarks.rendering.choosing import choosing_page, latency, pointer, timed
from benchmarks.rendering.claims import claim_counts, claims_of
from benchmarks.rendering.efficiency import EFFICIENCY, efficiency_tables
from benchmarks.rendering.experiments import experiment_page, experiment_plots, experiments
from benchmarks.rendering.generations import generations
from benchmarks.rendering.indexes import found_against_latency, index_losses
from benchmarks.rendering.ledgers import drifts, published_counts, published_tables
from benchmarks.rendering.markdown import GENERATED, code, document, escape, link, split_tables, table
from benchmarks.rendering.plots import Point, effectiveness_against_latency
from benchmarks.rendering.recipes import recipe_section
from benchmarks.rendering.ties import LEGEND as TIES
from benchmarks.rendering.ties import standing as standing_of
from benchmarks.spec import parse
from benchmarks.suites import Suite, suites

Pages = dict[PurePosixPath, str]
_MAIN = "nDCG@10"


def render(board: Board) -> Pages:
    """Every page and plot, by its path below `reports/`."""
    choices = choosing_page(board)
    pages: Pages = {PurePosixPath("README.md"): front_page(board, choices=bool(choices))}
    if choices:
        pages[PurePosixPath("choosing.md")] = choices
    for suite in _suites(board):
        indexes = _index_plots(board, suite)
        pages[PurePosixPath("suites", f"{suite.name}.md")] = suite_page(board, suite, indexes)
        pages |= {PurePosixPath("suites", name): plot for name, plot in indexes.values()}
    for one in experiments(board):
        pages[PurePosixPath("experiments", f"{one.name}.md")] = experiment_page(board, one)
        plots = experiment_plots(board, one)
        pages |= {PurePosixPath("experiments", name): plot for name, plot in plots.items()}
    for collection in board.collections:
        if points := _points(board, collection):
            plot = effectiveness_against_latency(points, _main_measure(collection), collection)
            pages[_plot_path(collection)] = plot
    for baseline in baselines().values():
        if _has_page(board, baseline):
            pages[PurePosixPath("baselines", f"{baseline.key}.md")] = baseline_page(board, baseline)
    for name in _other_ledgers(board):
        pages[PurePosixPath("baselines", f"{name}.md")] = ledger_page(board, name)
    return dict(sorted(pages.items()))


def front_page(board: Board, *, choices: bool) -> str:
    """What was measured, on what, where to read on, and the matrix of variants by collections; points to the page of `choices`."""
    having = [id for id in board.collections if _MAIN in conventions_of(id).measures]
    return document(
        "# Reports",
        GENERATED,
        _counted(board),
        published_counts(board),
        claim_counts(board),
        cells.machines(record for found in board.seeds.values() for record in found.values()),
        pointer() if choices else "",
        _experiments(board),
        _contents(board),
        "## Effectiveness",
        f"{cells.LEGEND} {TIES} In the head of a column: its rung (paper, lab, synthetic). The measure is {_MAIN}.",
        _matrix(board, _MAIN, having, board.specs, ""),
        cells.footnotes(board, board.collections, board.specs),
        "Latency, throughput, sizes and plots are on the pages of the suites.",
        drifts(board),
    )


def _contents(board: Board) -> str:
    """The pages of suites, baselines and ledgers."""
    lines = [f"- Suite {link(s.name, f'suites/{s.name}.md')}: {s.summary}" for s in _suites(board)]
    lines += [
        f"- Baseline {link(b.key, f'baselines/{b.key}.md')}: {escape(b.summary)}"
        for b in baselines().values()
        if _has_page(board, b)
    ]
    lines += [f"- Ledger {link(n, f'baselines/{n}.md')}: {_CITED}" for n in _other_ledgers(board)]
    return "\n".join(["## Pages", "", *lines])


def _counted(board: Board) -> str:
    """How much was measured: of what is compared with papers, and of what is trained here."""
    apart = [cell for cell in board.seeds if cell not in board.measured]
    words = f"{len(board.measured)} cells: {len(board.specs)} variants, {len(board.collections)} collections."
    if not apart:
        return words
    trained = len({spec for spec, _ in apart})
    return f"{words} Trained here, and on the pages of experiments: {len(apart)} cells of {trained} variants."


def suite_page(board: Board, suite: Suite, index_plots: Mapping[str, tuple[str, str]]) -> str:
    """A suite: effectiveness by measure, efficiency by collection, a plot for each."""
    collections = _of_suite(board, suite)
    specs = [spec for spec in board.specs if spec in suite.variants]
    measures = list(dict.fromkeys(m for id in collections for m in _measures(board, id, specs)))
    blocks = [
        f"# Suite {suite.name}",
        GENERATED,
        _sentence(suite.summary),
        _coverage(board, suite),
        f"{cells.LEGEND} {TIES}",
    ]
    blocks.append("## Effectiveness")
    for measure in measures:
        having = [id for id in collections if measure in _measures(board, id, specs)]
        blocks += [f"### {measure}", _matrix(board, measure, having, specs, "../")]
    about = [f"- {escape(id)}: {_about(board, id)}" for id in collections if _about(board, id)]
    blocks += [cells.footnotes(board, collections, specs), "## Collections", "\n".join(about)]
    costs = {id: found for id in collections if (found := _efficiency(board, id, specs))}
    blocks += ["## Efficiency", EFFICIENCY] if costs else []
    for id, tables in costs.items():
        blocks += [f"### {escape(id)}", tables]
        if _points(board, id):
            alternative = (
                f"{_main_measure(id)} against median latency on {escape(id)}; the numbers are in the tables"
            )
            blocks.append(f"!{link(alternative, f'../{_plot_path(id)}')}")
    paths = {id: name for id, (name, _) in index_plots.items()}
    blocks += index_losses(board, collections, specs, "../../", paths)
    return document(*blocks, *generations(board, collections, specs))


def _index_plots(board: Board, suite: Suite) -> dict[str, tuple[str, str]]:
    """By collection the file name and the plot of what indexes find, where enough of them were timed."""
    drawn = {id: found_against_latency(board, id, suite.variants) for id in _of_suite(board, suite)}
    return {id: (f"{suite.name}-{file_name(id)}.svg", plot) for id, plot in drawn.items() if plot}


def baseline_page(board: Board, baseline: Baseline) -> str:
    """A baseline: its variants, what was measured of them, and the published tables."""
    blocks = [
        f"# {baseline.key}",
        GENERATED,
        _sentence(baseline.summary),
        _paper(baseline),
        _variants(baseline),
        _trained(board, baseline),
    ]
    sections = [
        block
        for spec in [*(f"{baseline.key}:{v}" for v in baseline.variants), *_composed(board, baseline)]
        if (section := _variant_section(board, spec))
        for block in (f"### {code(spec)}", section)
    ]
    if sections:
        blocks += ["## Measured", cells.LEGEND, *sections]
    blocks += claims_of(board, baseline.key, "../../")
    blocks += recipe_section(baseline.recipe) if baseline.recipe else []
    return document(*blocks, published_tables(board, board.ledgers.get(baseline.key, ())))


def _variants(baseline: Baseline) -> str:
    released = {name: variant for name, variant in baseline.variants.items() if not variant.trained_here}
    if not released:
        return ""
    rows = [[code(n), escape(v.summary), escape(v.needs)] for n, v in released.items()]
    if any(needs for *_, needs in rows):
        return table(["variant", "what it is", "needs"], rows, text=(0, 1, 2))
    return table(["variant", "what it is"], [row[:2] for row in rows], text=(0, 1))


def _trained(board: Board, baseline: Baseline) -> str:
    """The variants that are trained here, a line a profile, with the experiments they were measured in."""
    rows = []
    for profile, named in baseline.profiles.items():
        specs = {f"{baseline.key}:{name}" for name in named}
        places = [
            link(one.name, f"../experiments/{one.name}.md")
            for one in experiments(board)
            if any(str(leaf) in specs for spec in one.variants for leaf in trained_leaves(parse(spec)))
        ]
        rows.append([code(profile), str(len(named)), ", ".join(places) or "none measured yet"])
    return table(["trained here", "variants", "experiments"], rows, text=(0, 2)) if rows else ""


def ledger_page(board: Board, name: str) -> str:
    """A ledger that belongs to no baseline."""
    told = claims_of(board, name, "../../")
    return document(
        f"# {name}", GENERATED, _sentence(_CITED), *told, published_tables(board, board.ledgers[name])
    )


_CITED = "published numbers of systems that are no baseline here"


_COUNTED = {
    "retrieval": "{documents:,} documents, {queries:,} judged queries.",
    "pairs": "{documents:,} pairs of sentences.",
    "labels": "{documents:,} sentences to learn from, {queries:,} to label.",
}


def _matrix(board: Board, measure: str, collections: list[str], specs: list[str], up: str) -> str:
    standing = {id: _standing(board, measure, id, specs) for id in collections}
    rows = [
        (
            code(spec) + " †" * board.reads_judgments(spec),
            [
                cells.measured(board, spec, id, measure, f"{up}../", standing[id].get(spec, ""))
                for id in collections
            ],
        )
        for spec in specs
        if any(_has(board, spec, id, measure) for id in collections)
    ]
    return split_tables("variant", [cells.column(board, id) for id in collections], rows)


def _standing(board: Board, measure: str, collection: str, specs: list[str]) -> dict[str, str]:
    """Who is best in a column, and who is tied with it: of a collection's main measure."""
    if measure != _main_measure(collection) or collection in means():
        return {}
    column = [
        record
        for spec in specs
        if (record := board.records.get((spec, collection))) and not board.reads_judgments(spec)
    ]
    return standing_of(column, measure, board.p_value)


def _has(board: Board, spec: str, collection: str, measure: str) -> bool:
    """Whether a row has something to show: EM and F1 are of the specs that read."""
    record = board.records.get((spec, collection))
    return record is not None and (measure not in READ or measure in record.scores)


def _measures(board: Board, collection: str, specs: list[str]) -> list[str]:
    """A collection's measures, and those of the answers that `specs` read from it."""
    read = [name for name in READ if any(_has(board, spec, collection, name) for spec in specs)]
    return [*conventions_of(collection).measures, *read]


def _efficiency(board: Board, collection: str, specs: list[str]) -> str:
    found = [board.measured.get((spec, collection)) for spec in specs]
    return efficiency_tables(board, [record for record in found if record is not None], "../../")


def _variant_section(board: Board, spec: str) -> str:
    """One table: collections down, measures across."""
    ids = [id for id in board.collections if (spec, id) in board.records]
    usual = [_MAIN, "RR@10", "R@100", "R@1000"]
    measures = sorted(
        {m for id in ids for m in board.records[spec, id].scores},
        key=lambda m: (usual.index(m) if m in usual else len(usual), m),
    )
    rows = [(cells.column(board, id), [_if_measured(board, spec, id, m) for m in measures]) for id in ids]
    return split_tables("collection", measures, rows)


def _if_measured(board: Board, spec: str, collection: str, measure: str) -> str:
    """A measured cell; what was only published stands with its table."""
    if measure not in board.records[spec, collection].scores:
        return ""
    return cells.measured(board, spec, collection, measure, "../../")


def _sentence(summary: str) -> str:
    return f"{escape(summary[0].upper() + summary[1:])}."


def _coverage(board: Board, suite: Suite) -> str:
    """How much of a suite was measured, and which collections were not reached."""
    grid = suite.cells()
    measured = sum(cell in board.measured for cell in grid)
    absent = [id for id in suite.collections if not any((spec, id) in board.measured for spec, _ in grid)]
    words = f"{measured} of its {len(grid)} cells were measured."
    return words + (f" Without a measurement: {', '.join(map(escape, absent))}." if absent else "")


def _about(board: Board, collection: str) -> str:
    record = next((r for (_, id), r in board.measured.items() if id == collection), None)
    conventions = conventions_of(collection)
    words = _COUNTED[conventions.kind].format(**record.counts) if record else ""
    return f"{words} {escape(conventions.note)}".strip()


def _paper(baseline: Baseline) -> str:
    paper = baseline.paper
    if paper is None:
        return ""
    return f"{escape(paper.authors)} {paper.year}: {link(escape(paper.title), paper.url)}. {escape(paper.contribution)}".strip()


def _of_suite(board: Board, suite: Suite) -> list[str]:
    having = {id for spec, id in board.records if spec in suite.variants}
    grouped = [
        id for id, members in means().items() if id in having and set(members) <= set(suite.collections)
    ]
    return [id for id in suite.collections if id in having] + grouped


def _suites(board: Board) -> list[Suite]:
    """The suites that have a page: something of them was measured, and they are no experiments."""
    return [one for one in suites().values() if not one.is_experiment and _of_suite(board, one)]


def _experiments(board: Board) -> str:
    """The experiments with their questions; nothing where there is none."""
    paged = experiments(board)
    lines = [f"- {link(one.name, f'experiments/{one.name}.md')}: {escape(one.question)}" for one in paged]
    known = _measured_keys(board)
    # A plugin that nothing here was measured of has no place in these reports.
    waiting = [
        code(one.name)
        for one in suites().values()
        if one.is_experiment
        and one not in paged
        and any(leaf.baseline in known for spec in one.variants for leaf in trained_leaves(parse(spec)))
    ]
    note = ["", f"Not measured yet: {', '.join(waiting)}."] if waiting else []
    return "\n".join(["## Experiments", "", *lines, *note]) if lines else ""


def _has_page(board: Board, baseline: Baseline) -> bool:
    """A baseline has a page when something was measured of it, or published."""
    return baseline.key in _measured_keys(board) or baseline.key in board.ledgers


def _measured_keys(board: Board) -> set[str]:
    return {leaf.baseline for spec, _ in board.seeds for leaf in parse(spec).leaves}


def _other_ledgers(board: Board) -> list[str]:
    return sorted(board.ledgers.keys() - baselines().keys())


def _specs_of(board: Board, baseline: Baseline) -> list[str]:
    return [spec for spec in board.specs if any(leaf.baseline == baseline.key for leaf in parse(spec).leaves)]


def _composed(board: Board, baseline: Baseline) -> list[str]:
    plain = {f"{baseline.key}:{variant}" for variant in baseline.variants}
    return [spec for spec in _specs_of(board, baseline) if spec not in plain]


def _main_measure(collection: str) -> str:
    return conventions_of(collection).measures[0]


def _plot_path(collection: str) -> PurePosixPath:
    return PurePosixPath("plots", f"{file_name(collection)}.svg")


def _points(board: Board, collection: str) -> list[Point]:
    measure = _main_measure(collection)
    points = [Point(one.spec, latency(one), one.means[measure]) for one in timed(board, collection)]
    return points if len(points) > 1 else []
