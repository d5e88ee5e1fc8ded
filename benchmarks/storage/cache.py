"""Where things lie on this machine: `RETRIEVER_BENCH_CACHE`, or the platform's cache folder.

indexes/<fingerprint>/       vectors, postings, faiss indexes
cells/<fingerprint>/         finished records with their runs
collections/<fingerprint>    what an inspection of a collection found
downloads/<fingerprint>/     files that ir-datasets does not know
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock


def bytes_below(folder: Path) -> int:
    """The sizes of all files in a folder together; 0 for one that is not there."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Cache:
    """The folder that makes a second run cheap. Deleting it loses time and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def default(cls) -> Cache:
        """The cache of this user, moved by `RETRIEVER_BENCH_CACHE`."""
        configured = os.environ.get("RETRIEVER_BENCH_CACHE")
        return cls(Path(configured) if configured else Path(platformdirs.user_cache_dir("retriever-bench")))

    def index(self, fingerprint: str) -> Path:
        """The folder of one index."""
        return self.root / "indexes" / fingerprint

    def cell(self, fingerprint: str) -> Path:
        """The folder of one finished cell."""
        return self.root / "cells" / fingerprint

    def inspection(self, fingerprint: str) -> Path:
        """The file that keeps what reading a collection once has found."""
        return self.root / "collections" / f"{fingerprint}.json"

    def download(self, fingerprint: str) -> Path:
        """The folder of one downloaded file."""
        return self.root / "downloads" / fingerprint

    def free_bytes(self) -> int:
        """What the file system of the cache has left."""
        folder = self.root
        while not folder.exists():
            folder = folder.parent
        return shutil.disk_usage(folder).free

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock `name`, across processes."""
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}.lock"):
            yield
