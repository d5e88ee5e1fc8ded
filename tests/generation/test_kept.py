"""The store: each prompt is answered once, whatever happens; nothing is asked beyond the budget."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.errors import RecordError, Unavailable
from benchmarks.generation.budget import budget_of
from benchmarks.generation.prompts import Prompt
from benchmarks.generation.store import Generation, GenerationFile
from benchmarks.progress import Progress
from tests.generation.made import Scripted, kept, prompts

QUIET = Progress(quiet=True)


def echo(prompt: Prompt, sample: int) -> str:
    """An answer that tells whose it is."""
    return f"{prompt.query} {sample}"


def lines(folder: Path) -> list[dict[str, object]]:
    """What the store's one file holds."""
    (path,) = folder.glob("*/*.jsonl")
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_each_prompt_is_asked_once(tmp_path: Path) -> None:
    """With at most `concurrency` at a time; equal prompts once; what is there never again, by another object either."""
    model = Scripted(echo)
    wanted = [*prompts(20), *prompts(3)]
    store = kept(tmp_path / "g", model)
    store.ask(wanted, 2, QUIET)
    store.ask(wanted, 2, QUIET)
    again = kept(tmp_path / "g", model)
    again.ask(wanted, 2, QUIET)
    assert set(model.asked.values()) == {1}
    assert len(model.asked) == len(lines(tmp_path / "g")) == 40
    assert 1 <= model.most <= 4
    assert again.texts(wanted, 2) == [[f"{prompt.query} 0", f"{prompt.query} 1"] for prompt in wanted]
    again.ask(wanted, 3, QUIET)
    assert len(model.asked) == 60


def test_a_line_says_everything(tmp_path: Path) -> None:
    """What was asked of whom about what, what came, what it took, and when."""
    store = kept(tmp_path / "g", Scripted(echo), temperature=0.5)
    prompt = Prompt("q1", "About it:", ("d3", "d1"))
    store.ask([prompt], 1, QUIET)
    (line,) = lines(tmp_path / "g")
    made = line.pop("made")
    assert isinstance(made, str) and made.startswith("20")
    assert line == {
        "query": "q1", "prompt_sha256": prompt.key, "sample": 0, "text": "q1 0", "candidates": ["d3", "d1"],
        "collection": "synthetic/tiny", "template": {"name": "made-up", "version": 1}, "model": "script-1",
        "sampling": {"temperature": 0.5, "max_tokens": 10}, "tokens_in": 7, "tokens_out": 3, "seconds": 0.25,
        "source": "a script",
    }  # fmt: skip


def test_a_changed_prompt_gets_no_old_answer(tmp_path: Path) -> None:
    """One more letter, and it is asked anew; the old answer stays."""
    model = Scripted(echo)
    store = kept(tmp_path / "g", model)
    store.ask([Prompt("q1", "About it:")], 1, QUIET)
    changed = Prompt("q1", "About it!")
    assert store.missing([changed], 1) == [(changed, 0)]
    with pytest.raises(Unavailable, match=r"has not answered 1 prompts \(1 queries\)"):
        store.texts([changed], 1)
    before = store.protocol(1)
    store.ask([changed], 1, QUIET)
    assert len(lines(tmp_path / "g")) == 2
    assert store.protocol(1) != before


def test_the_protocol_tells_answers_apart(tmp_path: Path) -> None:
    """Other words, another protocol; answers beyond those that are used change nothing, nor does their order."""
    first = kept(tmp_path / "a", Scripted(echo))
    first.ask(prompts(5), 1, QUIET)
    second = kept(tmp_path / "b", Scripted(echo))
    second.ask(prompts(5)[::-1], 1, QUIET)
    assert first.protocol(1) == second.protocol(1)
    second.ask(prompts(5), 3, QUIET)
    assert first.protocol(1) == second.protocol(1) != second.protocol(3)
    third = kept(tmp_path / "c", Scripted(lambda prompt, sample: echo(prompt, sample) + "!"))
    third.ask(prompts(5), 1, QUIET)
    assert third.protocol(1) != first.protocol(1)


def test_what_cannot_be_answered_is_said_and_the_rest_kept(tmp_path: Path) -> None:
    """The same command asks for what is left, and for nothing else."""
    refuse = {"q3"}

    def say(prompt: Prompt, sample: int) -> str:
        if prompt.query in refuse:
            raise Unavailable("HTTP 400 from nowhere after 6 attempts")
        return echo(prompt, sample)

    model = Scripted(say)
    store = kept(tmp_path / "g", model)
    with pytest.raises(Unavailable, match=r"no answer to 1 of 10 prompts: HTTP 400 .* the same command"):
        store.ask(prompts(10), 1, QUIET)
    assert len(lines(tmp_path / "g")) == 9
    refuse.clear()
    store.ask(prompts(10), 1, QUIET)
    assert sorted(model.asked.values()) == [1] * 9 + [2]


def test_a_dead_server_is_not_asked_for_long(tmp_path: Path) -> None:
    """After some failures in a row nothing more is asked."""

    def say(prompt: Prompt, sample: int) -> str:
        raise Unavailable("the connection broke")

    model = Scripted(say)
    with pytest.raises(Unavailable, match="no answer to 100 of 100 prompts: the connection broke"):
        kept(tmp_path / "g", model).ask(prompts(100), 1, QUIET)
    assert len(model.asked) < 20


@settings(deadline=None, max_examples=30)
@given(budget=st.integers(1, 900))
def test_a_budget_is_never_passed(tmp_path_factory: pytest.TempPathFactory, budget: int) -> None:
    """Whatever answers cost, their tokens stay within it; what is left could not be sure to."""
    budget_of.cache_clear()
    folder = tmp_path_factory.mktemp("budget")
    store = kept(folder, Scripted(echo), budget_tokens=budget)
    try:
        store.ask(prompts(40), 1, QUIET)
        spent = 10 * len(lines(folder))
    except Unavailable as error:
        assert "the budget allows no more" in str(error)
        spent = 10 * len(list(folder.glob("*/*.jsonl")) and lines(folder))
        assert spent + len(prompts(40)[0].text) + 1 + 64 + 10 > budget - 10
    assert spent <= budget


def test_dollars_are_counted(tmp_path: Path) -> None:
    """By the prices of the generator; a run stops before it passes its dollars."""
    store = kept(tmp_path / "g", Scripted(echo), price_in=1e6, price_out=2e6, budget_usd=300.0)
    with pytest.raises(Unavailable, match="the budget allows no more"):
        store.ask(prompts(40), 1, QUIET)
    count = len(lines(tmp_path / "g"))
    assert store.spent(prompts(40), 1)["usd"] == 13.0 * count <= 300.0
    assert count >= 10


def _ask_slowly(folder: Path) -> None:
    def say(prompt: Prompt, sample: int) -> str:
        time.sleep(0.05)
        return echo(prompt, sample)

    kept(folder, Scripted(say)).ask(prompts(200), 1, QUIET)


def test_a_budget_is_of_the_run_not_of_a_file(tmp_path: Path) -> None:
    """What was spent on one collection is not there for the next; a server that counts nothing is taken at its most."""
    budget_of.cache_clear()
    kept(tmp_path / "a", Scripted(echo), budget_tokens=500).ask(prompts(30), 1, QUIET)
    with pytest.raises(Unavailable, match="the budget allows no more"):
        kept(tmp_path / "b", Scripted(echo), budget_tokens=500).ask(prompts(30), 1, QUIET)
    silent = Scripted(echo)
    silent.tokens = (0, 0)
    with pytest.raises(Unavailable, match="the budget allows no more"):
        kept(tmp_path / "c", silent, budget_tokens=501).ask(prompts(30), 1, QUIET)
    assert len(silent.asked) <= 501 // 80


def test_another_model_answers_anew(tmp_path: Path) -> None:
    """Neither another model's answers nor those of other sampling are taken for its own; all stay in the file."""
    first = kept(tmp_path / "g", Scripted(echo))
    first.ask(prompts(5), 1, QUIET)
    for changes in ({"model": "script-2"}, {"temperature": 0.3}):
        model = Scripted(lambda prompt, sample: "another " + echo(prompt, sample))
        other = kept(tmp_path / "g", model, **changes)
        assert len(other.missing(prompts(5), 1)) == 5
        other.ask(prompts(5), 1, QUIET)
        assert other.texts(prompts(5), 1)[0] == ["another q0 0"]
    assert first.texts(prompts(5), 1)[0] == ["q0 0"]
    assert kept(tmp_path / "g", None).texts(prompts(5), 1)[0] == ["q0 0"]
    assert len(lines(tmp_path / "g")) == 15


def test_a_model_of_this_machine_is_asked_one_at_a_time(tmp_path: Path) -> None:
    """Its draws come from one generator of numbers."""
    model = Scripted(echo)
    kept(tmp_path / "g", model, kind="transformers").ask(prompts(20), 1, QUIET)
    assert model.most == 1


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """What was answered before a SIGKILL is not asked again; a half-written line is no answer, and is cut off."""
    folder = tmp_path / "g"
    process = multiprocessing.get_context("fork").Process(target=_ask_slowly, args=(folder,))
    process.start()
    while not list(folder.glob("*/*.jsonl")) or len(lines_so_far(folder)) < 20:
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    (path,) = folder.glob("*/*.jsonl")
    before = len(GenerationFile(path).read())
    with path.open("ab") as file:
        file.write(b'{"query": "q199", "prompt_sha')
    model = Scripted(echo)
    kept(folder, model).ask(prompts(200), 1, QUIET)
    assert len(model.asked) == 200 - before
    assert len(lines(folder)) == 200
    assert len({(line["prompt_sha256"], line["sample"]) for line in lines(folder)}) == 200


def lines_so_far(folder: Path) -> list[bytes]:
    """Whole lines of a file that is being written."""
    (path,) = folder.glob("*/*.jsonl")
    return path.read_bytes().split(b"\n")[:-1]


def _ask_quickly(folder: Path) -> None:
    kept(folder, Scripted(echo)).ask(prompts(60), 1, QUIET)


def test_two_processes_ask_once(tmp_path: Path) -> None:
    """The second waits, and finds the answers of the first."""
    folder = tmp_path / "g"
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_ask_quickly, args=(folder,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert len(lines(folder)) == 60


@settings(deadline=None, max_examples=50)
@given(text=st.text(max_size=60), query=st.text(max_size=10))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str, query: str) -> None:
    """Newlines, quotes, separators and lone surrogates: a line holds them all."""
    path = tmp_path_factory.mktemp("any") / "x.jsonl"
    one = Generation(query, "0" * 64, 0, text, (query,), "c", {}, "m", {}, 1, 2, 0.5, "2026", "s")
    two = Generation(query, "1" * 64, 0, text * 2, (), "c", {}, "m", {}, 1, 2, 0.5, "2026", "s")
    file = GenerationFile(path)
    file.append(one)
    file.append(two)
    assert list(file.read().values()) == [one, two]
    assert path.read_bytes().count(b"\n") == 2


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    """With its file and number."""
    path = tmp_path / "x.jsonl"
    path.write_text('{"query": 1}\n')
    with pytest.raises(RecordError, match=r"x\.jsonl, line 1: not a generation"):
        GenerationFile(path).read()
