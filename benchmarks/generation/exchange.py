"""Prompts to a file, answers from a file, and what the store holds: for models that this bench cannot ask itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import open_collection
from benchmarks.errors import MalformedInput, MissingData, UsageError
from benchmarks.generation.answering import Answered
from benchmarks.generation.asking import generating, missing
from benchmarks.generation.generators import generators
from benchmarks.generation.kept import KeptAnswers
from benchmarks.generation.prompts import Prompt, Template
from benchmarks.generation.store import GenerationFile
from benchmarks.interfaces import Setting
from benchmarks.records.store import Store
from benchmarks.retrieval.resolve import canonical_spec, open_indexes, resolve
from benchmarks.spec import parse
from benchmarks.storage.atomic import write_bytes
from benchmarks.storage.cache import Cache

_PURPOSE = re.compile(r"[A-Za-z0-9_.:+-]+")


def export(variant: str, collection_id: str, store: Store, output: Path) -> int:
    """Write the prompts of a variant on a collection that have no answer; how many there are.

    Of a variant of several rounds those of the first round that is not complete. Raises `UsageError` for one that asks
    no model.
    """
    cache = Cache.default()
    collection = open_collection(collection_id, cache)
    setting = Setting(
        collection.conventions.language, collection=collection_id, generations=store.generations
    )
    searcher = resolve(canonical_spec(parse(variant)), setting)
    parts = list(generating(searcher))
    if not any(isinstance(part.generations, KeptAnswers) for part in parts):
        raise UsageError(f"{variant} asks no language model whose answers are kept here")
    open_indexes(searcher, collection, cache)
    asked = missing(searcher, collection.queries())
    lines = [json.dumps(_exported(part.generations, prompt, sample)) for part, prompt, sample in asked]
    if lines:
        write_bytes(output, "".join(f"{line}\n" for line in lines).encode())
    return len(lines)


def _exported(answers: Any, prompt: Prompt, sample: int) -> dict[str, Any]:
    return {
        "id": f"{prompt.key}-{sample}", "prompt": prompt.text, "query": prompt.query, "sample": sample,
        "candidates": list(prompt.candidates), **answers.identity,
    }  # fmt: skip


def bring(answers: Path, prompts: Path, source: str, store: Store) -> tuple[int, int]:
    """Take answers to exported prompts into the store; how many, and how many were answered already.

    Nothing is taken from a file with a fault. Raises `MalformedInput` for a line that is no answer, an answer to no
    exported prompt, two different ones to one, and for a prompt that was changed since it was exported.
    """
    exported = {entry["id"]: entry for entry in _lines(prompts, _PROMPT)}
    texts: dict[str, str] = {}
    for number, entry in enumerate(_lines(answers, {"id": str, "text": str}), start=1):
        id, text = entry["id"], entry["text"]
        if id not in exported:
            raise MalformedInput(f"{answers}, answer {number}: {id[:20]}... is no prompt of {prompts}")
        if not text.strip():
            raise MalformedInput(f"{answers}, answer {number}: an answer without a word")
        if texts.setdefault(id, text) != text:
            raise MalformedInput(f"{answers}, answer {number}: another answer to {id[:20]}...")
    if not texts:
        raise MalformedInput(f"{answers} holds no answer")
    found: dict[KeptAnswers, list[tuple[Prompt, int, Answered]]] = {}
    files: dict[str, KeptAnswers] = {}
    for id, text in texts.items():
        entry = exported[id]
        kept = _kept(prompts, entry, store)
        prompt = Prompt(entry["query"], entry["prompt"], tuple(entry["candidates"]))
        if id != f"{prompt.key}-{entry['sample']}":
            raise MalformedInput(f"{prompts}: the prompt {id[:20]}... was changed since it was exported")
        one = files.setdefault(str(kept.path), kept)
        found.setdefault(one, []).append((prompt, entry["sample"], Answered(text, 0, 0, 0.0, source)))
    taken = sum(kept.take(some) for kept, some in found.items())
    return taken, len(texts) - taken


_PROMPT = {
    "id": str, "prompt": str, "query": str, "sample": int, "candidates": list, "generator": str, "collection": str,
    "purpose": str, "template": dict,
}  # fmt: skip


def _kept(prompts: Path, entry: Mapping[str, Any], store: Store) -> KeptAnswers:
    """The file of the store that an exported prompt's answer belongs to. Raises `MalformedInput`, `UsageError`."""
    known, template = generators(), entry["template"]
    if entry["generator"] not in known:
        raise UsageError(f"the prompts are for a generator that is not declared here: {entry['generator']}")
    if not _PURPOSE.fullmatch(entry["purpose"]) or not {"name", "version"} <= template.keys():
        raise MalformedInput(f"{prompts}: the prompt {entry['id'][:20]}... was changed since it was exported")
    return KeptAnswers(
        known[entry["generator"]], Template(template["name"], template["version"], ""), entry["purpose"],
        entry["collection"], store.generations, lambda: None,
    )  # fmt: skip


def statistics(store: Store) -> list[list[str]]:
    """A row a file: generator, file, prompts, answers, tokens, dollars, sources."""
    rows = []
    for path in sorted(store.generations.glob("*/*.jsonl")):
        found = GenerationFile(path).read().values()
        tokens_in, tokens_out = (
            sum(getattr(one, name) for one in found) for name in ("tokens_in", "tokens_out")
        )
        generator = generators().get(path.parent.name)
        usd = f"{generator.cost(tokens_in, tokens_out):.2f}" if generator and generator.priced else ""
        prompts = len({one.prompt_sha256 for one in found})
        sources = "; ".join(sorted({one.source for one in found}))
        counts = [f"{prompts:,}", f"{len(found):,}", f"{tokens_in:,}", f"{tokens_out:,}"]
        rows.append([path.parent.name, path.name, *counts, usd, sources])
    return rows


def _lines(path: Path, keys: Mapping[str, type]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file that have `keys`, of these types. Raises `MissingData`, `MalformedInput`."""
    if not path.exists():
        raise MissingData(f"{path} is not there")
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            raise MalformedInput(f"{path}, line {number}: not JSON") from None
        if not isinstance(entry, dict) or any(
            not isinstance(entry.get(key), kind) for key, kind in keys.items()
        ):
            raise MalformedInput(f"{path}, line {number}: lacks one of {', '.join(keys)}")
        yield entry
