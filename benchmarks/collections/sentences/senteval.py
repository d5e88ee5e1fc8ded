"""SentEval's classification tasks (Conneau and Kiela 2018), as labelled sentences.

Texts are as SentEval prepares them: MR, CR, SUBJ and MPQA tokenised, with what is not ASCII written
as `cat -v` does; TREC without quotation marks; SST-2 with the phrases of its training sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.collections.remote import DeclaredFile
from benchmarks.collections.sentences.sources import ALL, Labelled, Part, Task, lines
from benchmarks.collections.sources import Problem, Report

# SentEval's own script has lost some of its sources; this archive holds what it made of them. Its hash
# is not declared because the archive was not at hand to take it.
_PREPARED = DeclaredFile(
    "https://huggingface.co/datasets/princeton-nlp/datasets-for-simcse/resolve/main/senteval.tar", "",
    "research; each task has its own terms", "senteval",
)  # fmt: skip
_SST_COMMIT = "006f00449589393e1f692e57e6616c05667c21f0"
_SST_SHA256 = {
    "train": "10a92a297ec38e262386e5a2713b4bc70e5d18ced88b7f54bd171a26e5b34ab5",
    "dev": "9a6c7403b71a9b762158387afe4431253ae10cdfb2319b5275289f3766f48291",
    "test": "4fefd1cd67526cf87ebc7fafc3afc21cc7cfa6ae53b45e74f77f9456e3c62752",
}
_MRPC_SHA256 = {
    "train": "446b9a5fa4e8d526b99f1d635f036f89063749783f5d3464ee8c1879724d406d",
    "val": "7e5d0ee4ec392b062af73c7cffe82f0725e5b08f6bfdf0915f31bbc470b8bacf",
    "test": "51a1f197d8786712d2f0d97700f5be653b7488a96cde00e158159350d23e3d90",
}


def _read_classes(paths: Sequence[Path], _: Report) -> Iterator[tuple[str, Labelled]]:
    """One file a class; its ending is the label. Empty lines are sentences, as in SentEval."""
    for path in paths:
        label = path.suffix.removeprefix(".")
        for number, (where, line) in enumerate(lines(path, "latin-1"), start=1):
            yield where, Labelled(f"{ALL}-{label}-{number}", ALL, line.strip(), label)


def _read_sst(paths: Sequence[Path], report: Report) -> Iterator[tuple[str, Labelled]]:
    """Sentence, tab, label."""
    for part, path in zip(("train", "dev", "test"), paths, strict=True):
        for number, (where, line) in enumerate(lines(path), start=1):
            text, tab, label = line.rpartition("\t")
            if not tab:
                report(Problem(where, "not a sentence and a label"))
                continue
            yield where, Labelled(f"{part}-{number}", part, text.strip(), label.strip())


def _read_trec(paths: Sequence[Path], report: Report) -> Iterator[tuple[str, Labelled]]:
    """Label, colon, finer label, question."""
    for part, path in zip(("train", "test"), paths, strict=True):
        for number, (where, line) in enumerate(lines(path, "latin-1"), start=1):
            label, colon, rest = line.partition(":")
            if not colon:
                report(Problem(where, "not a label and a question"))
                continue
            yield where, Labelled(f"{part}-{number}", part, rest.partition(" ")[2].strip(), label)


def _read_mrpc(paths: Sequence[Path], report: Report) -> Iterator[tuple[str, Labelled]]:
    """Under a header: label, two ids, two sentences. The validation pairs belong to SentEval's training set."""
    for path in paths:
        part = "test" if "test" in path.stem else "train"
        for number, (where, line) in enumerate(lines(path)[1:], start=1):
            fields = line.split("\t")
            if len(fields) != 5:
                report(Problem(where, "not a label, two ids and two sentences"))
                continue
            id = f"{part}-{path.stem.rpartition('-')[2]}-{number}"
            yield where, Labelled(id, part, f"{fields[3].strip()}\t{fields[4].strip()}", fields[0])


def _classes(*names: str) -> Task[Labelled]:
    return Task(tuple(Part(_PREPARED, name) for name in names), _read_classes)


def _sst(split: str) -> Part:
    url = f"https://raw.githubusercontent.com/PrincetonML/SIF/{_SST_COMMIT}/data/sentiment-{split}"
    local = f"senteval/SST/Binary/sentiment-{split}"
    return Part(DeclaredFile(url, _SST_SHA256[split], "research; Stanford Sentiment Treebank", local))


def _mrpc(split: str) -> Part:
    name = f"msr-para-{split}.tsv"
    url = f"https://raw.githubusercontent.com/brmson/dataset-sts/master/data/para/msr/{name}"
    return Part(DeclaredFile(url, _MRPC_SHA256[split], "research; Microsoft Research", f"sts/mrpc/{name}"))


TASKS = {
    "senteval/MR": _classes("MR/rt-polarity.pos", "MR/rt-polarity.neg"),
    "senteval/CR": _classes("CR/custrev.pos", "CR/custrev.neg"),
    "senteval/SUBJ": _classes("SUBJ/subj.subjective", "SUBJ/subj.objective"),
    "senteval/MPQA": _classes("MPQA/mpqa.pos", "MPQA/mpqa.neg"),
    "senteval/SST2": Task(tuple(_sst(split) for split in ("train", "dev", "test")), _read_sst),
    "senteval/TREC": Task(
        (Part(_PREPARED, "TREC/train_5500.label"), Part(_PREPARED, "TREC/TREC_10.label")), _read_trec
    ),
    "senteval/MRPC": Task(tuple(_mrpc(split) for split in ("train", "val", "test")), _read_mrpc),
}
