"""Verdicts: what is supported, contradicted, inconclusive, and what was not run; never typed, always computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.claims.claim import Claim, Comparison, Pair, claims, read
from benchmarks.claims.verdicts import Verdict, verdicts
from benchmarks.errors import EvaluationError, RecordError
from benchmarks.interfaces import Run
from benchmarks.records.record import Record
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

WORLDS = ("synthetic/tiny/test", "synthetic/small/test")
Scores = Mapping[str, list[float]]


class Made:
    """Records by spec and collection, made of scores."""

    def __init__(self, bench: Bench) -> None:
        self._like = run_cell(parse("bm25:flat"), WORLDS[0], bench)
        self._records: dict[tuple[str, str], dict[int, Record]] = {}

    def add(self, spec: str, collection: str, scores: list[float], seed: int = 0) -> None:
        """One record of nDCG@10."""
        named = {"nDCG@10": {f"q{n:03}": score for n, score in enumerate(scores)}}
        record = replace(self._like, spec=spec, collection=collection, scores=named, seed=seed)
        self._records.setdefault((spec, collection), {})[seed] = record

    def __call__(self, spec: str, collection: str) -> dict[int, Record]:
        """As a store gives them."""
        return self._records.get((spec, collection), {})


@pytest.fixture
def made(bench: Bench) -> Made:
    """Nothing but what a test adds."""
    return Made(bench)


def claim(id: str, *comparisons: Comparison) -> Claim:
    """A claim of that name."""
    return Claim(id, "a > b", "Table 1", "the paper", True, comparisons=comparisons)


def greater(better: str, worse: str, **options: object) -> Comparison:
    """On both worlds."""
    return Comparison("nDCG@10", (Pair(better, worse, WORLDS),), **options)  # type: ignore[arg-type]


def fill(made: Made, **means: float) -> None:
    """Scores of 40 queries about a mean, on both worlds; the noise is shared by all systems but for a little."""
    rng = np.random.default_rng(0)
    for world in WORLDS:
        hard = rng.uniform(0.2, 0.6, size=40)
        for spec, mean in means.items():
            made.add(spec, world, (hard + mean + rng.normal(0, 0.02, size=40)).tolist())


def no_run(record: Record) -> Run:
    """Scores per query are compared without it."""
    raise AssertionError(record)


def words(found: list[Verdict]) -> dict[str, str]:
    """The word on each claim."""
    return {one.claim.id: one.word for one in found}


def test_the_words(made: Made) -> None:
    """Larger, smaller, too close to tell, no record; a claim of two parts holds when both do and falls when one does."""
    fill(made, a=0.1, b=0.0, c=0.0005, d=0.0)
    found = words(
        verdicts(
            [
                claim("larger", greater("a", "b")),
                claim("smaller", greater("b", "a")),
                claim("close", greater("c", "d")),
                claim("absent", greater("a", "z")),
                claim("both", greater("a", "b"), greater("a", "c")),
                claim("half", greater("a", "b"), greater("b", "a")),
                claim("almost", greater("a", "b"), greater("c", "d")),
            ],
            made,
            no_run,
        )
    )
    assert found == {
        "larger": "supported", "smaller": "contradicted", "close": "inconclusive", "absent": "not run here",
        "both": "supported", "half": "contradicted", "almost": "inconclusive",
    }  # fmt: skip


def test_what_training_spoilt_proves_nothing(made: Made) -> None:
    """A side below its own start makes a clear difference inconclusive, and is named; one above it does not."""
    fill(made, start=0.1, fine=0.3, spoilt=0.0)

    def against(worse: str, *starts: str) -> Comparison:
        return Comparison("nDCG@10", (Pair("fine", worse, WORLDS, starts),))

    fair, foul, own = verdicts(
        [
            claim("fair", against("start", "start")),
            claim("foul", against("spoilt", "start")),
            claim("own", against("spoilt", "start", "unmeasured")),
        ],
        made,
        no_run,
    )
    assert (fair.word, foul.word, own.word) == ("supported", "inconclusive", "supported")
    assert foul.p_value == 1 and foul.outcomes[0].test.p_value < 0.05
    assert len(foul.outcomes[0].spoilt) == len(WORLDS)
    assert all("spoilt" in said and "start" in said for said in foul.outcomes[0].spoilt)


def test_no_better_is_a_claim_with_a_margin(made: Made) -> None:
    """Supported where the difference is surely below it, contradicted where it is surely above."""
    fill(made, a=0.1, b=0.0, c=0.001)
    bounded = {"relation": "not greater", "margin": 0.02}
    found = words(
        verdicts(
            [
                claim("equal", greater("c", "b", **bounded)),
                claim("worse", greater("b", "a", **bounded)),
                claim("better", greater("a", "b", **bounded)),
            ],
            made,
            no_run,
        )
    )
    assert found == {"equal": "supported", "worse": "supported", "better": "contradicted"}


def test_many_claims_make_each_harder(made: Made) -> None:
    """A difference that alone would do is inconclusive among many: Holm's procedure."""
    rng = np.random.default_rng(6)
    for world in WORLDS:
        base = rng.uniform(size=30)
        made.add("b", world, base.tolist())
        made.add("a", world, (base + rng.normal(0.06, 0.16, size=30)).tolist())
    alone = verdicts([claim("one", greater("a", "b"))], made, no_run)[0]
    among = verdicts([claim(str(n), greater("a", "b")) for n in range(30)], made, no_run)[0]
    assert alone.word == "supported"
    assert among.word == "inconclusive"
    assert among.p_value == pytest.approx(30 * alone.p_value)


SMALL, DEEP = "lab_bert:lab:small", "lab_bert:lab:deep"


def test_seeds_are_averaged_and_told(made: Made) -> None:
    """Query by query, and by themselves; what is not trained has none, and is compared with each."""
    for world in WORLDS:
        made.add("bm25:flat", world, [0.5] * 20)
        for seed in range(3):
            made.add(SMALL, world, [0.4 + 0.1 * seed] * 20, seed)
    (found,) = verdicts([claim("x", greater("bm25:flat", SMALL))], made, no_run)
    assert found.outcomes[0].test.difference == pytest.approx(0.0)
    assert found.outcomes[0].by_seed == pytest.approx({0: 0.1, 1: 0.0, 2: -0.1})
    (plain,) = verdicts([claim("x", greater("bm25:flat", "bm25:flat"))], made, no_run)
    assert plain.outcomes[0].by_seed == {}


def test_two_trained_sides_are_compared_with_the_same_seeds(made: Made) -> None:
    """A seed that one of them lacks counts for neither; without a common one the claim is not run here."""
    for world in WORLDS:
        made.add(SMALL, world, [0.3] * 20, 0)
        made.add(SMALL, world, [0.9] * 20, 1)
        made.add(DEEP, world, [0.2] * 20, 0)
    (found,) = verdicts([claim("x", greater(SMALL, DEEP))], made, no_run)
    assert found.outcomes[0].by_seed == pytest.approx({0: 0.1})
    assert found.outcomes[0].test.difference == pytest.approx(0.1)
    for world in WORLDS:
        made._records[DEEP, world] = {2: made._records[DEEP, world][0]}
    (found,) = verdicts([claim("x", greater(SMALL, DEEP))], made, no_run)
    assert found.word == "not run here" and "with a seed that the others have" in found.missing[0]


@pytest.mark.parametrize(("last", "word"), [(0.4, "supported"), (0.19, "inconclusive")])
def test_a_seed_that_says_otherwise_leaves_a_claim_open(made: Made, last: float, word: str) -> None:
    """However sure the test over queries is of the average."""
    for world in WORLDS:
        for seed, mean in enumerate((0.5, 0.6, last)):
            made.add(SMALL, world, [mean] * 20, seed)
            made.add(DEEP, world, [0.2] * 20, seed)
    (found,) = verdicts([claim("x", greater(SMALL, DEEP))], made, no_run)
    assert found.outcomes[0].test.p_value < 0.05 and found.word == word


def test_what_decides_nothing_saves_no_claim(made: Made) -> None:
    """A claim of two parts falls with a fair one that does not hold, whatever the other is."""
    fill(made, start=0.1, fine=0.3, spoilt=0.0)
    foul = Comparison("nDCG@10", (Pair("fine", "spoilt", WORLDS, ("start",)),))
    one, other = verdicts(
        [claim("one", foul, greater("start", "fine")), claim("other", foul, greater("fine", "start"))],
        made,
        no_run,
    )
    assert (one.word, other.word) == ("contradicted", "inconclusive")


def test_a_start_is_compared_with_the_same_seeds(made: Made) -> None:
    """A seed without its start says nothing of what training did."""
    for world in WORLDS:
        made.add(SMALL, world, [0.5] * 20, 0)
        made.add(SMALL, world, [0.1] * 20, 1)
        made.add(DEEP, world, [0.4] * 20, 0)
        made.add("bm25:flat", world, [0.05] * 20)
    fair = Comparison("nDCG@10", (Pair(SMALL, "bm25:flat", WORLDS, (DEEP, "unmeasured")),))
    (found,) = verdicts([claim("x", fair)], made, no_run)
    assert found.outcomes[0].spoilt == () and found.word == "supported"


def test_other_queries_are_no_comparison(made: Made) -> None:
    """One line."""
    for world in WORLDS:
        made.add("a", world, [0.1] * 10)
        made.add("b", world, [0.1] * 11)
    with pytest.raises(EvaluationError, match="were not asked the same queries"):
        verdicts([claim("x", greater("a", "b"))], made, no_run)


def test_the_same_records_give_the_same_verdict(made: Made) -> None:
    """To the last digit: `verify` renders it again."""
    fill(made, a=0.01, b=0.0)
    one, other = (verdicts([claim("x", greater("a", "b"))], made, no_run)[0] for _ in range(2))
    assert one == other


def test_all_claims_of_the_papers_are_here() -> None:
    """77 of nine papers and the references; each is tested by something, or says what it would take."""
    found = claims()
    assert {key: len(some) for key, some in found.items()} == {
        "ance": 7, "colbert": 6, "contriever": 10, "dpr": 10, "lamer": 9, "pretraining_tasks": 5, "references": 4,
        "retromae": 9, "sg_opt": 9, "tct_colbert": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('needs = "a GPU"\nstatment = "x"', "has a key 'statment'"),
        ("", "either comparisons or says what it needs"),
        ('[[claim.comparison]]\nmeasure = "P@1"\nrelation = "larger"\npairs = []', "no relation 'larger'"),
        ('needs = "a GPU"\n[[claim]]', "'id'"),
    ],
)
def test_a_wrong_file_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    """With its name."""
    path = tmp_path / "claims.toml"
    head = '[[claim]]\nid = "a"\nstatement = "s"\nwhere = "Table 1"\nsource = "s"\nverified = true\n'
    path.write_text(head + text)
    with pytest.raises(RecordError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
