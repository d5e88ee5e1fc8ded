"""The STS tasks of SemEval 2012 to 2017, STS-B and SICK-R, as pairs of sentences.

Of a year all pairs with a gold similarity are one collection (the "all" setting: subsets are
concatenated, not averaged). Texts are the organisers', neither tokenised nor lower-cased.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sentences.sources import Items, Pair, Part, Task, lines
from benchmarks.collections.sources import Problem, Report
from benchmarks.collections.synthetic.dataset import VERSION, world_of
from benchmarks.collections.synthetic.pairs import pairs
from benchmarks.errors import MalformedInput

_WIKI = "https://ixa2.si.ehu.eus/stswiki/images"
_SEMEVAL = "https://alt.qcri.org"
_GENERATED = re.compile(r"synthetic/([a-z]+|[1-9][0-9]*)/pairs(?:/(train))?")


def _declared(url: str, licence: str, local: str) -> DeclaredFile:
    # The organisers print no hashes, and of their archives only the contents were at hand.
    return DeclaredFile(url, "", licence, local)


def _read_years(paths: Sequence[Path], report: Report) -> Iterator[tuple[str, Pair]]:
    """Files of sentences, each followed by its file of gold similarities, line for line."""
    for texts, gold in zip(paths[::2], paths[1::2], strict=True):
        left, right = lines(texts), lines(gold)
        if len(left) != len(right):
            raise MalformedInput(
                f"{gold} has {len(right)} lines and {texts.name} {len(left)}; fetch both anew"
            )
        subset = gold.stem.partition(".gs.")[2]
        for number, ((where, text), (_, grade)) in enumerate(zip(left, right, strict=True), start=1):
            # Since 2015 only some of the published pairs were judged; the others have an empty line.
            if grade.strip():
                yield from _pair(f"{subset}-{number}", [*text.split("\t")[:2], grade], where, report)


def _read_benchmark(paths: Sequence[Path], report: Report) -> Iterator[tuple[str, Pair]]:
    """STS-B: genre, file, year, number, similarity, two sentences, and perhaps their sources."""
    for path in paths:
        for number, (where, line) in enumerate(lines(path), start=1):
            fields = line.split("\t")
            yield from _pair(f"{path.stem}-{number}", [*fields[5:7], *fields[4:5]], where, report)


def _read_sick(paths: Sequence[Path], report: Report) -> Iterator[tuple[str, Pair]]:
    """SICK: under a header, the pair's number, two sentences, their relatedness."""
    for path in paths:
        for where, line in lines(path)[1:]:
            fields = line.split("\t")
            yield from _pair(f"sick-{fields[0]}", fields[1:4], where, report)


def _pair(id: str, fields: list[str], where: str, report: Report) -> Iterator[tuple[str, Pair]]:
    try:
        first, second, similarity = (field.strip() for field in fields)
        yield where, Pair(id, first, second, float(similarity))
    except ValueError:
        report(Problem(where, "not two sentences and a similarity"))


def _year(archive: str, local: str, folder: str, prefix: str, subsets: str) -> Task[Pair]:
    file = _declared(f"{_WIKI}/{archive}", "mixed, research; see the readme", f"sts/sts_en/{local}")
    names = [
        f"{folder}/{prefix}.{kind}.{subset}.txt" for subset in subsets.split() for kind in ("input", "gs")
    ]
    return Task(tuple(Part(file, name) for name in names), _read_years)


def _benchmark(*splits: str) -> Task[Pair]:
    file = _declared(
        f"{_WIKI}/4/48/Stsbenchmark.tar.gz", "mixed, research; see LICENSE.txt", "sts/sts_en/STSBenchmark"
    )
    return Task(tuple(Part(file, f"stsbenchmark/sts-{split}.csv") for split in splits), _read_benchmark)


def _sick(*splits: str) -> Task[Pair]:
    base = f"{_SEMEVAL}/semeval2014/task1/data/uploads/sick_"
    return Task(
        tuple(
            Part(_declared(f"{base}{split}.zip", "CC BY-NC-SA 3.0", "sts/sick"), f"SICK_{split}.txt")
            for split in splits
        ),
        _read_sick,
    )


def _track(name: str) -> Task[Pair]:
    base, licence = f"{_SEMEVAL}/semeval2017/task1/data/uploads", "CC BY-SA 4.0"
    texts = _declared(f"{base}/sts2017.eval.v1.1.zip", licence, "sts/sts17")
    gold = _declared(f"{base}/sts2017.gs.zip", licence, "sts/sts17")
    parts = (
        Part(texts, f"STS2017.eval.v1.1/STS.input.{name}.txt"),
        Part(gold, f"STS2017.gs/STS.gs.{name}.txt"),
    )
    return Task(parts, _read_years)


TASKS = {
    "sts12": _year(
        "4/40/STS2012-en-test.zip", "STS12-en-test", "test-gold", "STS",
        "MSRpar MSRvid SMTeuroparl surprise.OnWN surprise.SMTnews",
    ),
    "sts13": _year("2/2f/STS2013-en-test.zip", "STS13-en-test", "test-gs", "STS", "FNWN headlines OnWN"),
    "sts14": _year(
        "8/8c/STS2014-en-test.zip", "STS14-en-test", "sts-en-test-gs-2014", "STS",
        "deft-forum deft-news headlines images OnWN tweet-news",
    ),
    "sts15": _year(
        "d/da/STS2015-en-test.zip", "STS15-en-test", "test_evaluation_task2a", "STS",
        "answers-forums answers-students belief headlines images",
    ),
    "sts16": _year(
        "9/98/STS2016-en-test.zip", "STS16-en-test", "sts2016-english-with-gs-v1.0", "STS2016",
        "answer-answer headlines plagiarism postediting question-question",
    ),
    "sts-b/train": _benchmark("train"),
    "sts-b/dev": _benchmark("dev"),
    "sts-b/test": _benchmark("test"),
    "sts-b/all": _benchmark("train", "dev", "test"),
    "sick-r/train": _sick("train", "trial"),
    "sick-r/test": _sick("test_annotated"),
    "sick-r/all": _sick("train", "trial", "test_annotated"),
    "sts17/ar-ar": _track("track1.ar-ar"),
    "sts17/es-es": _track("track3.es-es"),
    "sts17/en-en": _track("track5.en-en"),
}  # fmt: skip


def generated(id: str) -> tuple[Any, Items[Pair]] | None:
    """Stamp and pairs of `synthetic/SIZE/pairs[/train]`, or nothing for another id. Raises `UsageError`."""
    found = _GENERATED.fullmatch(id)
    if found is None:
        return None
    world, split = world_of(found[1]), found[2] or "test"

    def items(_: Report) -> Iterator[tuple[str, Pair]]:
        """The pairs of the split, numbered."""
        for number, pair in enumerate(pairs(world, split), start=1):
            yield f"{id}, pair {number}", Pair(f"pair-{number}", pair.first, pair.second, pair.similarity)

    return [id, VERSION], items
