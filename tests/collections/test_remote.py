"""Declared files: local copies first, downloads checked, one line where neither can be had."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from benchmarks.collections.remote import DeclaredFile
from benchmarks.errors import MissingData

TEXT = b"what is asked\tan answer\n"


def archive(**members: str) -> bytes:
    """A zip file of `members`, whose names hold __ for a slash."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/"), text)
    return content.getvalue()


class Files(BaseHTTPRequestHandler):
    """Serves `contents` by path and counts what was asked for."""

    contents: ClassVar[dict[str, bytes]] = {}
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """A file, or 404."""
        self.asked.append(self.path)
        content = self.contents.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A file server on this machine; no data folder, no proxy."""
    monkeypatch.delenv("RETRIEVER_BENCH_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    Files.contents, Files.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def declared(host: str, name: str, content: bytes) -> DeclaredFile:
    """`content` served as `name`, pinned."""
    Files.contents[f"/{name}"] = content
    return DeclaredFile(f"{host}/{name}", hashlib.sha256(content).hexdigest(), "CC0", f"place/{name}")


def test_a_file_is_downloaded_once(host: str, tmp_path: Path) -> None:
    """The second time it is on disk, and nothing is missing."""
    file = declared(host, "questions.tsv", TEXT)
    assert f"downloads from {file.url}" in file.missing()
    path = file.locate()
    assert path.name == "questions.tsv"
    assert path.read_bytes() == TEXT
    assert file.locate() == path
    assert file.missing() == ""
    assert Files.asked == ["/questions.tsv"]
    assert file.locate(tmp_path / "other") != path


def test_an_archive_is_its_folder(host: str) -> None:
    """A zip file is unpacked; what is left is the folder and no archive."""
    file = declared(host, "gold.zip", archive(test__a="1\n", test__b="2\n"))
    folder = file.locate()
    assert (folder / "test" / "a").read_text() == "1\n"
    assert file.locate() == folder
    assert [path.name for path in folder.parent.iterdir()] == ["unpacked"]


def test_a_local_copy_is_taken_as_it_lies(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder below RETRIEVER_BENCH_DATA stands for the archive; no hash is asked for, and no network."""
    file = declared(host, "gold.zip", archive(a="1"))
    (tmp_path / "place" / "gold.zip").mkdir(parents=True)
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    assert file.locate() == tmp_path / "place" / "gold.zip"
    assert file.missing() == ""
    assert not Files.asked


def test_another_file_than_the_declared_one_is_not_kept(host: str) -> None:
    """A wrong hash is one line, and the next try starts afresh."""
    file = declared(host, "questions.tsv", TEXT)
    Files.contents["/questions.tsv"] = TEXT[:-5]
    with pytest.raises(MissingData, match=r"what came has sha256 \w+\.\.\., not \w+\.\.\., and was not kept"):
        file.locate()
    assert file.on_disk() is None
    Files.contents["/questions.tsv"] = TEXT
    assert file.locate().read_bytes() == TEXT


def test_a_file_nobody_pinned_tells_its_hash(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its SHA-256 is announced, so that it can be declared."""
    Files.contents["/a"] = TEXT
    DeclaredFile(f"{host}/a", "", "CC0", "a").locate()
    assert hashlib.sha256(TEXT).hexdigest() in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"not a zip", archive(a="1" * 999)[:60]])
def test_a_damaged_archive_is_one_line(host: str, content: bytes) -> None:
    """Nothing is left of it."""
    file = declared(host, "gold.zip", content)
    with pytest.raises(MissingData, match=r"gold\.zip: not an archive that can be read"):
        file.locate()
    assert file.on_disk() is None


def test_nobody_at_the_other_end_is_one_line(host: str) -> None:
    """A host without the file, and no host: the URL and the folder to set are named."""
    for url in (f"{host}/nothing", "http://127.0.0.1:9/nothing"):
        with pytest.raises(MissingData) as caught:
            DeclaredFile(url, "", "CC0", "place/nothing").locate()
        assert url in str(caught.value)
        assert "RETRIEVER_BENCH_DATA to the folder that holds place/nothing" in str(caught.value)
        assert "\n" not in str(caught.value)
