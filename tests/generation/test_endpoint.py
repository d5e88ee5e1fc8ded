"""A real OpenAI-compatible server on loopback, `transformers serve` with a tiny model, on good days and bad ones.

Runs in `nox -s endpoint`, which installs the client and the server.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("openai", reason="the client is not installed; `nox -s endpoint` installs it")
pytest.importorskip("fastapi", reason="the server is not installed; `nox -s endpoint` installs it")

from benchmarks.errors import Unavailable
from benchmarks.generation.endpoint import KEY, URL, Endpoint
from benchmarks.generation.generators import OWN, Generator
from benchmarks.generation.kept import KeptAnswers
from benchmarks.generation.local import LocalModel
from benchmarks.generation.prompts import Prompt
from benchmarks.progress import Progress
from tests.generation.faults import FAULTS, FaultyProxy
from tests.generation.made import TEMPLATE, prompts

SECRET = "sk-do-not-tell-0123456789"
QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model of a few thousand numbers, with a tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    words = ["[UNK]", "<s>", "</s>", *(f"w{number}" for number in range(200)), "About", "thing", ":"]
    tokenizer = Tokenizer(
        models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    fast.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[tuple[str, int]]:
    """`transformers serve`, host and port."""
    port = free_port()
    serve = [
        Path(sys.executable).with_name("transformers"),
        "serve",
        model,
        "--host",
        "127.0.0.1",
        "--port",
        port,
    ]
    process = subprocess.Popen(
        list(map(str, serve)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
            break
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not begin"
            time.sleep(0.5)
    yield "127.0.0.1", port
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def proxy(server: tuple[str, int], request: pytest.FixtureRequest) -> Iterator[FaultyProxy]:
    """Between client and server; a fault in so many of ten requests."""
    made = FaultyProxy(server, share=request.param, stall=60.0)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def generator(model: Path, proxy: FaultyProxy) -> Generator:
    """The tiny model behind the proxy."""
    url = f"http://127.0.0.1:{proxy.server_address[1]}/v1"
    return Generator(
        "tiny", "endpoint", str(model), max_tokens=8, base_url=url, concurrency=16, timeout=20.0, attempts=12
    )


def kept(generator: Generator, folder: Path) -> KeptAnswers:
    """The store that asks it."""
    return KeptAnswers(
        generator, TEMPLATE, "made-up.M0", "synthetic/tiny", folder, lambda: Endpoint(generator)
    )


@pytest.mark.parametrize("proxy", [0.0], indirect=True)
def test_sixteen_requests_are_in_flight(
    model: Path, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer is kept with its tokens and seconds, each prompt asked once, the key sent and never kept."""
    monkeypatch.setenv(KEY, SECRET)
    store = kept(generator(model, proxy), tmp_path)
    proxy.hold = 16
    wanted = prompts(40)
    store.ask(wanted, 1, QUIET)
    assert proxy.seen == {"passed": 40}
    assert proxy.most == 16
    assert proxy.keys == {f"Bearer {SECRET}"}
    found = store.spent(wanted, 1)
    assert found["answers"] == 40
    assert found["tokens_in"] >= 40
    assert 40 <= found["tokens_out"] <= 40 * 8
    assert found["seconds_each"] > 0
    assert found["sources"] == ["endpoint 127.0.0.1"]
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.slow
@pytest.mark.parametrize("proxy", [0.5], indirect=True)
def test_bad_days_end_well(
    model: Path, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of all requests go wrong in one of six ways; every prompt is answered, each exactly once."""
    monkeypatch.setenv(KEY, SECRET)
    quick = replace(generator(model, proxy), timeout=5.0)
    store = kept(quick, tmp_path)
    wanted = prompts(60)
    store.ask(wanted, 1, QUIET)
    assert set(FAULTS) <= proxy.seen.keys()
    assert proxy.seen["passed"] == 60
    lines = [json.loads(line) for line in store.path.read_bytes().splitlines()]
    assert sorted(line["prompt_sha256"] for line in lines) == sorted(prompt.key for prompt in wanted)
    assert all(text.strip() for (text,) in store.texts(wanted, 1))


@pytest.mark.parametrize("proxy", [1.0], indirect=True)
@pytest.mark.parametrize("fault", ["429", "500", "no choices", "no JSON", "half-closed", "stall"])
def test_a_hopeless_server_is_one_line_without_the_key(
    fault: str, model: Path, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went wrong and where; not what the server wrote, which may quote the key."""
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setattr(proxy, "fault", lambda: fault)
    impatient = replace(generator(model, proxy), attempts=2, timeout=1.0)
    with pytest.raises(Unavailable) as caught:
        kept(impatient, tmp_path).ask(prompts(3), 1, QUIET)
    message = str(caught.value)
    assert SECRET not in message
    assert "\n" not in message
    assert f"from 127.0.0.1:{proxy.server_address[1]} after 2 attempts" in message
    assert {"429": "HTTP 429", "500": "HTTP 500", "stall": "nothing for 1 s"}.get(fault, "") in message
    cause: BaseException | None = caught.value
    while cause is not None:
        assert SECRET not in str(cause)
        cause = cause.__cause__


@pytest.mark.parametrize("proxy", [0.0], indirect=True)
def test_a_request_that_is_refused_is_not_made_again(
    model: Path, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong key, a wrong word: what the server says of the second is told, without the key."""
    monkeypatch.setenv(KEY, SECRET)
    for status, told in (("401", "HTTP 401 from"), ("400", r"HTTP 400 \(.*bad Bearer \[key\].*\) from")):
        monkeypatch.setattr(proxy, "fault", lambda status=status: status)
        one = replace(generator(model, proxy), concurrency=1)
        with pytest.raises(Unavailable, match=told) as caught:
            kept(one, tmp_path / status).ask(prompts(1), 1, QUIET)
        assert SECRET not in str(caught.value)
        assert "attempts" not in str(caught.value)


def test_no_key_and_no_server_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What to set."""
    for name in (KEY, URL):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unavailable, match=f"needs a key in {KEY}, or a server in {URL}"):
        Endpoint(Generator("x", "endpoint", "m")).open()


@pytest.mark.slow
@pytest.mark.parametrize("proxy", [0.0], indirect=True)
def test_a_killed_run_goes_on_from_the_command_line(
    model: Path, proxy: FaultyProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run` with LameR, killed in the middle: the same command asks for what is left, and the key is nowhere."""
    declared = tmp_path / "mine.toml"
    url = f"http://127.0.0.1:{proxy.server_address[1]}/v1"
    declared.write_text(
        f'[tiny]\nkind = "endpoint"\nmodel = "{model}"\nbase_url = "{url}"\nmax_tokens = 8\nconcurrency = 4\n'
    )
    monkeypatch.setenv(OWN, str(declared))
    monkeypatch.setenv(KEY, SECRET)
    command = [
        sys.executable, "-m", "benchmarks", "run", "--variant", "lamer:tiny", "--collection", "synthetic/tiny/test",
        "--no-efficiency", "--results", str(tmp_path / "results"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while proxy.seen["passed"] < 60:
        assert process.poll() is None, process.stdout and process.stdout.read()
        time.sleep(0.05)
    process.kill()
    process.communicate()
    (path,) = (tmp_path / "results" / "generations").glob("*/*.jsonl")
    answered = path.read_bytes().count(b"\n")
    before = proxy.seen["passed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # 64 queries, five answers each; what was under way when it was killed is asked again.
    assert proxy.seen["passed"] - before == 320 - answered
    assert path.read_bytes().count(b"\n") == 320
    assert SECRET not in done.stdout + done.stderr
    assert not any(SECRET.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_model_of_this_machine_answers_the_same_again(model: Path) -> None:
    """By prompt and sample; other samples differ; stops are cut off."""
    local = LocalModel(Generator("mine", "transformers", str(model), max_tokens=12))
    local.open()
    prompt = Prompt("q", "About thing :")
    first = local.answer(prompt, 0)
    assert first.text == local.answer(prompt, 0).text != local.answer(prompt, 1).text
    assert 0 < first.tokens_out <= 12
    word = first.text.split()[1]
    stopped = LocalModel(Generator("mine", "transformers", str(model), max_tokens=12, stop=(word,)))
    stopped.open()
    assert stopped.answer(prompt, 0).text == first.text.partition(word)[0]
