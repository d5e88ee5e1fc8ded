"""Writing a file so that it is either whole or absent."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.errors import DiskFull

_CHUNK = 1 << 20


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of `path` for writing and rename it over `path` at the end.

    The temporary name carries the process id, so that two writers never share one. Raises
    `DiskFull` when the device has no space; the temporary file is removed on any error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no space left in {path.parent}; free some, and the same command goes on"
            ) from None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, atomically."""
    with replacing(path) as file:
        file.write(content)


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """Write `value` as JSON with sorted keys, atomically: equal values give equal bytes."""
    write_bytes(path, (json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False) + "\n").encode())


def write_gzip(path: Path, content: bytes) -> None:
    """Write `content` compressed, atomically, without the time of writing in the header."""
    write_bytes(path, gzip.compress(content, compresslevel=9, mtime=0))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, read in chunks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
