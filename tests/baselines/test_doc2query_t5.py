"""doc2query-T5: expansions from a file or a T5, appended to what BM25 indexes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baselines.doc2query_t5.expansion import QUERIES, GivenExpansions, T5Expander
from baselines.encoders.checkpoints import Checkpoint
from benchmarks.errors import MalformedInput
from benchmarks.interfaces import Document, Query, Retriever, Setting
from benchmarks.registry import baselines
from benchmarks.retrieval import resolve
from benchmarks.retrieval.bm25 import BM25Retriever
from tests.baselines.layouts import bert_tokenizer

DOCUMENTS = [
    Document("a", "Dense", "vectors of passages"),
    Document("b", "", "sparse postings"),
    Document("c", "", ""),
]


def given(folder: Path, *lines: str) -> Path:
    """A folder with a file of expansions."""
    (folder / "expansions.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def line(id: str, *queries: str) -> str:
    """A line of such a file."""
    return json.dumps({"id": id, "queries": queries})


def built(variant: str, folder: Path) -> Retriever:
    """The retriever of a variant, with a folder of the user's."""
    retriever = baselines()["doc2query_t5"].variants[variant].build(Setting(checkpoint=folder))
    assert isinstance(retriever, Retriever)
    return retriever


def indexed(retriever: Retriever, folder: Path) -> None:
    """Index a retriever after its expansions."""
    for number, part in enumerate(resolve.indexed(retriever)):
        part.index(DOCUMENTS, folder / str(number))


def test_a_document_is_found_by_its_expansions(tmp_path: Path) -> None:
    """BM25 over text and queries, as if the queries stood in the text; documents the file lacks stay as they are."""
    folder = given(tmp_path, line("a", "what is an embedding", "embedding search"), line("nobody", "words"))
    retriever = built("t5-base", folder)
    indexed(retriever, tmp_path / "index")
    plain = BM25Retriever(0.9, 0.4)
    plain.index(
        [Document("a", "Dense", "vectors of passages what is an embedding embedding search"), *DOCUMENTS[1:]],
        tmp_path / "plain",
    )
    queries = [Query("1", "embedding"), Query("2", "sparse postings"), Query("3", "dense embedding vectors")]
    for ours, theirs in zip(retriever.search(queries, 5), plain.search(queries, 5), strict=True):
        assert ours.ids == theirs.ids
        assert ours.scores.tolist() == theirs.scores.tolist()
    assert retriever.search(queries[:1], 5)[0].ids == ["a"]


def test_forty_queries_are_appended(tmp_path: Path) -> None:
    """The first 40 of a longer list, as published."""
    expander = GivenExpansions(given(tmp_path, line("a", *map(str, range(80)))) / "expansions.jsonl")
    (_, queries), *_ = expander.expand(DOCUMENTS)
    assert queries == [str(number) for number in range(QUERIES)]


def test_another_file_is_another_protocol(tmp_path: Path) -> None:
    """The file's hash is in the protocol, so that its index has a name of its own."""
    first = built("t5-base", given(tmp_path, line("a", "one"))).protocol
    second = built("t5-base", given(tmp_path, line("a", "two"))).protocol
    assert first["expansion"] != second["expansion"]


def test_a_line_that_is_no_expansion_is_named(tmp_path: Path) -> None:
    """File, line, and what a line should be."""
    folder = given(tmp_path, line("a", "one"), '{"id": "b"}')
    with pytest.raises(MalformedInput, match=r"expansions\.jsonl, line 2: .*\"queries\""):
        indexed(built("t5-base", folder), tmp_path / "index")


@pytest.fixture
def t5(tmp_path: Path) -> Path:
    """A tiny T5 of random weights, saved by transformers."""
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    tokenizer = bert_tokenizer(tmp_path / "t5")
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.sep_token_id,
    )  # fmt: skip
    model: Any = T5ForConditionalGeneration(config)
    model.generation_config.decoder_start_token_id = tokenizer.pad_token_id
    model.save_pretrained(tmp_path / "t5")
    return tmp_path / "t5"


def test_a_t5_is_sampled_once_and_from_its_seed(t5: Path, tmp_path: Path) -> None:
    """Forty queries a document; a second time they are read; another folder samples the same, another seed others."""

    def expanded(folder: str, seed: int) -> list[list[str]]:
        expander = T5Expander(Checkpoint("some/t5"), Setting(checkpoint=t5, seed=seed))
        expander.index(DOCUMENTS[:2], tmp_path / folder)
        return [queries for _, queries in expander.expand(DOCUMENTS[:2])]

    first = expanded("one", 0)
    assert [len(queries) for queries in first] == [QUERIES] * 2
    assert len({query for queries in first for query in queries}) > QUERIES
    kept = {path.name: path.read_bytes() for path in (tmp_path / "one").glob("queries-*")}
    assert expanded("one", 0) == first
    assert {path.name: path.read_bytes() for path in (tmp_path / "one").glob("queries-*")} == kept
    assert expanded("two", 0) == first
    assert expanded("three", 1) != first


def test_variants_share_their_expansions(t5: Path) -> None:
    """k1 and b are no matter of the queries: the folder that keeps them has one name."""
    names = {
        str(dict(next(resolve.indexed(built(variant, t5))).protocol))
        for variant in ("t5-base", "t5-base:0.82", "t5-base:tuned")
    }
    assert len(names) == 1
