"""The project's commands: `nox -s demo`, `nox -s tests`, `nox -s beir`; `nox -l` lists them.

Two environments serve most sessions: `bench` measures, `tests` also checks. They are plain pip environments
below `.nox/`, made once and made anew when `pyproject.toml` or `constraints.txt` changes, so that a second
session starts at once. `lint`, `workflows`, `parity`, `plaid` and others that want other packages have an
environment of their own. What follows `--` goes to the command line of the bench (or to pytest, ruff, mypy).
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tomllib
from pathlib import Path

import nox

nox.options.sessions = ["tests", "lint", "types"]
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
CONSTRAINTS = ROOT / "constraints.txt"


def environment(session: nox.Session, name: str, extras: str = "") -> str:
    """The interpreter of `.nox/<name>` with the project and `extras` installed, pinned."""
    folder = ROOT / ".nox" / name
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    pins = hashlib.sha256(CONSTRAINTS.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()[:16]
    # One empty file for each set of extras: changed pins make all of them stale.
    stamp = folder / f"installed-{pins}-{extras.strip('[]').replace(',', '-') or 'plain'}"
    if not stamp.exists():
        if folder.exists() and not any(folder.glob(f"installed-{pins}-*")):
            shutil.rmtree(folder)
        if not python.exists():
            session.run(sys.executable, "-m", "venv", str(folder), external=True)
        session.run(
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "-c",
            str(CONSTRAINTS),
            "-e",
            f".{extras}",
            external=True,
        )
        stamp.touch()
    return str(python)


def bench(session: nox.Session, *arguments: str, extras: str = "") -> None:
    """Run the bench's command line."""
    session.run(environment(session, "bench", extras), "-m", "benchmarks", *arguments, external=True)


@nox.session(venv_backend="none")
def demo(session: nox.Session) -> None:
    """BM25, LSA, their fusion and a re-ranking on two generated collections; writes below build/demo."""
    bench(
        session,
        "run",
        "--suite",
        "demo",
        "--results",
        "build/demo/results",
        "--reports",
        "build/demo/reports",
        *session.posargs,
    )


def measure(suite: str) -> None:
    """Declare the session of a suite: it measures what can be reached, and renders reports/."""

    def run(session: nox.Session) -> None:
        bench(session, "run", "--suite", suite, *session.posargs, extras="[minilm]")

    run.__doc__ = f"Suite {suite}: {SUITES[suite]['summary']}."
    nox.session(run, name=suite, venv_backend="none")


SUITES = tomllib.loads((ROOT / "baselines" / "suites.toml").read_text("utf-8"))
for name in SUITES:
    # `demo` and `regress` have sessions of their own: they write elsewhere.
    if name not in ("demo", "regress"):
        measure(name)


@nox.session(venv_backend="none")
def regress(session: nox.Session) -> None:
    """Measure the cells of suite regress afresh, and compare with the accepted records; writes below build/regress."""
    bench(session, "regress", *session.posargs, extras="[minilm]")


@nox.session(venv_backend="none")
def train(session: nox.Session) -> None:
    """Train what is trained here, and measure it: `-- --baseline retromae --profile lab`, `-- --suite NAME`."""
    bench(session, "train", *session.posargs, extras="[minilm]")


@nox.session(venv_backend="none")
def verify(session: nox.Session) -> None:
    """Recompute every number in results/ and reports/."""
    bench(session, "verify", *session.posargs)


@nox.session(venv_backend="none")
def report(session: nox.Session) -> None:
    """Render reports/ from results/."""
    bench(session, "report", *session.posargs)


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """The test suite, without what takes minutes."""
    python = environment(session, "tests", "[minilm,test,types]")
    session.run(python, "-m", "pytest", "-m", "not slow", *session.posargs, external=True)


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """The tests that take minutes: that training learns, that the papers' sizes fit, that what is killed goes on."""
    python = environment(session, "tests", "[minilm,test,types]")
    session.run(python, "-m", "pytest", "-m", "slow", *session.posargs, external=True)


@nox.session(reuse_venv=True)
def workflows(session: nox.Session) -> None:
    """The GitHub workflows: against their schema, and for what is unsafe."""
    session.install("-q", "check-jsonschema==0.39.0", "zizmor==1.32.0")
    files = sorted(map(str, (ROOT / ".github" / "workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *files)
    session.run("zizmor", "--offline", ".github")


@nox.session(reuse_venv=True)
def parity(session: nox.Session) -> None:
    """ColBERT's matrices and scores against PyLate, which has an environment of its own."""
    session.install("-q", "pylate==1.2.0", "torch==2.13.0")
    theirs = str(Path(session.bin) / "python")
    python = environment(session, "tests", "[minilm,test,types]")
    session.run(
        python, "-m", "pytest", "tests/parity", *session.posargs,
        env={"RETRIEVER_BENCH_PYLATE": theirs}, external=True,
    )  # fmt: skip


@nox.session(reuse_venv=True)
def exports(session: nox.Session) -> None:
    """What is exported for MTEB against MTEB's own loader, which has an environment of its own."""
    session.install("-q", "mteb==2.26.24", "torch==2.13.0")
    theirs = str(Path(session.bin) / "python")
    python = environment(session, "tests", "[minilm,test,types]")
    session.run(
        python,
        "-m",
        "pytest",
        "tests/exports",
        *session.posargs,
        env={"RETRIEVER_BENCH_MTEB": theirs},
        external=True,
    )


@nox.session(reuse_venv=True)
def endpoint(session: nox.Session) -> None:
    """Generation against a real OpenAI-compatible server on loopback, on good days and bad ones."""
    session.install("-q", "-c", str(CONSTRAINTS), "-e", ".[endpoint,server,test]")
    session.run(
        "python", "-m", "pytest", "tests/generation", "tests/baselines/test_lamer.py", *session.posargs
    )


@nox.session(reuse_venv=True)
def plaid(session: nox.Session) -> None:
    """Late interaction by fast-plaid, in an environment of its own: it pins a torch that is not ours."""
    session.install("-q", "-e", ".[plaid,test]")
    session.run("python", "-m", "pytest", "tests/retrieval/test_lateplaid.py", *session.posargs)


@nox.session(venv_backend="none")
def latency(session: nox.Session) -> None:
    """The speed of kernels beside their references, as ratios of one run (pytest-benchmark)."""
    python = environment(session, "tests", "[minilm,test,types]")
    session.run(
        python, "-m", "pytest", "tests/speed", "-p", "no:xdist", "--benchmark-only", "--benchmark-disable-gc",
        "--benchmark-group-by=group", "--benchmark-columns=min,median,rounds", *session.posargs, external=True,
    )  # fmt: skip


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """mypy, strict."""
    session.run(
        environment(session, "tests", "[minilm,test,types]"), "-m", "mypy", *session.posargs, external=True
    )


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: style and formatting."""
    session.install("-q", "-c", str(CONSTRAINTS), "ruff")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check", *session.posargs)
