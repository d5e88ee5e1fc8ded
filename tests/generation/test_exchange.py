"""Export and import: prompts go out, answers come back, and nothing is taken that does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from benchmarks import cli
from benchmarks.errors import BenchError
from benchmarks.generation.exchange import bring, export, statistics
from benchmarks.records.store import Store
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

WORLD = "synthetic/tiny/test"
SPEC = "lamer:claude:M0"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Nothing is in it."""
    return Store(tmp_path / "results")


def write(path: Path, entries: Iterable[object]) -> Path:
    """JSON lines."""
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def exported(store: Store, folder: Path) -> tuple[Path, list[dict[str, str]]]:
    """The file of prompts, and what is in it."""
    path = folder / "prompts.jsonl"
    export(SPEC, WORLD, store, path)
    return path, [json.loads(line) for line in path.read_bytes().splitlines()]


def test_answers_come_back_and_are_used(store: Store, tmp_path: Path, bench: Bench) -> None:
    """All of them, with their source; then there is nothing left to export, and the cell can be measured."""
    path, prompts = exported(store, tmp_path)
    answers = write(
        tmp_path / "a.jsonl", ({"id": one["id"], "text": f"for {one['query']}"} for one in prompts)
    )
    with pytest.raises(BenchError, match=r"has not answered 64 prompts \(64 queries\).*generations export"):
        run_cell(parse(SPEC), WORLD, bench)
    assert bring(answers, path, "somebody, today", store) == (64, 0)
    assert bring(answers, path, "somebody else", store) == (0, 64)
    assert export(SPEC, WORLD, store, tmp_path / "none.jsonl") == 0
    assert not (tmp_path / "none.jsonl").exists()
    record = run_cell(parse(SPEC), WORLD, bench)
    assert record.generation["sources"] == ["somebody, today"]
    ((generator, _, questions, count, *_, sources),) = statistics(store)
    assert (generator, questions, count, sources) == ("claude", "64", "64", "somebody, today")


def test_a_prompt_file_says_all_that_an_answer_needs(store: Store, tmp_path: Path) -> None:
    """Its prompt, whose it is, and no judgment."""
    _, prompts = exported(store, tmp_path)
    assert {frozenset(one) for one in prompts} == {
        frozenset(
            {
                "id",
                "prompt",
                "query",
                "sample",
                "candidates",
                "generator",
                "collection",
                "purpose",
                "template",
            }
        )
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda answers: answers[0].update(id="0" * 64 + "-0"), "answer 1: 0000.* is no prompt of"),
        (lambda answers: answers[2].update(text=" \n"), "answer 3: an answer without a word"),
        (lambda answers: answers[1].pop("text"), "line 2: lacks one of id, text"),
        (lambda answers: answers[1].update(text=None), "line 2: lacks one of id, text"),
        (lambda answers: answers[1].update(id=5), "line 2: lacks one of id, text"),
        (lambda answers: answers.append({**answers[3], "text": "other"}), "another answer to"),
        (lambda answers: answers.clear(), "holds no answer"),
    ],
)
def test_a_faulty_file_is_refused_whole(change: object, message: str, store: Store, tmp_path: Path) -> None:
    """One line of error, and the store stays as it was."""
    path, prompts = exported(store, tmp_path)
    answers = [{"id": one["id"], "text": "words"} for one in prompts]
    change(answers)  # type: ignore[operator]
    with pytest.raises(BenchError, match=message):
        bring(write(tmp_path / "a.jsonl", answers), path, "somebody", store)
    assert not list(store.generations.glob("*/*"))


def test_a_changed_prompt_is_refused(store: Store, tmp_path: Path) -> None:
    """An answer to other words is no answer to these."""
    path, prompts = exported(store, tmp_path)
    prompts[0]["prompt"] += " In French."
    write(path, prompts)
    answers = write(tmp_path / "a.jsonl", [{"id": prompts[0]["id"], "text": "oui"}])
    with pytest.raises(BenchError, match="was changed since it was exported"):
        bring(answers, path, "somebody", store)


@pytest.mark.parametrize(
    "change",
    [{"purpose": "../../evil"}, {"sample": "0"}, {"template": "x"}, {"sample": 1}, {"generator": "nobody"}],
)
def test_a_prompt_file_that_was_tampered_with_is_refused_whole(
    change: dict[str, object], store: Store, tmp_path: Path
) -> None:
    """One line, and nothing is written, inside the store or outside."""
    path, prompts = exported(store, tmp_path)
    prompts[5].update(change)  # type: ignore[arg-type]
    write(path, prompts)
    answers = write(tmp_path / "a.jsonl", [{"id": one["id"], "text": "words"} for one in prompts])
    before = sorted(tmp_path.rglob("*.jsonl"))
    with pytest.raises(BenchError):
        bring(answers, path, "somebody", store)
    assert sorted(tmp_path.rglob("*.jsonl")) == before


def test_what_asks_nobody_has_no_prompts(store: Store, tmp_path: Path) -> None:
    """One line."""
    with pytest.raises(BenchError, match="bm25:flat asks no language model"):
        export("bm25:flat", WORLD, store, tmp_path / "x.jsonl")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Export, import and stats as they are typed; a wrong file is one line and exit 1."""
    results, prompts, answers = tmp_path / "results", tmp_path / "p.jsonl", tmp_path / "a.jsonl"
    common = ["--results", str(results)]
    assert cli.main(["generations", "stats", *common]) == 0
    assert "nothing is kept" in capsys.readouterr().out
    which = ["--variant", SPEC, "--collection", WORLD]
    assert cli.main(["generations", "export", *which, "--output", str(prompts), *common]) == 0
    assert "64 prompts without an answer" in capsys.readouterr().out
    write(
        answers, [{"id": json.loads(line)["id"], "text": "x"} for line in prompts.read_bytes().splitlines()]
    )
    bringing = ["generations", "import", str(answers), "--prompts", str(prompts)]
    assert cli.main([*bringing, "--source", "me", *common]) == 0
    assert "64 answers were taken" in capsys.readouterr().out
    assert cli.main(["generations", "export", *which, "--output", str(prompts), *common]) == 0
    assert "every prompt is answered" in capsys.readouterr().out
    assert cli.main(["generations", "stats", *common]) == 0
    assert "claude" in capsys.readouterr().out
    answers.write_text("no json\n")
    assert cli.main([*bringing, "--source", "me", *common]) == 1
    assert "line 1: not JSON" in capsys.readouterr().err
