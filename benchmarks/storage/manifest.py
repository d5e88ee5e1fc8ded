"""What a folder of parts holds so far, so that a killed command goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import DamagedCache, DiskFull
from benchmarks.storage.atomic import replacing, sha256_of, write_json

_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One finished file: its size in bytes, its hash, the seconds it took, and free-form facts."""

    bytes: int
    sha256: str
    seconds: float
    facts: dict[str, Any]


class Manifest:
    """The finished parts of `folder`. A part that is not listed does not exist, whatever lies on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: dict[str, Part] = {}
        path = folder / _NAME
        if path.exists():
            try:
                stored = json.loads(path.read_text("utf-8"))
                self.parts = {name: Part(**part) for name, part in stored.items()}
            except (ValueError, TypeError):
                raise DamagedCache(f"{path} is not a manifest; delete {folder} and run again") from None

    def __contains__(self, name: str) -> bool:
        return name in self.parts

    def path(self, name: str) -> Path:
        """Where the part `name` lies."""
        return self.folder / name

    def write(
        self, name: str, save: Callable[[IO[bytes]], object], seconds: float = 0.0, **facts: Any
    ) -> None:
        """Write one part atomically with `save(file)`, then list it. Raises `DiskFull`."""
        with replacing(self.path(name)) as file:
            save(file)
        self.adopt(name, seconds, **facts)

    def adopt(self, name: str, seconds: float = 0.0, **facts: Any) -> None:
        """List a file that already lies in the folder, whole."""
        path = self.path(name)
        self.parts[name] = Part(path.stat().st_size, sha256_of(path), seconds, facts)
        self._save()

    def drop(self, *prefixes: str) -> None:
        """Take parts off the list, then off the disk: what only a build needed."""
        names = [name for name in self.parts if name.startswith(prefixes)]
        if names:
            for name in names:
                del self.parts[name]
            self._save()
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def _save(self) -> None:
        write_json(self.folder / _NAME, {part: asdict(entry) for part, entry in self.parts.items()})

    def write_array(self, name: str, array: NDArray[Any], seconds: float = 0.0, **facts: Any) -> None:
        """Write an array as `.npy` (never pickled). Raises `DiskFull`."""

        def save(file: IO[bytes]) -> None:
            """Write the array; a short write without an errno is a full disk."""
            try:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
            except OSError as error:
                if error.errno is None:
                    raise DiskFull(
                        f"no space left in {self.folder}; free some, and the same command goes on"
                    ) from None
                raise

        self.write(name, save, seconds, **facts)

    def array(self, name: str) -> NDArray[Any]:
        """A part as a read-only memory-mapped array."""
        mapped: NDArray[Any] = np.load(self.path(name), mmap_mode="r", allow_pickle=False)
        return mapped

    def check(self, *names: str) -> None:
        """Raise `DamagedCache` unless these listed parts (all without any) have the bytes that were written."""
        for name in names or self.parts:
            part = self.parts[name]
            path = self.path(name)
            if not path.exists():
                problem = "is missing"
            elif path.stat().st_size != part.bytes:
                problem = f"has {path.stat().st_size} bytes instead of {part.bytes}"
            elif sha256_of(path) != part.sha256:
                problem = "does not have the bytes that were written (hash differs)"
            else:
                continue
            raise DamagedCache(f"{path} {problem}; delete {self.folder} and run again")

    def seconds(self, prefix: str = "") -> float:
        """Time spent on the parts whose name starts with `prefix`, over all the runs it took."""
        return sum(part.seconds for name, part in self.parts.items() if name.startswith(prefix))

    def size(self, *prefixes: str) -> int:
        """Bytes on disk of the parts whose name starts with one of `prefixes` (all without any)."""
        return sum(part.bytes for name, part in self.parts.items() if name.startswith(prefixes or ("",)))
