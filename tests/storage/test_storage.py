"""Files are whole or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import DiskFull
from benchmarks.storage.atomic import replacing, write_gzip, write_json
from benchmarks.storage.manifest import Manifest


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    """What was there stays, and no temporary file is left."""
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_equal_values_are_equal_bytes(tmp_path: Path) -> None:
    """JSON with sorted keys, gzip without a time."""
    write_json(tmp_path / "a", {"x": 1, "y": "é"})
    write_json(tmp_path / "b", {"y": "é", "x": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    write_gzip(tmp_path / "c", b"text")
    write_gzip(tmp_path / "d", b"text")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "d").read_bytes()


def test_a_part_that_is_not_listed_does_not_exist(tmp_path: Path) -> None:
    """A manifest knows what was finished, with size, time and facts; a file beside it is nothing."""
    manifest = Manifest(tmp_path)
    manifest.write_array("a.npy", np.arange(3), 1.5, rows=3)
    (tmp_path / "b.npy").write_bytes(b"left by a killed process")
    again = Manifest(tmp_path)
    assert "a.npy" in again
    assert "b.npy" not in again
    assert again.parts["a.npy"].facts == {"rows": 3}
    assert again.seconds() == 1.5
    assert again.size() == (tmp_path / "a.npy").stat().st_size
    assert again.array("a.npy").tolist() == [0, 1, 2]
    again.check()


def test_a_full_disk_is_one_line_and_leaves_nothing_corrupt(small_disk: Path) -> None:
    """The array that does not fit is refused; what was written before is whole; no temporary file is left."""
    manifest = Manifest(small_disk)
    manifest.write_array("fits.npy", np.zeros(50_000, dtype=np.float32))
    with pytest.raises(DiskFull, match=r"no space left in .*; free some") as raised:
        manifest.write_array("too-large.npy", np.ones(500_000, dtype=np.float32))
    assert "\n" not in str(raised.value)
    again = Manifest(small_disk)
    again.check()
    assert set(again.parts) == {"fits.npy"}
    assert sorted(path.name for path in small_disk.iterdir()) == ["fits.npy", "manifest.json"]
