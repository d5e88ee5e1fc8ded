"""Reports: the same bytes from the same records, links that resolve, plots that are pictures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import GENERATED, MOST_COLUMNS, document, escape, link, split_tables, table
from benchmarks.rendering.pages import front_page
from benchmarks.rendering.plots import Point, effectiveness_against_latency, pareto_front
from benchmarks.rendering.reports import stale_reports, write_reports
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.suites import suite

SEARCH = {
    "threads": 2, "depth": 100, "queries": 64, "open_seconds": 0.1, "cold_ms": 9.0, "p50_ms": 1.0, "p95_ms": 2.0,
    "p99_ms": 3.0, "stages_ms": {"encode": 0.4, "search": 0.6}, "batch_qps": 1000.0, "peak_bytes": 1 << 20,
}  # fmt: skip
EFFICIENCY = {
    "build": {"index_bytes": 12345, "seconds": {"encode": 1.0, "index": 0.5}},
    "search": SEARCH, "calibration": {"matrix_gflops": 100.0, "copy_gib_per_s": 10.0},
}  # fmt: skip


@pytest.fixture
def store(bench: Bench) -> Store:
    """The demo's cells, with a cost made up."""
    for number, (spec, collection) in enumerate(suite("demo").cells()):
        if collection == "synthetic/tiny":
            record = run_cell(parse(spec), collection, bench)
            lines = b"x"
            search = {**SEARCH, "p50_ms": 1.0 + number}
            bench.store.write(record.with_efficiency({**EFFICIENCY, "search": search}), lines)
    return bench.store


def test_the_same_records_give_the_same_bytes(store: Store, tmp_path: Path) -> None:
    """Twice rendered, once compared: pages and plots."""
    for name in ("one", "two"):
        write_reports(store, tmp_path / name)
    one = {path.relative_to(tmp_path / "one"): path.read_bytes() for path in (tmp_path / "one").rglob("*.*")}
    two = {path.relative_to(tmp_path / "two"): path.read_bytes() for path in (tmp_path / "two").rglob("*.*")}
    assert one == two
    assert len(one) >= 5


def test_every_link_leads_somewhere(store: Store, bench: Bench) -> None:
    """Links of pages to records, pages and plots, relative to where the page lies."""
    reports = store.root.parent / "reports"
    write_reports(store, reports)
    links = 0
    for page in reports.rglob("*.md"):
        text = page.read_text()
        defined = dict(re.findall(r"^\[(\d+)\]: (\S+)$", text, flags=re.MULTILINE))
        assert set(re.findall(r"\]\[(\d+)\]", text)) == set(defined)
        for target in [*defined.values(), *re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)]:
            if not target.startswith("https:"):
                links += 1
                assert (page.parent / unquote(target)).exists(), (page, target)
    assert links > 20


def test_tables_stay_narrow(store: Store, tmp_path: Path) -> None:
    """No table of a page has eight columns."""
    write_reports(store, tmp_path / "reports")
    for page in (tmp_path / "reports").rglob("*.md"):
        for line in page.read_text().splitlines():
            if line.startswith("|"):
                assert line.replace("\\|", "").count("|") - 1 <= MOST_COLUMNS, line


def test_stale_pages_are_removed_and_nobody_elses(store: Store, tmp_path: Path) -> None:
    """A generated page that no record backs any more goes; what others keep in the folder stays."""
    reports = tmp_path / "reports"
    old, notes, own = reports / "baselines/old.md", reports / "notes.md", reports / "deep/er/thesis.md"
    for path, text in ((old, f"{GENERATED}\nold"), (notes, "mine"), (own, "mine")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write_reports(store, reports)
    assert not old.exists()
    assert notes.read_text() == own.read_text() == "mine"


def test_a_coordinate_may_differ_by_what_nobody_sees(store: Store, tmp_path: Path) -> None:
    """Another processor's logarithm moves the sixth decimal of a plot; a moved point is another plot."""
    write_reports(store, tmp_path / "reports")
    plot = next((tmp_path / "reports/plots").glob("*.svg"))
    drawn = plot.read_text()
    coordinate = re.search(r"(?<=d=\"M )\d+\.\d+", drawn)
    assert coordinate is not None
    for moved, wrong in ((1e-6, 0), (1e-2, 1)):
        number = f"{float(coordinate[0]) + moved:.6f}"
        plot.write_text(drawn[: coordinate.start()] + number + drawn[coordinate.end() :])
        assert len(stale_reports(store, tmp_path / "reports")) == wrong


points = st.lists(
    st.builds(
        Point,
        st.from_regex(r"[a-z<&]{1,5}", fullmatch=True),
        st.integers(1, 50).map(float),
        st.integers(0, 9).map(lambda n: n / 10),
    ),
    min_size=2,
    max_size=12,
)


@given(points)
def test_the_front_is_what_nothing_beats(found: list[Point]) -> None:
    """A point is beaten when another is at least as good on both counts and better on one."""
    front = pareto_front(found)
    for point in found:
        beaten = any(
            o.latency <= point.latency
            and o.effectiveness >= point.effectiveness
            and (o.latency, o.effectiveness) != (point.latency, point.effectiveness)
            for o in found
        )
        assert beaten or any(
            (p.latency, p.effectiveness) == (point.latency, point.effectiveness) for p in front
        )
    assert all(
        not any(o.latency < p.latency and o.effectiveness >= p.effectiveness for o in found) for p in front
    )


def test_a_plot_is_svg_with_a_text_alternative() -> None:
    """Well-formed, described in words, and legible where the page is dark; names are escaped."""
    found = [Point("fast<b>", 0.1, 0.5), Point("slow&good", 10.0, 0.7), Point("bad", 20.0, 0.4)]
    svg = effectiveness_against_latency(found, "nDCG@10", "a/b")
    root = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    description = root.find(f"{space}desc")
    assert description is not None
    assert "fast<b> (on the front) 0.5000 at 0.10 ms" in str(description.text)
    assert "bad 0.4000" in str(description.text)
    assert "prefers-color-scheme: dark" in svg
    texts = ["".join(node.itertext()).strip() for node in root.iter(f"{space}text")]
    assert {"fast<b>", "slow&good", "bad"} <= set(texts)


def test_wide_tables_are_split_and_text_is_escaped() -> None:
    """Eight columns become two tables; what would be Markdown is shown as it is."""
    page = document(
        table(["a", "b"], [[link("`x[1]|y`", "p q.md"), "1.5"], ["long name here", "10"]]), "![alt](z.svg)"
    )
    assert page.splitlines() == [
        "| a              |   b |",
        "| -------------- | --: |",
        "| [`x[1]\\|y`][1] | 1.5 |",
        "| long name here |  10 |",
        "",
        "![alt](z.svg)",
        "",
        "[1]: p%20q.md",
    ]
    text = split_tables("name", [f"c{i}" for i in range(8)], [("row", [str(i) for i in range(8)])])
    assert text.count("| name |") == 2
    long = [f"a_column_of_some_length_{number}" for number in range(5)]
    assert split_tables("name", long, [("row", list("12345"))]).count("| name |") == 2
    assert escape("a|b *c* [d](e) <f>\n# g") == r"a\|b \*c\* \[d\](e) \<f\> \# g"


@pytest.fixture
def record(bench: Bench) -> Record:
    """A record whose mean nDCG@10 is 0.5 exactly, on the paper rung."""
    made = run_cell(parse("bm25"), "synthetic/tiny", bench)
    return replace(made, rung="paper", scores={"nDCG@10": {"a": 0.25, "b": 0.75}})


def test_means_over_collections_need_all_members(record: Record, needs: Callable[[str], str]) -> None:
    """CQADupStack is the mean of its twelve forums, and nothing when one is missing."""
    forums = [
        "android",
        "english",
        "gaming",
        "gis",
        "mathematica",
        "physics",
        "programmers",
        "stats",
        "tex",
        "unix",
        "webmasters",
        "wordpress",
    ]
    records = [
        replace(record, collection=f"beir/cqadupstack/{forum}", scores={"nDCG@10": {"q": place / 10}})
        for place, forum in enumerate(forums)
    ]
    board = Board(records)
    assert board.records["bm25:flat", "beir/cqadupstack"].means["nDCG@10"] == pytest.approx(0.55)
    assert ("bm25:flat", "beir/cqadupstack") not in Board(records[:-1]).records


def test_cells_that_differ_in_more_than_the_variant_are_marked(record: Record) -> None:
    """One column, one protocol: what differs is named under the table."""
    from benchmarks.protocol import Protocol

    other = Protocol(
        record.protocol.collection, record.protocol.retrieval, {**record.protocol.evaluation, "depth": 10}
    )
    records = [record, replace(record, spec="bm25:tuned"), replace(record, spec="lsa:svd256", protocol=other)]
    board = Board(records)
    (note,) = board.footnotes(record.collection, board.specs)
    assert note.spec == "lsa:svd256"
    assert note.fields == ("evaluation.depth",)


def test_links_lead_to_the_records_wherever_they_lie(tmp_path: Path, bench: Bench) -> None:
    """Results of another name, and pages elsewhere: a link on every page finds its record."""
    bench.store = Store(tmp_path / "my" / "measurements")
    run_cell(parse("bm25:flat"), "synthetic/60", bench)
    pages = write_reports(bench.store, tmp_path / "pages" / "mine")
    found = 0
    for page in pages:
        if page.suffix == ".md":
            place = tmp_path / "pages" / "mine" / page
            for target in re.findall(r"^\[\d+\]: (\S+\.json)$", place.read_text("utf-8"), flags=re.M):
                assert (place.parent / target).exists(), (page, target)
                found += 1
    assert found > 1


def test_what_reads_the_judgments_is_marked_and_competes_with_none(record: Record) -> None:
    """Its number is shown; the best is the best of the others."""
    better = replace(record, spec="bm25:multifield", scores={"nDCG@10": {"a": 0.5, "b": 0.8}})
    ceiling = replace(record, spec="lamer:claude:gold", scores={"nDCG@10": {"a": 0.9, "b": 1.0}})
    page = front_page(Board([record, better, ceiling]), choices=False)
    (row,) = [line for line in page.splitlines() if line.startswith("| `lamer:claude:gold` †")]
    assert "0.9500" in row
    assert "**" not in row
    assert "**[0.6500]" in page
