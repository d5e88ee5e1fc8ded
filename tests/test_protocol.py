"""Protocols and their fingerprints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import EvaluationError
from benchmarks.protocol import Protocol, differences, fingerprint

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), values))
def test_order_of_fields_does_not_name_another_protocol(value: dict[str, object]) -> None:
    """Equal contents give equal fingerprints, however they were put together."""
    assert fingerprint(value) == fingerprint(dict(reversed(list(value.items()))))


def test_a_changed_field_changes_the_name() -> None:
    """Any change of any section is another fingerprint."""
    base = Protocol({"documents": "a"}, {"k1": 0.9}, {"depth": 100})
    others = [
        Protocol({"documents": "b"}, {"k1": 0.9}, {"depth": 100}),
        Protocol({"documents": "a"}, {"k1": 0.8}, {"depth": 100}),
        Protocol({"documents": "a"}, {"k1": 0.9}, {"depth": 101}),
    ]
    assert len({protocol.fingerprint for protocol in [base, *others]}) == 4
    assert Protocol.from_json(base.to_json()) == base


def test_differences_are_named_with_their_path() -> None:
    """A reader is told the field, not that something differs."""
    left = {"a": {"b": 1, "c": 2}, "d": 3}
    right = {"a": {"b": 1, "c": 9}, "e": 3}
    assert differences(left, right) == ["a.c", "d", "e"]


def test_not_a_number_has_no_fingerprint() -> None:
    """NaN is not JSON; a protocol that holds it is a defect."""
    with pytest.raises(EvaluationError, match="JSON"):
        fingerprint({"x": float("nan")})
