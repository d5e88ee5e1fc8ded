"""Files that ir-datasets does not know: declared by URL, hash and licence, fetched when first asked for.

A copy below RETRIEVER_BENCH_DATA comes first and is taken as it lies: it may be an archive's folder,
unpacked. What was downloaded lies in the cache under its URL. A download is whole or absent, and has the
declared hash; a file declared without one tells the hash it had. The contents that were read are hashed
into the protocol of every cell, whatever file they came from.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from benchmarks.collections.conventions import data_folder
from benchmarks.errors import MissingData
from benchmarks.storage.atomic import replacing
from benchmarks.storage.cache import Cache

_SECONDS = 10.0
"""How long a host may be silent."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class DeclaredFile:
    """One file of the web.

    `sha256` is that of the file at `url`, or "" where nobody could pin it; `licence` is what its owners
    say; `local` is where a copy may lie below RETRIEVER_BENCH_DATA: the file, or for an archive (.zip,
    .tar, .tar.gz) the folder it unpacks into.
    """

    url: str
    sha256: str
    licence: str
    local: str

    def on_disk(self, cache_root: Path | None = None) -> Path | None:
        """The local copy, or what was downloaded before; asks no network."""
        root = data_folder()
        if root is not None and (root / self.local).exists():
            return root / self.local
        downloaded = self._downloaded(_cache(cache_root))
        return downloaded if downloaded.exists() else None

    def locate(self, cache_root: Path | None = None) -> Path:
        """The file, or an archive's folder, downloaded into the cache if need be. Raises `MissingData`."""
        if found := self.on_disk(cache_root):
            return found
        cache = _cache(cache_root)
        target = self._downloaded(cache)
        with cache.locked(f"download-{target.parent.name}"):
            if not target.exists():
                self._download(target)
        return target

    def missing(self) -> str:
        """Where it would come from, in a few words; nothing when it is on disk."""
        if self.on_disk():
            return ""
        return (
            f"not on disk; set RETRIEVER_BENCH_DATA to the folder that holds {self.local}, "
            f"or it downloads from {self.url}"
        )

    @property
    def _name(self) -> str:
        return PurePosixPath(urlsplit(self.url).path).name

    @property
    def _is_archive(self) -> bool:
        endings = (ending for _, formats, _ in shutil.get_unpack_formats() for ending in formats)
        return self._name.lower().endswith(tuple(endings))

    def _downloaded(self, cache: Cache) -> Path:
        key = hashlib.sha256(f"{self.url} {self.sha256}".encode()).hexdigest()[:16]
        return cache.download(key) / ("unpacked" if self._is_archive else self._name)

    def _download(self, target: Path) -> None:
        file = target.with_name(self._name)
        self._fetch(file)
        if not self._is_archive:
            return
        beside = target.with_name("unpacking")
        shutil.rmtree(beside, ignore_errors=True)
        try:
            if self._name.endswith(".zip"):
                shutil.unpack_archive(file, beside)
            else:
                _unpack_tar(file, beside)
        except (
            shutil.ReadError,
            tarfile.TarError,
            zlib.error,
            ValueError,
            EOFError,
            gzip.BadGzipFile,
        ) as error:
            raise MissingData(f"{self.url}: not an archive that can be read ({error})") from None
        finally:
            file.unlink()
        beside.rename(target)

    def _fetch(self, path: Path) -> None:
        """Download to `path`; nothing is left there unless its hash is the declared one."""
        import requests

        digest = hashlib.sha256()
        try:
            with requests.get(self.url, stream=True, timeout=_SECONDS) as answer, replacing(path) as file:
                answer.raise_for_status()
                for chunk in answer.iter_content(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                self._check(digest.hexdigest())
        except requests.RequestException as error:
            raise MissingData(f"{self.missing()} ({type(error).__name__} from the host)") from None

    def _check(self, actual: str) -> None:
        if not self.sha256:
            print(f"retriever-bench: {self.url} has sha256 {actual}; none is declared", file=sys.stderr)
        elif actual != self.sha256:
            raise MissingData(
                f"{self.url}: what came has sha256 {actual[:12]}..., not {self.sha256[:12]}..., and was not kept; "
                f"put a good copy at {self.local} below RETRIEVER_BENCH_DATA"
            )


def _cache(root: Path | None) -> Cache:
    return Cache(root) if root is not None else Cache.default()


def _unpack_tar(file: Path, folder: Path) -> None:
    """The regular files of a tar archive. Raises `ValueError` for one that would land outside `folder`.

    Written out because Python before 3.11.4 has no filter for that.
    """
    with tarfile.open(file) as archive:
        for member in archive:
            inside = PurePosixPath(member.name)
            if inside.is_absolute() or ".." in inside.parts:
                raise ValueError(f"{member.name} lies outside the archive's folder")
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                target = folder / inside
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as out:
                    shutil.copyfileobj(content, out)
