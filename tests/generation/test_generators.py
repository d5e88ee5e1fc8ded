"""Declared generators: what a file may say, and what is said of one that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.errors import BenchError
from benchmarks.generation.generators import OWN, Generator, generators


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    generators.cache_clear()
    yield
    generators.cache_clear()


def own(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, Generator]:
    """The generators with a user's file."""
    path = folder / "mine.toml"
    path.write_text(text)
    monkeypatch.setenv(OWN, str(path))
    return generators()


def test_a_user_adds_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside those that come with the bench; only what is declared is its sampling."""
    found = own(
        tmp_path, monkeypatch, '[mine]\nkind = "endpoint"\nmodel = "m"\ntemperature = 0.5\nstop = ["#"]'
    )
    assert found["mine"].sampling == {"temperature": 0.5, "stop": ["#"], "max_tokens": 256}
    assert found["mine"].protocol["model"] == "m"
    assert {"gpt-3.5-turbo", "text-davinci-003", "claude"} <= found.keys()
    assert found["claude"].sampling == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nkind = "endpoint"', "a lacks model"),
        ('[a]\nkind = "endpiont"\nmodel = "m"', "did you mean endpoint"),
        ('[a]\nkind = "endpoint"\nmodel = "m"\ntemprature = 1', "did you mean temperature"),
        ('[a]\nkind = "endpoint"\nmodel = "m"\napi_key = "secret-1"', "a key does not belong in a file"),
        ('[a]\nkind = "endpoint"\nmodel = "m"\nbudget_usd = 1.0', "needs `price_in` and `price_out`"),
        ('["a b"]\nkind = "endpoint"\nmodel = "m"', "cannot stand in a spec"),
        ('[claude]\nkind = "endpoint"\nmodel = "m"', "declared twice"),
        ('[a]\nkind = "endpoint"\nmodel = "m"\nsamples = -1', "samples is at least 0"),
        ('[a]\nkind = "endpoint"\nmodel = "m"\nconcurrency = 0', "concurrency is at least 1"),
        ('[a]\nkind = "endpoint"\nmodel = 3', "model cannot be 3"),
        ('[a]\nkind = "endpoint"\nmodel = "m"\ntemperature = "hot"', "temperature cannot be 'hot'"),
        ('[a]\nkind = "recorded"\nmodel = "m"', "recorded answers need `file` and `template`"),
        ("a = 1", "is no table"),
        ("[a", "is not TOML"),
    ],
)
def test_a_wrong_declaration_is_one_line(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That says what is wrong, and never a key."""
    with pytest.raises(BenchError, match=message) as caught:
        own(tmp_path, monkeypatch, text)
    assert "\n" not in str(caught.value)
    assert "secret-1" not in str(caught.value)


def test_one_stop_may_stand_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A string is one stop, not its letters."""
    found = own(tmp_path, monkeypatch, '[a]\nkind = "endpoint"\nmodel = "m"\nstop = "END"')
    assert found["a"].stop == ("END",)


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with the variable that names it."""
    monkeypatch.setenv(OWN, str(tmp_path / "none.toml"))
    with pytest.raises(BenchError, match=f"is not there; {OWN}"):
        generators()
