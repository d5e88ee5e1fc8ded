"""What is committed in results/ holds the values that are known to be good."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from benchmarks.records.store import Store, read_json
from benchmarks.rendering.markdown import legible
from benchmarks.suites import suites

STORE = Store(Path(__file__).parents[1] / "results")

KNOWN = [
    ("bm25:flat", "beir/scifact/test", "nDCG@10", 0.6789, 0.002),
    ("bm25:flat", "beir/scifact/test", "R@100", 0.9253, 0.002),
    ("bm25:flat", "beir/nfcorpus/test", "nDCG@10", 0.3218, 0.002),
    ("bm25:flat", "beir/nfcorpus/test", "R@100", 0.2457, 0.002),
    ("minilm:l6-v2", "beir/scifact/test", "nDCG@10", 0.6451, 0.001),
    ("minilm:l6-v2", "beir/nfcorpus/test", "nDCG@10", 0.3159, 0.001),
]


@pytest.mark.parametrize(("spec", "collection", "measure", "value", "tolerance"), KNOWN)
def test_known_good_values(spec: str, collection: str, measure: str, value: float, tolerance: float) -> None:
    """Anserini's BM25 and MTEB's MiniLM on SciFact and NFCorpus."""
    record = STORE.read(STORE.record_path(spec, collection))
    assert record.means[measure] == pytest.approx(value, abs=tolerance)


def test_every_record_belongs_to_a_suite() -> None:
    """A cell that no suite runs would never be measured again."""
    cells = {
        (*cell, seed) for suite in suites().values() for seed, cells in suite.plan().items() for cell in cells
    }
    assert {(record.spec, record.collection, record.seed) for record in STORE.records()} <= cells


def test_no_table_of_the_reports_is_wider_than_a_page() -> None:
    """Links shown as their texts, cells broken where a browser breaks them."""
    for page in sorted((STORE.root.parent / "reports").rglob("*.md")):
        for lines in re.findall(r"(?:^\|.*\|\n)+", page.read_text("utf-8"), flags=re.MULTILINE):
            shown = re.sub(r"\[((?:`[^`]*`|[^\[\]`])*)\]\[\d+\]", r"\1", lines)
            head, _, *rows = [re.split(r" (?<!\\)\| ", line[2:-2]) for line in shown.splitlines()]
            assert legible((head, rows)), (page.name, head)


def test_every_link_of_the_reports_leads_somewhere() -> None:
    """To a file that is here, and to a heading that it has."""
    reports = STORE.root.parent / "reports"
    for page in sorted(reports.rglob("*.md")):
        for target in re.findall(r"^\[\d+\]: (\S+)$", page.read_text("utf-8"), flags=re.MULTILINE):
            path, _, heading = unquote(target).partition("#")
            if not target.startswith("https:"):
                there = page.parent / path
                assert there.exists(), (page, target)
                assert not heading or f"# {heading}" in there.read_text("utf-8").lower(), (page, target)


def strings(value: object) -> Iterator[str]:
    """Every string of a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (found for pair in value.items() for part in pair for found in strings(part))
    elif isinstance(value, list):
        yield from (found for part in value for found in strings(part))


def test_no_record_holds_a_path_or_a_text() -> None:
    """Ids and numbers: no folder of the machine that measured, and nothing as long as a passage."""
    for path in STORE.paths():
        for text in strings(read_json(path)):
            assert not text.startswith(("/", "~", "\\"))
            assert len(text) < 250
