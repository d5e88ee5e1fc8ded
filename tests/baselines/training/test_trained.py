"""A variant that is trained here: what it is called by, what it starts from, what it says where something lacks."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from baselines.encoders.transformer import Conventions, TransformerEncoder
from baselines.training import starts
from baselines.training.checkpoint import contamination, trained_variant
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Training, code_of, facts
from benchmarks.errors import BenchError, MissingData, MissingWeights, UnknownName, UsageError
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.registry import Variant, variant_of
from benchmarks.spec import Leaf
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET, TINY, training

SHORT = replace(TINY, steps=1)
CONVENTIONS = Conventions(normalised=False, query_tokens=24, document_tokens=48)


def variant(one: Training) -> Variant:
    """The variant of a training, as a plain encoder."""
    return trained_variant(
        one, lambda point, setting: TransformerEncoder(point, CONVENTIONS, setting), "made"
    )


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Variant]:
    """Variants by name that trainings may start from, besides those that are installed."""
    found: dict[str, Variant] = {}

    def look(leaf: Leaf) -> Any:
        return (None, found[str(leaf)]) if str(leaf) in found else variant_of(leaf)

    monkeypatch.setattr("baselines.training.trained.variant_of", look)
    return found


def test_what_is_not_trained_says_what_makes_it(cache: Cache) -> None:
    """`missing` and `build` name the command; once trained nothing is missing, and the vectors are there."""
    one = training(SHORT)
    made = variant(one)
    advice = r"lab_bert:made is not trained yet: `retriever-bench train --variant lab_bert:made`"
    assert made.missing() == advice
    encoder: Any = made.build(Setting())
    for asked in (lambda: encoder.protocol, lambda: encoder.encode_queries(["a"])):
        with pytest.raises(MissingWeights, match=advice):
            asked()
    folder = one(Setting(), QUIET)
    assert made.missing() == ""
    assert encoder.encode_queries(["a", "b"]).shape == (2, 32)
    assert encoder.training["steps"] == 1
    with pytest.raises(MissingWeights, match=r"--variant lab_bert:made --seed 1`"):
        one.find(1)
    (folder / "training.json").unlink()
    assert made.missing() == advice


def test_what_is_finished_is_found(cache: Cache) -> None:
    """Not trained again; another recipe under the same name is not taken for it."""
    one = training(SHORT)
    folder = one(Setting(), QUIET)
    written = (folder / "training.json").stat().st_mtime_ns
    assert one(Setting(), QUIET) == folder == one.find(0)
    assert (folder / "training.json").stat().st_mtime_ns == written
    other = training(replace(SHORT, batch=4))
    assert "not trained yet" in other.missing(0)
    with pytest.raises(MissingWeights):
        other.find(0)


def test_other_code_is_told_and_retrained(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A training of other sources is taken, with a word; `--retrain` makes it anew, but not what it starts from."""
    one, progress = training(SHORT), Progress(False)
    folder = one(Setting(), progress)
    one(Setting(), progress)
    assert "by other code" not in capsys.readouterr().err
    monkeypatch.setattr("baselines.training.trained.code_of", lambda _: "other")
    written = (folder / "training.json").stat().st_mtime_ns
    one(Setting(), progress)
    told = "lab_bert:made was trained by other code than this; --retrain trains it again"
    assert told in capsys.readouterr().err
    assert (folder / "training.json").stat().st_mtime_ns == written
    assert one(Setting(retrain=True), progress) == folder
    assert (folder / "training.json").stat().st_mtime_ns > written
    one(Setting(), progress)
    assert "by other code" not in capsys.readouterr().err


def test_code_is_that_of_the_objective_and_of_what_it_is_made_of(tmp_path: Path) -> None:
    """A change in a plugin's folder is seen, through what `partial` binds too; the floor's own is counted always."""
    (tmp_path / "theirs.py").write_text("def objective(materials): ...\n")
    spec = importlib.util.spec_from_file_location("theirs", tmp_path / "theirs.py")
    assert spec and spec.loader
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    bound = partial(training, theirs.objective)
    before = code_of(theirs.objective), code_of(bound)
    assert before == (code_of(theirs.objective), code_of(bound))
    (tmp_path / "masks.py").write_text("KEPT = 0\n")
    assert code_of(theirs.objective) != before[0]
    assert code_of(bound) != before[1]


def test_data_are_missed_before_anything_is_trained(cache: Cache, known: dict[str, Variant]) -> None:
    """A start may take hours: what the last training of a chain lacks is said first."""
    first = training(SHORT, "lab_bert:first")
    known["lab_bert:first"] = variant(first)
    last = training(replace(SHORT, start="lab_bert:first", corpus="folder:nowhere/train"), "lab_bert:last")
    with pytest.raises(BenchError, match="nowhere"):
        last(Setting(), QUIET)
    assert first.missing(0)


def test_whether_something_is_missing_opens_no_data(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """`list` asks every variant: collections are neither inspected nor downloaded, no corpus is hashed."""
    one = training(SHORT)
    one(Setting(), QUIET)
    for name in ("identity", "data_identity"):
        monkeypatch.setattr(f"baselines.training.trained.{name}", None)
    assert one.missing(0) == ""
    assert training(replace(SHORT, corpus="beir/nowhere/train")).missing(0)


def test_every_key_of_a_recipe_is_part_of_the_name(cache: Cache) -> None:
    """And the seed, and what it starts from: two that could differ in weights never share a folder."""
    base = Recipe(
        start="scratch:tiny",
        corpus="synthetic/60",
        vocabulary="synthetic/60",
        batch=8,
        steps=1,
        objective={"a": 1},
    )
    other: dict[str, Any] = {
        "start": "scratch:small", "corpus": "synthetic/61", "batch": 9, "learning_rate": 0.1,
        "vocabulary": "synthetic/62", "steps": 2, "query_tokens": 65, "document_tokens": 129,
        "warmup": 0.2, "decay": False, "weight_decay": 0.02, "betas": (0.8, 0.999), "epsilon": 1e-7,
        "clip": 1.0, "accumulate": 2, "objective": {"a": 2},
    }  # fmt: skip
    changed = [replace(base, **{name: value}) for name, value in other.items()]
    changed += [replace(base, steps=0, tokens=5)]
    assert other.keys() | {"tokens"} == {field.name for field in fields(Recipe)}
    names = [fingerprint(Training("x", recipe, None).made_of(0, cache)) for recipe in [base, *changed]]  # type: ignore[arg-type]
    names.append(fingerprint(Training("x", base, None).made_of(1, cache)))  # type: ignore[arg-type]
    assert len(set(names)) == len(names)


def test_a_training_trains_what_it_starts_from(cache: Cache, known: dict[str, Variant]) -> None:
    """First, with the same seed or the one that is named; its weights are where the other begins."""
    first = training(SHORT, "lab_bert:first")
    known["lab_bert:first"] = variant(first)
    second = training(replace(SHORT, start="lab_bert:first", steps=0), "lab_bert:second")
    fixed = training(replace(SHORT, start="lab_bert:first@0", steps=0), "lab_bert:fixed")
    for one, seeds in ((second, (0, 3)), (fixed, (0, 0))):
        for seed, before in zip((0, 3), seeds, strict=True):
            folder = one(Setting(seed=seed), QUIET)
            weights = [path / "checkpoint" / "model.safetensors" for path in (folder, first.find(before))]
            assert weights[0].read_bytes() == weights[1].read_bytes()
            assert (facts(folder) or {})["made_of"]["start"]["seed"] == before
    assert variant(second).missing() == ""


def test_another_start_is_another_training(cache: Cache, known: dict[str, Variant]) -> None:
    """What was made from the old recipe of a start is not taken for what the new one would give."""
    second = training(replace(SHORT, start="lab_bert:first", steps=0), "lab_bert:second")
    known["lab_bert:first"] = variant(training(SHORT, "lab_bert:first"))
    folder = second(Setting(), QUIET)
    known["lab_bert:first"] = variant(training(replace(SHORT, learning_rate=0.5), "lab_bert:first"))
    assert "not trained yet" in variant(second).missing()
    assert second(Setting(), QUIET) != folder


def test_contamination_is_said_through_a_chain(cache: Cache, known: dict[str, Variant]) -> None:
    """Whatever begins, however far back, as a model that has seen much says so in its protocol; others say nothing."""
    first = training(replace(SHORT, start="minilm"), "lab_bert:first")
    known["lab_bert:first"] = variant(first)
    second = training(replace(SHORT, start="lab_bert:first"), "lab_bert:second")
    for one in (first, second):
        assert contamination(one.made_of(0, cache)).startswith("all-MiniLM-L6-v2 was trained on MS MARCO")
    clean = training(SHORT)
    assert contamination(clean.made_of(0, cache)) == ""
    clean(Setting(), QUIET)
    known["lab_bert:made"] = variant(clean)
    encoder = known["lab_bert:made"].build(Setting())
    model: Any = encoder.protocol["model"]  # type: ignore[union-attr]
    assert "contamination" not in model
    assert model["trained"]["recipe"]["start"] == "scratch:tiny"


def test_a_record_names_the_recipe_and_the_weights(cache: Cache) -> None:
    """Two seeds are two protocols; equal ones are equal."""
    one = training(SHORT)
    for seed in (0, 1):
        one(Setting(seed=seed), QUIET)
    found = [variant(one).build(Setting(seed=seed)).protocol for seed in (0, 0, 1)]  # type: ignore[union-attr]
    assert found[0] == found[1] != found[2]
    model: Any = found[0]["model"]
    assert model["trained"] == json.loads(json.dumps(one.made_of(0, cache)))
    assert len(model["weights_sha256"]) == 16


WRONG: list[tuple[str, type[Exception], str]] = [
    ("scratch:huge", UsageError, "no BERT of size 'huge'; sizes are tiny, small"),
    ("lab_bert:lab:smal", UnknownName, "no variant of lab_bert named 'lab:smal'; did you mean lab:small"),
    ("lab_bart:lab:small", UnknownName, "no baseline named 'lab_bart'; did you mean lab_bert"),
    ("bm25:flat", MissingWeights, "lab_bert:made builds on bm25:flat, which is not trained here"),
    ("nobody/model", MissingWeights, "needs nobody/model: --checkpoint FOLDER, or a network"),
]


@pytest.mark.parametrize(("start", "error", "message"), WRONG)
def test_a_start_that_is_none_is_said_in_one_line(
    start: str, error: type[Exception], message: str, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is trained; `list` gives the advice all the same."""
    monkeypatch.setattr("baselines.encoders.checkpoints.reachable", lambda _: False)
    one = training(replace(SHORT, start=start, vocabulary="synthetic/60"))
    with pytest.raises(error, match=message) as told:
        one(Setting(), QUIET)
    assert "\n" not in str(told.value)
    assert "is not trained yet" in one.missing(0)


def test_a_corpus_that_is_not_here_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The published size needs what nothing here reads; the lab's a file."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    for corpus, message in (
        ("wikipedia", "no corpus 'wikipedia'"),
        ("wikipedia-schools", "set RETRIEVER_BENCH_DATA"),
    ):
        with pytest.raises(MissingData, match=message):
            training(replace(SHORT, corpus=corpus, vocabulary="synthetic/60"))(Setting(), QUIET)


def test_random_weights_need_no_training(cache: Cache) -> None:
    """A dry run builds the variant with a drawn model, and says so in its protocol."""
    encoder = variant(training(SHORT)).build(Setting(random_weights=True))
    assert isinstance(encoder, Encoder)
    assert encoder.encode_documents([Document("1", "t", "x")]).shape[0] == 1
    assert encoder.protocol["model"] == {"drawn": "bert", "seed": 0}
    assert not list((cache.root / "trained").glob("lab_bert*"))


def test_a_drawn_start_is_bert_as_transformers_draws_it(cache: Cache) -> None:
    """Of the declared size, the same each time, another with another seed; torch's own generator is left alone."""
    import torch

    from baselines.training.wordpiece import word_piece

    pieces = word_piece("synthetic/60", 300, cache)
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    one = starts.ScratchWeights("tiny", 4, pieces)
    first, again, other = one.backbone(), one.backbone(), starts.ScratchWeights("tiny", 5, pieces).backbone()
    assert torch.equal(torch.rand(1), expected)
    weights = [model.embeddings.word_embeddings.weight for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert (first.config.hidden_size, first.config.num_hidden_layers, first.config.vocab_size) == (
        32,
        1,
        len(pieces),
    )


def test_recipes_are_a_profile_changed_by_each(tmp_path: Path) -> None:
    """Keys that no recipe has are the objective's; one that lacks, and one that nobody takes, are named with the file."""
    path = tmp_path / "recipe.toml"
    path.write_text(
        'takes = ["decoder"]\n[lab]\nstart = "scratch:tiny"\ncorpus = "c"\nbatch = 4\nmask = 0.15\nbetas = [0.9, 0.98]\n'
        "[lab.recipes]\na = {}\nb = { batch = 8, mask = 0.3, decoder = 'x' }\n[bad.recipes]\na = { batch = 1 }\n"
        "[misspelt.recipes]\na = { tokns = 1000 }\n[strange.recipes]\na = { flavour = 'sour' }\n"
    )
    found = recipes(path, "lab")
    assert [(r.batch, dict(r.objective)) for r in found.values()] == [
        (4, {"mask": 0.15}), (8, {"mask": 0.3, "decoder": "x"}),
    ]  # fmt: skip
    assert found["a"].betas == (0.9, 0.98)
    assert recipes(path, "none") == {}
    with pytest.raises(UsageError, match=r"recipe\.toml: \[bad\], recipe a lacks start, corpus"):
        recipes(path, "bad")
    with pytest.raises(UsageError, match=r"recipe a: nobody takes 'tokns'; did you mean 'tokens'"):
        recipes(path, "misspelt")
    with pytest.raises(UsageError, match=r"\[strange\], recipe a: nobody takes 'flavour'; `takes`"):
        recipes(path, "strange")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tokens = '100k'", "tokens is '100k'; it is a whole number"),
        ("steps = true", "steps is True; it is a whole number"),
        ("decay = 1", "decay is 1; it is true or false"),
        ("learning_rate = 'fast'", "learning_rate is 'fast'; it is a number"),
        ("betas = 0.9", "betas is 0.9; it is two numbers in brackets"),
        ("batch = -1", "batch is -1; it is 1 at least"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused(line: str, message: str, tmp_path: Path) -> None:
    """In one line that names file, profile and recipe, before anything is trained; a whole number is a number too."""
    path = tmp_path / "recipe.toml"
    base = 'start = "scratch:tiny"\ncorpus = "c"\nlearning_rate = 1\n'
    batch = "" if "batch" in line else "batch = 4\n"
    path.write_text(
        f"[lab]\n{base}{batch}[lab.recipes.a]\n{line}\n[plain]\n{base}batch = 4\n[plain.recipes]\na = 3\n"
    )
    with pytest.raises(UsageError, match=re.escape(f"{path}: [lab], recipe a: {message}")):
        recipes(path, "lab")
    with pytest.raises(UsageError, match=re.escape("[plain], recipe a is 3; it is a table")):
        recipes(path, "plain")


REHEARSED = """
import sys
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.registry import variant_of
from benchmarks.spec import parse
print(variant_of(parse(sys.argv[1]))[1].train(Setting(random_weights=True), Progress(True)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ict+bfs+wlp", "mlm"])
def test_the_papers_size_takes_two_steps_in_the_memory_that_was_foreseen(name: str) -> None:
    """BERT-base, two towers of it, with the published lengths: what is taken holds gradients and both moments at least.

    How near the estimate is to it is not asked: generated texts are much shorter than the longest, which it is for.
    In a process of its own: what another training has freed would be taken again without a rise.
    """
    command = [sys.executable, "-c", REHEARSED, f"pretraining_tasks:paper:{name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    spent = (facts(Path(done.stdout.strip())) or {})["spent"]
    assert spent["steps"] == 2
    assert 12 * spent["parameters"] < spent["peak_bytes"] < spent["estimated_bytes"] < 8 * 2**30
