"""The queries that a document might answer: sampled from a T5, or read from a file.

Nogueira and Lin 2019, "From doc2query to docTTTTTquery": top-10 sampling, 64 tokens a query, the
first 40 appended. Every few documents are sampled from a seed of their own, so that a run which was
killed goes on with the same queries.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from baselines.encoders.checkpoints import SAFETENSORS, Checkpoint, weights_in
from baselines.encoders.weights import FolderWeights, told
from benchmarks.errors import MalformedInput
from benchmarks.interfaces import Document, Setting
from benchmarks.storage.atomic import sha256_of
from benchmarks.storage.manifest import Manifest

EXPANSIONS = "expansions.jsonl"
QUERIES = 40
_TOP_K = 10
_QUERY_TOKENS = 64
_DOCUMENT_TOKENS = 512
_BATCH = 8
_SHARD = 64
"""Documents expanded together, and before they are saved: some minutes of a CPU."""

_ALL = "complete.json"

Expanded = tuple[Document, list[str]]


class Expander(Protocol):
    """Documents to documents with queries."""

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Where the queries come from: names the folder that keeps them."""

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Make the queries of `documents`, and keep in `folder` what is expensive to make."""

    def expand(self, documents: Iterable[Document]) -> Iterator[Expanded]:
        """Each of the same documents with its queries."""


class GivenExpansions:
    """Queries from a file; a document that it lacks has none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The file's hash."""
        return {"kind": "expansions", "file_sha256": sha256_of(self._path), "queries": QUERIES}

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Nothing: the file is there."""

    def expand(self, documents: Iterable[Document]) -> Iterator[Expanded]:
        """Each document with the file's queries. Raises `MalformedInput`."""
        found = dict(_lines(self._path))
        for document in documents:
            yield document, found.get(document.id, [])[:QUERIES]


class T5Expander:
    """Queries sampled from a T5."""

    def __init__(self, checkpoint: Checkpoint, setting: Setting) -> None:
        self._checkpoint, self._setting = checkpoint, setting
        # A drawn model has nothing to say; it says one short thing.
        drawn = setting.random_weights
        self._count, self._length, self._batch = (1, 3, _SHARD) if drawn else (QUERIES, _QUERY_TOKENS, _BATCH)
        self._model: Any = None
        self._tokenizer: Any = None
        self._manifest: Manifest

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and sampling."""
        return {
            "kind": "expansions", "model": self._checkpoint.identity(self._setting), "queries": self._count,
            "top_k": _TOP_K, "query_tokens": self._length, "document_tokens": _DOCUMENT_TOKENS,
            "seed": self._setting.seed,
        }  # fmt: skip

    def index(self, documents: Iterable[Document], folder: Path) -> None:
        """Sample the queries of every document, shard by shard; those that are there are not sampled again."""
        self._manifest = Manifest(folder)
        self._manifest.check()
        if _ALL in self._manifest:
            return
        for number, shard in enumerate(_shards(documents)):
            if _name(number) not in self._manifest:
                self._write(_name(number), shard)
        self._manifest.write(_ALL, lambda file: file.write(b"{}"))

    def expand(self, documents: Iterable[Document]) -> Iterator[Expanded]:
        """Each document with its sampled queries."""
        for number, shard in enumerate(_shards(documents)):
            yield from zip(shard, json.loads(self._manifest.path(_name(number)).read_bytes()), strict=True)

    def _write(self, name: str, shard: list[Document]) -> None:
        if self._model is None:
            self._load()
        batches = (shard[start : start + self._batch] for start in range(0, len(shard), self._batch))
        content = json.dumps([queries for batch in batches for queries in self._queries(batch)]).encode()
        self._manifest.write(name, lambda file: file.write(content))

    def _queries(self, batch: list[Document]) -> list[list[str]]:
        import torch

        inputs = self._tokenizer(
            [document.contents for document in batch],
            truncation=True, max_length=_DOCUMENT_TOKENS, padding=True, return_tensors="pt",
        )  # fmt: skip
        device = next(self._model.parameters()).device
        digest = hashlib.sha256(f"{self._setting.seed} {batch[0].id}".encode()).digest()
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(int.from_bytes(digest[:7]))
            outputs = self._model.generate(
                input_ids=inputs["input_ids"].to(device), attention_mask=inputs["attention_mask"].to(device),
                do_sample=True, top_k=_TOP_K, max_length=self._length, num_return_sequences=self._count,
            )  # fmt: skip
        queries = self._tokenizer.batch_decode(outputs, skip_special_tokens=True)
        return [queries[start : start + self._count] for start in range(0, len(queries), self._count)]

    def _load(self) -> None:
        import torch

        if self._setting.random_weights:
            self._model, self._tokenizer = _drawn(self._setting.seed)
        else:
            self._model, self._tokenizer = _loaded(self._checkpoint.locate(self._setting.checkpoint))
        if torch.cuda.is_available():
            self._model.cuda()


def _shards(documents: Iterable[Document]) -> Iterator[list[Document]]:
    stream = iter(documents)
    while shard := list(itertools.islice(stream, _SHARD)):
        yield shard


def _name(number: int) -> str:
    return f"queries-{number:06d}.json"


def _loaded(folder: Path) -> tuple[Any, Any]:
    import torch
    from transformers import T5ForConditionalGeneration

    with told(folder):
        model: Any = T5ForConditionalGeneration.from_pretrained(
            str(folder),
            local_files_only=True,
            dtype=torch.float32,
            use_safetensors=weights_in(folder).name == SAFETENSORS,
        )
    return model.eval(), FolderWeights(folder).tokenizer()


def _drawn(seed: int) -> tuple[Any, Any]:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from baselines.encoders.drawn import DrawnWeights

    tokenizer = DrawnWeights("bert").tokenizer()
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.sep_token_id,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: Any = T5ForConditionalGeneration(config)
    model.generation_config.decoder_start_token_id = tokenizer.pad_token_id
    return model.eval(), tokenizer


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                entry = json.loads(line)
                yield str(entry["id"]), [str(query) for query in entry["queries"]]
            except (ValueError, TypeError, KeyError):
                raise MalformedInput(
                    f'{path}, line {number}: not an expansion; a line is {{"id": "...", "queries": ["..."]}}'
                ) from None
