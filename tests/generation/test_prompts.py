"""Prompts: filled in one pass, named by their text, cut by words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import UsageError
from benchmarks.generation.prompts import Prompt, Template, shortened, template_for

TEXTS = st.text(st.characters(codec="utf-8"), max_size=80)


@given(query=TEXTS, candidates=TEXTS)
def test_a_text_is_never_read_as_a_template(query: str, candidates: str) -> None:
    """Braces, quotes and control characters in a text stand in the prompt as they are."""
    template = Template("any", 1, "Q {query} C {candidates} end {query}")
    assert (
        template.fill({"query": query, "candidates": candidates}) == f"Q {query} C {candidates} end {query}"
    )


def test_names_of_places_in_a_text_stay_what_they_are() -> None:
    """A query that says {candidates} does not get the candidates."""
    filled = Template("any", 1, "{query}/{candidates}").fill(
        {"query": "{candidates}", "candidates": "{query}"}
    )
    assert filled == "{candidates}/{query}"


def test_a_changed_prompt_is_another() -> None:
    """The key is of the text alone, lone surrogates included."""
    assert Prompt("1", "a").key == Prompt("2", "a", ("d",)).key != Prompt("1", "a ").key
    assert len(Prompt("1", "\udcff").key) == 64


@given(text=TEXTS, tokens=st.integers(1, 30))
def test_a_shortened_text_is_the_beginning_of_the_text(text: str, tokens: int) -> None:
    """No more than so many words and signs, none lost before the cut, nothing changed."""
    cut = shortened(text, tokens)
    assert text.startswith(cut)
    pattern = r"\w{1,20}|[^\w\s]"
    assert re.findall(pattern, cut) == re.findall(pattern, text)[:tokens]


def test_a_text_without_spaces_is_cut_as_well() -> None:
    """A hundred kilobytes of one letter are no single token."""
    assert len(shortened("x" * 100_000, 128)) == 128 * 20


def test_the_first_table_that_names_a_collection_has_its_template(tmp_path: Path) -> None:
    """By pattern; the last takes all; where none does, it is said."""
    path = tmp_path / "paper" / "prompts.toml"
    path.parent.mkdir()
    one = '[one]\nversion = 2\ncollections = ["beir/a*"]\nask = "one {query}"\n'
    path.write_text(one + '[all]\nversion = 1\nask = "all {query}"\n')
    assert template_for(path, "beir/abc/test", "ask") == Template("paper-one", 2, "one {query}")
    assert template_for(path, "vaswani", "ask") == Template("paper-all", 1, "all {query}")
    other = tmp_path / "prompts.toml"
    other.write_text(one)
    with pytest.raises(UsageError, match="has no template for vaswani"):
        template_for(other, "vaswani", "ask")
