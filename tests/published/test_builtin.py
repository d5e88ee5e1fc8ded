"""The ledgers of this repository against the collection of published numbers they were made from."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import baselines
from benchmarks.collections.collection import check_name
from benchmarks.collections.conventions import data_folder, means
from benchmarks.published.ledger import ledgers, numbers, read
from benchmarks.published.number import PublishedNumber
from benchmarks.registry import baselines as installed
from benchmarks.spec import parse

FOLDER = Path(baselines.__file__).parent
FILES = {path.parent.name: path for path in FOLDER.glob("*/published.toml")} | {
    "references": baselines.REFERENCES
}
# Numbers, and those of them that were read in a source.
TOTALS = {
    "ance": (158, 158),
    "bm25": (217, 217),
    "colbert": (265, 265),
    "contriever": (1101, 1101),
    "doc2query_t5": (29, 29),
    "dpr": (245, 245),
    "lamer": (223, 223),
    "minilm": (48, 48),
    "pretraining_tasks": (256, 0),
    "references": (277, 277),
    "retromae": (493, 493),
    "sg_opt": (525, 162),
    "tct_colbert": (170, 170),
}


# Published on, and not here.
NO_COLLECTIONS = ("biosses", "semeval-2014-task10/spanish")


def every_number() -> list[PublishedNumber]:
    """All numbers of all files."""
    return [number for path in FILES.values() for number in numbers(read(path))]


@pytest.fixture(scope="module")
def collected() -> list[dict[str, Any]]:
    """The entries of the collection; skipped where it does not lie beside the data."""
    folder = data_folder()
    if folder is None or not (folder.parent / "published").is_dir():
        pytest.skip("the collection of published numbers is not beside RETRIEVER_BENCH_DATA")
    files = sorted((folder.parent / "published").glob("*.toml"))
    return [entry for path in files for entry in tomllib.loads(path.read_text("utf-8"))["number"]]


def test_totals() -> None:
    """4,007 numbers, 3,388 of them verified, and so many in each ledger."""
    found = {name: numbers(read(path)) for name, path in FILES.items()}
    counted = {name: (len(ledger), sum(n.verified for n in ledger)) for name, ledger in found.items()}
    assert counted == TOTALS
    assert [sum(pair) for pair in zip(*TOTALS.values(), strict=True)] == [4007, 3388]


def test_every_collected_number_is_held_exactly_once(collected: list[dict[str, Any]]) -> None:
    """System, variant, dataset, measure, value, place, and whether it was verified or reproduced."""
    # The collection says in the name what this project's id stands for.
    renamed = {
        "beir/cqadupstack (mean of 12)": "beir/cqadupstack", "average of 7 STS sets": "sts/mean-of-7", "sentEval average of 7": "senteval/mean-of-7",
        "sick-r (all 9,927 pairs)": "sick-r/all", "sts17 en-en": "sts17/en-en",
        "semeval-2017-task1/track1-arabic": "sts17/ar-ar", "semeval-2017-task1/track3-spanish": "sts17/es-es",
        "semeval-2017-task1/track5-english": "sts17/en-en",
    }  # fmt: skip
    theirs = Counter(
        (
            entry["system"], entry["variant"], renamed.get(entry["dataset"], entry["dataset"]).replace("sentEval/", "senteval/"),
            entry["metric"],
            float(entry["value"]), entry["where"], entry["verified"], entry.get("kind", ""), "unit" in entry,
        )
        for entry in collected
    )  # fmt: skip
    ours = Counter(
        (n.system, n.variant, n.dataset, n.measure, float(n.value), n.where, n.verified, n.kind, bool(n.unit))
        for n in every_number()
    )
    assert ours == theirs


def test_what_is_known_of_a_number_is_kept(collected: list[dict[str, Any]]) -> None:
    """Sources, standard deviations, checks of a row, derivations and confidence, word for word."""
    for name in ("source", "std", "checksum", "derived", "confidence"):
        theirs = Counter(str(entry[name]).strip(" ;") for entry in collected if entry.get(name))
        assert Counter(text for n in every_number() if (text := str(getattr(n, name)))) == theirs, name


def test_the_precision_is_the_printed_one(collected: list[dict[str, Any]]) -> None:
    """Where the collection keeps the print, in percent: two decimals more as a fraction, or zeros were lost."""
    printed = {
        (entry["system"], entry["variant"], entry["metric"], entry["value"], entry["where"]): len(
            found[1] or ""
        )
        for entry in collected
        if (found := re.fullmatch(r"-?\d+(?:\.(\d+))? \((?:percent|x100)\)", entry.get("printed", "")))
    }
    checked = 0
    for number in every_number():
        key = (number.system, number.variant, number.measure, number.value, number.where)
        if key in printed:
            checked += 1
            assert number.decimals >= printed[key] + 2, number
    assert checked > 1500


def test_specs_name_known_variants() -> None:
    """A number is set beside a variant that exists."""
    specs = {n.key[0] for ledger in ledgers().values() for n in numbers(ledger) if n.key}
    known = {f"{key}:{variant}" for key, one in installed().items() for variant in one.variants}
    assert not {spec for spec in specs if any(str(leaf) not in known for leaf in parse(spec).leaves)}


def test_what_is_set_beside_a_cell_names_a_collection() -> None:
    """A misspelt dataset would stay "not run" for ever."""
    for dataset in {n.key[1] for ledger in ledgers().values() for n in numbers(ledger) if n.key}:
        if dataset not in (*means(), *NO_COLLECTIONS):
            check_name(dataset)
