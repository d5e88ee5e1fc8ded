"""One published number, and what makes it whole."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.errors import UsageError
from benchmarks.published.vocabulary import KINDS, SIGNED, UNITS, is_fraction, measured_as
from benchmarks.spec import parse

Key = tuple[str, str, str]
"""Spec, collection, measure."""

_LARGE = 1e6  # above, three significant digits are shown: nobody prints operations one by one


@dataclass(frozen=True)
class PublishedNumber:
    """What a paper or a project printed, and where it stands.

    `value` is a fraction, or in `unit`; `decimals` is the precision it was printed with, of the
    fraction: 59.1 percent is 0.591 with 3. `verified` says that it was read in `source`; what is only
    recalled is shown and never gates. `kind` tells a reproduction by others from a paper's own number.
    `spec` names our retriever where the system is one of ours under the same conventions, and
    `protocol` what that presumes of our protocol's collection section.
    """

    system: str
    dataset: str
    measure: str
    value: float
    decimals: int
    where: str
    source: str
    verified: bool
    variant: str = ""
    unit: str = ""
    kind: str = ""
    spec: str = ""
    protocol: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    std: str = ""
    checksum: str = ""
    derived: str = ""
    confidence: str = ""
    second_source: str = ""

    @property
    def printed(self) -> str:
        """The number at its printed precision, with its unit."""
        shown = f"{self.value:.{self.decimals}f}" if abs(self.value) < _LARGE else f"{self.value:.3g}"
        return f"{shown} {self.unit}".rstrip()

    @property
    def key(self) -> Key | None:
        """Our cell and measure; nothing where the system, the dataset or the measure is none of ours.

        A dataset whose name has a space is a description (an average, a private set), not an id.
        """
        if not self.spec or self.unit or " " in self.dataset:
            return None
        return str(parse(self.spec)), self.dataset, measured_as(self.measure, self.dataset)

    @property
    def identity(self) -> tuple[str, ...]:
        """What no two numbers of a ledger share."""
        return self.system, self.variant, self.dataset, self.measure, self.where, self.kind

    def problem(self) -> str:
        """Why the number may not stand in a ledger, with what to do; nothing when it may."""
        for name in ("system", "dataset", "where", "source"):
            if not getattr(self, name).strip():
                return f"{name} is empty; say it"
        return self._problem_of_measure() or self._problem_of_value() or self._problem_of_spec()

    def _problem_of_measure(self) -> str:
        fraction = is_fraction(self.measure)
        if self.unit and fraction:
            return f"{self.measure} is a fraction and has no unit; take {self.unit!r} out"
        if self.unit and self.unit not in UNITS:
            return f"unknown unit {self.unit!r}; known: {', '.join(UNITS)}"
        if not self.unit and not fraction:
            return f"nobody defines a measure {self.measure!r}; name one of ir-measures, or give a unit"
        return ""

    def _problem_of_value(self) -> str:
        if not math.isfinite(self.value):
            return f"{self.value} is no number that can be printed; correct it"
        if not self.unit and not -1 <= self.value <= 1:
            return f"{self.value} is no fraction; divide what is printed in percent by 100"
        if self.value < 0 and self.measure not in SIGNED:
            return f"{self.measure} is never negative; correct {self.value}"
        if self.decimals < 0 or abs(round(self.value, self.decimals) - self.value) > 1e-9:
            return f"{self.value} has more digits than its {self.decimals} decimals; correct one of them"
        return ""

    def _problem_of_spec(self) -> str:
        if self.kind not in KINDS:
            return f"unknown kind {self.kind!r}; known: reproduction"
        try:
            if self.spec:
                parse(self.spec)
        except UsageError as error:
            return str(error)
        return ""
