"""Pages of experiments: means and deviations over seeds, what was spent, and nothing of it elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import pytest

from benchmarks.interfaces import Setting
from benchmarks.records import trecrun
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.rendering.board import Board
from benchmarks.rendering.experiments import experiment_page, experiment_plots
from benchmarks.rendering.markdown import MOST_COLUMNS
from benchmarks.rendering.pages import render
from benchmarks.rendering.reports import stale_reports, write_reports
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.suites import suite
from tests.rendering.test_rendering import EFFICIENCY
from tests.trainee import train

pytestmark = pytest.mark.usefixtures("trainee")
PLAIN, LONGER = "trainee:lab:plain", "trainee:lab:longer"


@pytest.fixture
def bm25(bench: Bench) -> Record:
    """A record of the reference, with scores made up: nDCG@10 0.5, R@100 0.9."""
    made = run_cell(parse("bm25"), "synthetic/60", bench)
    return replace(
        made, scores={"nDCG@10": {"a": 0.25, "b": 0.75}, "R@100": {"a": 0.9, "b": 0.9}}, efficiency=EFFICIENCY
    )


def trained(bm25: Record, value: float, seed: int, spec: str = PLAIN) -> Record:
    """A record of a trained variant: of each seed another mean and another training."""
    training = {
        "tokens": 1_000_000, "steps": 100 + seed, "seconds": 60.0 * (seed + 1), "parameters": 26, "device": "a hand",
        "last_loss": 0.5 * (seed + 1),
    }  # fmt: skip
    scores = {name: {"a": value, "b": value} for name in bm25.scores}
    return replace(bm25, spec=spec, seed=seed, scores=scores, training=training)


@pytest.fixture
def board(bm25: Record) -> Board:
    """The reference, three seeds of one variant, two of another."""
    values = [(PLAIN, 0, 0.2), (PLAIN, 1, 0.3), (PLAIN, 2, 0.4), (LONGER, 1, 0.1), (LONGER, 2, 0.3)]
    return Board([bm25, *(trained(bm25, value, seed, spec) for spec, seed, value in values)])


def test_what_searching_takes_is_shown_where_something_trained_was_timed(bm25: Record, board: Board) -> None:
    """Of the first seed, beside the reference: times, and the index in MiB and in bytes a document; else nothing."""
    page = experiment_page(board, suite("letters"))
    each = EFFICIENCY["build"]["index_bytes"] / bm25.counts["documents"]
    assert "bytes/document" in page and page.count(f" {each:,.0f} |") == 3
    untimed = [replace(trained(bm25, 0.2, 0), efficiency={})]
    assert "## Efficiency" not in experiment_page(Board([bm25, *untimed]), suite("letters"))


def test_a_cell_is_a_mean_over_seeds_with_its_deviation(board: Board) -> None:
    """Linked to the first seed there is, with the seeds where they are not all; a reference is a number alone."""
    page = experiment_page(board, suite("letters"))
    assert page.startswith("# Experiment letters\n")
    assert "Does a longer name make a better weighting of letters?" in page
    assert "Planned for seeds 0, 1, 2." in page
    rows = re.findall(r"^\| `(\S+)` +\| +(\S.*\S) +\|$", page, flags=re.M)
    assert rows[:3] == [
        ("bm25:flat", "[0.5000][1]"), (PLAIN, "[0.3000][2] ± 0.1000"), (LONGER, "[0.2000][3] ± 0.1414 (seeds 1, 2)"),
    ]  # fmt: skip
    assert "[2]: ../../results/records/trainee.lab.plain/synthetic.60.json" in page
    assert "[3]: ../../results/records/trainee.lab.longer/synthetic.60.seed1.json" in page
    assert "### nDCG@10" in page
    assert "R@100" not in page


def test_what_was_spent_is_a_mean_over_seeds(board: Board) -> None:
    """A row for each trained variant, and none for the reference."""
    page = experiment_page(board, suite("letters"))
    rows = [
        re.split(r" *\| *", line)[1:-1]
        for line in page.partition("What was spent")[2].splitlines()
        if "`" in line
    ]
    assert rows[:2] == [
        [f"`{PLAIN}`", "1,000,000", "101", "120", "26", "1.000", "a hand"],
        [f"`{LONGER}`", "1,000,000", "102", "150", "26", "1.250", "a hand"],
    ]


def test_how_much_of_the_grid_there_is(board: Board) -> None:
    """Each seed of each cell counts; what is missing is named by variant."""
    page = experiment_page(board, suite("letters"))
    assert "6 of its 20 cells were measured, each seed counted." in page
    assert f"- `{PLAIN}`: 3 missing" in page
    assert f"- `rrf(bm25:flat,{PLAIN})`: 6 missing" in page


def test_without_measures_named_all_are_shown(bm25: Record) -> None:
    """The second experiment names none; one seed has no deviation."""
    page = experiment_page(Board([bm25, trained(bm25, 0.2, 0)]), suite("lost"))
    assert "Planned for seed 0." in page
    assert "### R@100" in page
    assert "±" not in page.partition("## Effectiveness")[2]
    assert "(seed" not in page.partition("## Effectiveness")[2]


def made_by(
    record: Record,
    start: str,
    before: dict[str, object] | None = None,
    tokens: int = 1_000_000,
    **objective: object,
) -> Record:
    """The record, of weights that were made by such a recipe, from a start with a recipe of its own or without."""
    recipe = {"start": start, "batch": 32, "steps": 0, "tokens": tokens, "objective": objective}
    model = {"trained": {"recipe": recipe, "seed": record.seed, "start": before or {}}}
    retrieval = {**record.protocol.retrieval, "model": [model]}
    return replace(record, protocol=replace(record.protocol, retrieval=retrieval))


def test_what_was_compared_is_said_by_the_recipes(bm25: Record) -> None:
    """Where each started, what is not the same for all, and what is, from the records' protocols."""
    one = made_by(trained(bm25, 0.2, 0), "scratch:small", decoder="basic", mask=0.3)
    other = made_by(trained(bm25, 0.2, 0, LONGER), f"{PLAIN}@0", decoder="enhanced", mask=0.3, cached=True)
    page = experiment_page(Board([bm25, one, other]), suite("letters"))
    part = page.partition("## What was compared")[2].partition("## Effectiveness")[0]
    assert f"- `{PLAIN}`: from `scratch:small`; decoder `basic`\n" in part
    assert f"- `{LONGER}`: from `{PLAIN}@0`; decoder `enhanced`; cached yes\n" in part
    assert "The same for all: batch 32; tokens 1,000,000; mask 0.3." in part
    assert "## What was compared" not in experiment_page(Board([bm25, one]), suite("letters"))


def test_what_trainings_start_from_is_told_too(bm25: Record) -> None:
    """Once each, down to what starts from nothing that was trained; a variant without a budget is untrained."""
    recipe = {"start": "scratch:small", "batch": 64, "tokens": 0, "steps": 9, "objective": {"mask": 0.3}}
    before: dict[str, object] = {"variant": "lab_bert:lab:small", "recipe": recipe}
    one = made_by(trained(bm25, 0.2, 0), "lab_bert:lab:small@0", before, share=80)
    other = made_by(trained(bm25, 0.2, 0, LONGER), "lab_bert:lab:small@0", before, tokens=0, share=5)
    page = experiment_page(Board([bm25, one, other]), suite("letters"))
    part = page.partition("## What was compared")[2].partition("## Effectiveness")[0]
    assert f"- `{LONGER}`: from `lab_bert:lab:small@0`; untrained\n" in part
    _, _, starts = part.partition("These start from:")
    assert starts.strip() == "- `lab_bert:lab:small`: from `scratch:small`; batch 64; steps 9; mask 0.3"


def test_what_ends_below_its_start_is_marked(bm25: Record) -> None:
    """By the seeds whose start was measured too; a start of another seed, or of another kind, marks nothing."""
    below = [made_by(trained(bm25, value, seed, LONGER), PLAIN) for seed, value in ((0, 0.3), (1, 0.1))]
    row = re.compile(rf"`{LONGER}` +\| +(.*?) +\|")

    def cell(*starts: Record) -> str:
        page = experiment_page(Board([bm25, *below, *starts]), suite("letters"))
        found = row.search(page.partition("### nDCG@10")[2])
        assert found
        return found[1]

    assert "↓" not in cell()
    assert "↓" in cell(trained(bm25, 0.4, 0))
    assert "↓" not in cell(trained(bm25, 0.05, 1), trained(bm25, 0.3, 0))
    assert "↓" not in cell(trained(bm25, 0.9, 2))
    late = replace(bm25.protocol, retrieval={**bm25.protocol.retrieval, "kind": "late interaction"})
    assert "↓" not in cell(replace(trained(bm25, 0.4, 0), protocol=late))


def test_experiments_of_baselines_that_were_not_measured_are_not_told_of(bm25: Record) -> None:
    """Or reports that were right would be wrong where somebody installed a plugin with experiments."""
    front, measured = PurePosixPath("README.md"), [bm25, trained(bm25, 0.2, 0)]
    assert "Not measured yet" not in render(Board(measured))[front]
    other = trained(bm25, 0.2, 0, "contriever:lab:crop")
    assert re.search(r"Not measured yet: .*`contriever-moco`", render(Board([*measured, other]))[front])


def test_a_seed_that_was_measured_otherwise_is_named(bm25: Record) -> None:
    """Means over seeds are of one protocol, but for the weights."""
    other = replace(bm25.protocol, evaluation={**bm25.protocol.evaluation, "depth": 7})
    odd = replace(trained(bm25, 0.3, 1), protocol=other)
    page = experiment_page(Board([bm25, trained(bm25, 0.2, 0), odd]), suite("letters"))
    assert f"- `{PLAIN}` on synthetic/60 differs from its column in: `evaluation.depth`" in page


def test_trained_variants_stand_on_no_other_page(board: Board) -> None:
    """The front page has the question, a baseline's page the link; matrices and plots are of the others."""
    pages = {str(path): text for path, text in render(board).items()}
    assert "- [letters][" in pages["README.md"]
    assert "Does a longer name" in pages["README.md"]
    assert "1 cells: 1 variants" in pages["README.md"]
    own = pages["baselines/trainee.md"]
    assert re.search(r"^\| `lab` +\| +4 \| \[letters\]\[\d+\], \[lost\]\[\d+\] +\|$", own, flags=re.M)
    assert re.search(r"^\| `paper` +\| +1 \| \[lost\]\[\d+\] +\|$", own, flags=re.M)
    assert "`untrained`" in own
    experiments = {"experiments/letters.md", "experiments/lost.md"}
    assert experiments <= set(pages)
    for path, text in pages.items():
        if path not in experiments:
            assert PLAIN not in text, path


def test_one_point_is_no_plot(board: Board, bm25: Record) -> None:
    """A trained variant beside a reference is not plotted; a second reference is."""
    assert not [path for path in render(board) if path.suffix == ".svg"]
    untrained = replace(bm25, spec="trainee:untrained")
    (plot,) = [
        text
        for path, text in render(Board([bm25, untrained, trained(bm25, 0.9, 0)])).items()
        if path.suffix == ".svg"
    ]
    assert "trainee:untrained" in plot
    assert PLAIN not in plot


def test_what_no_experiment_holds_is_shown_as_anything_else(bm25: Record) -> None:
    """A trained variant that was measured by name has a row on the front page, by its first seed."""
    own = [trained(bm25, value, seed, "trainee:lab:forgetful") for seed, value in ((4, 0.4), (3, 0.3))]
    front = next(iter(render(Board([bm25, *own])).values()))
    assert re.search(r"`trainee:lab:forgetful` +\| +\[0\.3000\]", front)
    assert "`trainee:lab:forgetful` on synthetic/60 differs from its column in: `seed`" in front
    assert "## Experiments" not in front


def test_a_reference_alone_makes_no_page_of_an_experiment(bm25: Record) -> None:
    """Before anything was trained there is nothing to ask."""
    assert not [path for path in render(Board([bm25])) if path.parts[0] == "experiments"]


def test_pages_are_verified_links_lead_somewhere_and_tables_stay_narrow(bench: Bench, tmp_path: Path) -> None:
    """Measured, rendered and compared; a changed digit and a page of an experiment that is gone show."""
    run_cell(parse("bm25"), "synthetic/60", bench)
    for seed in (0, 1):
        train("lab:plain")(Setting(seed=seed), bench.progress)
        run_cell(parse(PLAIN), "synthetic/60", replace(bench, seed=seed))
    reports = bench.store.root.parent / "reports"
    write_reports(bench.store, reports)
    assert not stale_reports(bench.store, reports)
    place = reports / "experiments" / "letters.md"
    page = place.read_text()
    targets = re.findall(r"^\[\d+\]: (\S+)$", page, flags=re.M)
    assert len(targets) == 2
    assert all((place.parent / target).exists() for target in targets)
    assert all(line.count("|") - 1 <= MOST_COLUMNS for line in page.splitlines() if line.startswith("|"))
    place.write_text(page.replace("± 0.", "± 1."))
    assert "letters.md: not what the records give" in stale_reports(bench.store, reports)[0]
    place.rename(place.with_name("older.md"))
    assert any("older.md: no record backs this page" in line for line in stale_reports(bench.store, reports))


def test_a_damaged_seed_is_found(bench: Bench) -> None:
    """Records of all seeds are recomputed: a run of the second that is not its own shows."""
    from benchmarks.records.verification import verify_records

    for seed in (0, 1):
        train("lab:plain")(Setting(seed=seed), bench.progress)
        run_cell(parse(PLAIN), "synthetic/60", replace(bench, seed=seed))
    first = trecrun.read(bench.store.run_path(PLAIN, "synthetic/60"))
    trecrun.write(Store(bench.store.root).run_path(PLAIN, "synthetic/60", 1), first)
    (problem,) = verify_records(bench.store).problems
    assert "seed1.trec.gz: is not the run its record was made from" in problem


def test_curves_that_an_experiment_names_are_drawn(bm25: Record) -> None:
    """A picture of each, a line a variant that has it, of the first seed alone; what nobody has is left out."""
    falls, rises = [[5, 3.0], [10, 2.0]], [[5, 1e-5], [10, 4.0]]

    def record(spec: str, seed: int, **curves: list[list[float]]) -> Record:
        made = trained(bm25, 0.2, seed, spec)
        return replace(made, training={**made.training, "curves": curves})

    measured = Board(
        [
            bm25,
            record(PLAIN, 0, loss=falls),
            record(PLAIN, 1, loss=rises),
            record(LONGER, 0, loss=rises, norm=rises),
        ]
    )
    asked = replace(suite("letters"), curves=("loss", "norm", "overlap"))
    assert "While training" not in experiment_page(measured, suite("letters"))
    page, plots = experiment_page(measured, asked), experiment_plots(measured, asked)
    assert re.findall(r"!\[(\w+)\]\(([\w.-]+)\)", page) == [
        ("loss", "letters-loss.svg"), ("norm", "letters-norm.svg"),
    ]  # fmt: skip
    assert list(plots) == ["letters-loss.svg", "letters-norm.svg"]
    drawn = ElementTree.fromstring(plots["letters-loss.svg"])
    told = drawn.findtext("{http://www.w3.org/2000/svg}desc") or ""
    assert told == f"{PLAIN}: 3 to 2; {LONGER}: 1e-05 to 4"
    assert PLAIN not in plots["letters-norm.svg"]
    assert experiment_plots(measured, asked) == plots
