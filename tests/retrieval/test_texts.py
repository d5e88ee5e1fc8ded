"""Documents on disk: what goes in comes out, whatever was killed in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.errors import DamagedCache, EvaluationError
from benchmarks.interfaces import Document
from benchmarks.retrieval import shards
from benchmarks.retrieval.texts import TextStore
from tests.retrieval.stubs import documents

any_text = st.text(st.characters(codec=None), max_size=20)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of four documents, two of them kept open."""
    monkeypatch.setattr(TextStore, "SIZE", 4)
    monkeypatch.setattr(shards, "_KEPT_OPEN", 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(contents=st.lists(st.tuples(any_text, any_text, any_text), min_size=1, max_size=13), data=st.data())
def test_documents_come_back_as_they_went_in(
    contents: list[tuple[str, str, str]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every title, text and URL, empty or of any characters, lone surrogates included, in any order, any number of times."""
    given = {f"d{number}": Document(f"d{number}", *pair) for number, pair in enumerate(contents)}
    folder = tmp_path_factory.mktemp("texts")
    TextStore(folder).build(given.values())
    store = TextStore(folder)
    assert store.finished
    assert len(store) == len(given)
    asked = data.draw(st.lists(st.sampled_from(sorted(given)), max_size=20))
    assert store.get(asked) == [given[id] for id in asked]
    assert store.ids(np.arange(len(given))[::-1]) == list(given)[::-1]


def test_an_unknown_id_is_named(tmp_path: Path) -> None:
    """A document that was never written is an error, not an empty text."""
    store = TextStore(tmp_path)
    store.build(documents(10))
    with pytest.raises(EvaluationError, match="'nobody' is not in the collection"):
        store.get([documents(1)[0].id, "nobody"])


def killed_after(count: int, stream: list[Document]) -> Iterator[Document]:
    """The documents as a process sees them that is killed on the way."""
    yield from stream[:count]
    raise KeyboardInterrupt


@pytest.mark.parametrize("count", [0, 3, 4, 9, 15])
def test_killed_is_not_lost(count: int, tmp_path: Path) -> None:
    """A store killed anywhere and built again has the bytes of one never killed, and keeps its whole shards."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    TextStore(whole).build(documents(15))
    with pytest.raises(KeyboardInterrupt):
        TextStore(killed).build(killed_after(count, documents(15)))
    again = TextStore(killed)
    assert not again.finished
    assert len(again.manifest.parts) == 3 * (count // 4)
    again.build(documents(15))
    assert again.get([documents(15)[9].id]) == [documents(15)[9]]
    names = sorted(path.name for path in whole.glob("*.npy"))
    assert names == sorted(path.name for path in killed.glob("*.npy"))
    assert all((whole / name).read_bytes() == (killed / name).read_bytes() for name in names)


def test_a_damaged_shard_is_not_built_upon(tmp_path: Path) -> None:
    """What lies on disk is checked before it is continued."""
    with pytest.raises(KeyboardInterrupt):
        TextStore(tmp_path).build(killed_after(9, documents(15)))
    path = tmp_path / "texts-000001.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedCache, match="texts-000001"):
        TextStore(tmp_path).build(documents(15))


def test_nothing_to_keep_is_an_error(tmp_path: Path) -> None:
    """A store without documents is never finished."""
    with pytest.raises(EvaluationError, match="no documents"):
        TextStore(tmp_path).build([])
    assert not TextStore(tmp_path).finished
