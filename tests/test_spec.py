"""Specs: what prints as it parses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import UsageError
from benchmarks.spec import Composition, IndexKey, Leaf, Spec, parse

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
variants = st.none() | st.from_regex(r"[A-Za-z0-9_.+-]{1,8}(:[a-z]{1,4})?", fullmatch=True)
parameters = st.lists(st.tuples(st.sampled_from(["nprobe", "efSearch"]), st.integers(1, 999)), max_size=2)
indexes = st.none() | st.builds(
    IndexKey,
    st.sampled_from(["Flat", "HNSW32", "IVF1024,PQ96", "OPQ16_64,IVF65536(RCQ2x8),PQ16", "SQ8"]),
    parameters.map(tuple),
)
leaves = st.builds(Leaf, names, variants, indexes)


def compositions(parts: st.SearchStrategy[Spec]) -> st.SearchStrategy[Spec]:
    """Every kind of composition over `parts`."""
    two = st.tuples(parts, parts)
    weights = st.tuples(st.integers(1, 99).map(float), st.integers(1, 99).map(lambda n: n / 100))
    return st.one_of(
        st.builds(Composition, st.just("rrf"), two, st.just(()), st.just(()) | st.just((("k", 20.0),))),
        st.builds(Composition, st.just("wsum"), two, weights),
        st.builds(
            Composition,
            st.sampled_from(["sum", "union"]),
            two,
            weights,
            st.just(()) | st.just((("depth", 500.0),)),
        ),
        st.builds(Composition, st.just("rerank"), two, st.just(()), st.just((("depth", 50.0),))),
    )


@given(st.recursive(leaves, compositions, max_leaves=6))
def test_a_spec_prints_as_it_parses(spec: Spec) -> None:
    """Parsing the printed form gives the same value, whatever is nested in what."""
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    "text",
    ["", "Bm25", "bm25:", "rrf(bm25)", "rrf(bm25,minilm", "max(bm25,lsa)", "rerank(a,b,c)", "rrf(0.2*a,b)", "rrf(a,b,depth=3)",
     "minilm@", "rerank(a,b,depth=0)", "sum(a,b,depth=0)", "union(a,b,k=3)", "sum(0.5*a,b)", "rerank(a,b,depth=1.5)", "rrf(a,b,k=1.2.3)", "wsum(0*a,0*b)",
     "minilm@[IVF", "bm25 lsa;"],
)  # fmt: skip
def test_what_is_no_spec_is_wrong_use(text: str) -> None:
    """Every malformed spec is refused with one line and exit code 2."""
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_spaces_mean_nothing() -> None:
    """A spec may be spaced for reading."""
    assert parse("rrf( bm25:flat, minilm )") == parse("rrf(bm25:flat,minilm)")
