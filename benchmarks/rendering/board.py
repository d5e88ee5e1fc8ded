"""All records and all published numbers, ready to be looked up by cell: what every page draws on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from benchmarks.claims import verdicts as claim_verdicts
from benchmarks.claims.claim import claims
from benchmarks.collections.conventions import conventions_of, means
from benchmarks.errors import RecordError
from benchmarks.evaluation.reading import READ
from benchmarks.evaluation.significance import compare
from benchmarks.interfaces import Run
from benchmarks.protocol import Protocol, differences, fingerprint
from benchmarks.published.ledger import Ledger, ledgers, numbers
from benchmarks.published.number import Key, PublishedNumber
from benchmarks.published.verdicts import Verdict, verdict
from benchmarks.records.record import Record
from benchmarks.registry import baselines, trained_leaves
from benchmarks.spec import parse
from benchmarks.suites import Cell, Suite, suites

MARKS = {"reproduced": "=", "drifted": "≠", "other protocol": "~", "unverified source": "?", "not run": "·"}


@dataclass(frozen=True)
class Footnote:
    """Why two cells of one column are not quite comparable."""

    spec: str
    collection: str
    fields: tuple[str, ...]


class Board:
    """Records by (spec, collection), with means over collections added.

    Of a cell with several seeds the first is taken. Variants that are trained here and belong to an
    experiment are set apart: their records, of every seed, are in `seeds` alone, beside all others.
    `results` is where the records lie, seen from the folder above the reports; `run` reads the run of one.
    """

    def __init__(
        self, records: Iterable[Record], results: str = "results", run: Callable[[Record], Run] | None = None
    ) -> None:
        self.results = results
        self._run = run
        self._p_values: dict[tuple[str, str, str, str], float] = {}
        self.seeds: dict[Cell, dict[int, Record]] = {}
        for record in sorted(records, key=lambda record: record.seed):
            self.seeds.setdefault((record.spec, record.collection), {})[record.seed] = record
        apart = _set_apart()
        self.measured = {
            cell: next(iter(found.values())) for cell, found in self.seeds.items() if cell[0] not in apart
        }
        self.records = {**self.measured, **_macro_means(self.measured)}
        self.ledgers = ledgers()
        self.published = _by_cell(self.ledgers)

    @functools.cached_property
    def claims(self) -> dict[str, list[claim_verdicts.Verdict]]:
        """The verdicts on each paper's claims."""
        return {
            key: claim_verdicts.verdicts(found, lambda spec, id: self.seeds.get((spec, id), {}), self.run)
            for key, found in claims().items()
        }

    @functools.cached_property
    def specs(self) -> list[str]:
        """Specs that have a record: in the order of the suites, then by name."""
        known = {str(spec): place for place, spec in enumerate(_suite_variants())}
        found = {spec for spec, _ in self.records}
        return sorted(found, key=lambda spec: (known.get(spec, len(known)), spec))

    @functools.cached_property
    def collections(self) -> list[str]:
        """Collections that have a record: in the order of the suites, then by name."""
        known = {
            id: place for place, id in enumerate(id for suite in _ordinary() for id in suite.collections)
        }
        found = {id for _, id in self.records}
        return sorted(found, key=lambda id: (_RUNGS.index(self.rung(id)), known.get(id, len(known)), id))

    def run(self, record: Record) -> Run:
        """The run of a record. Raises `RecordError` where it is not there."""
        if self._run is None:
            raise RecordError(f"the run of {record.spec} on {record.collection} is not at hand")
        return self._run(record)

    def p_value(self, a: Record, b: Record, measure: str) -> float:
        """Of two records of the same queries of one collection; pages that show both test them once."""
        key = (a.spec, b.spec, a.collection, measure)
        if key not in self._p_values:
            self._p_values[key] = compare(a.scores[measure], b.scores[measure]).p_value
        return self._p_values[key]

    def rung(self, collection: str) -> str:
        """The rung of a collection."""
        return conventions_of(collection).rung

    def reads_judgments(self, spec: str) -> bool:
        """Whether a part of a spec saw what is relevant: its numbers are a ceiling. What is registered no more did not."""
        known = baselines()
        parts = (
            known[leaf.baseline].variants.get(leaf.variant or "")
            for leaf in parse(spec).leaves
            if leaf.baseline in known
        )
        return any(part is not None and part.reads_judgments for part in parts)

    def number(self, spec: str, collection: str, measure: str) -> PublishedNumber | None:
        """The published number of a cell: of several, the first of its own paper's."""
        return next(iter(self.published.get((spec, collection, measure), ())), None)

    def record_of(self, number: PublishedNumber) -> Record | None:
        """The record that measured what was published, where there is one."""
        if number.key is None:
            return None
        spec, collection, measure = number.key
        record = self.records.get((spec, collection))
        return record if record and measure in record.scores else None

    def verdict(self, number: PublishedNumber) -> Verdict:
        """What our record says of a published number."""
        return verdict(number, self.record_of(number))

    def needs(self, spec: str) -> list[str]:
        """What the variants of a spec need, as they declare it; nothing once the spec has a record."""
        if any(measured == spec for measured, _ in self.measured):
            return []
        known = baselines()
        named = [
            known[leaf.baseline].variants.get(leaf.variant or known[leaf.baseline].default)
            for leaf in parse(spec).leaves
            if leaf.baseline in known
        ]
        return list(dict.fromkeys(variant.needs for variant in named if variant and variant.needs))

    def footnotes(self, collection: str, specs: Iterable[str]) -> list[Footnote]:
        """Cells of a column whose collection, evaluation or seed differs from what most of it has."""
        column = [record for spec in specs if (record := self.records.get((spec, collection)))]
        return odd(column, [{**shared(record.protocol), "seed": record.seed} for record in column])


_RUNGS = ("paper", "lab", "synthetic")


def _set_apart() -> set[str]:
    """The specs of experiments that are trained here."""
    experiments = [suite for suite in suites().values() if suite.is_experiment]
    return {spec for suite in experiments for spec in suite.variants if trained_leaves(parse(spec))}


def odd(column: Sequence[Record], sections: Sequence[dict[str, object]]) -> list[Footnote]:
    """The records of a column whose section differs from what most have, with the fields."""
    if not column:
        return []
    usual = _most_common(sections)
    notes = []
    for record, section in zip(column, sections, strict=True):
        if fields := differences(usual, section):
            notes.append(Footnote(record.spec, record.collection, tuple(fields)))
    return list(dict.fromkeys(notes))


def _by_cell(found: dict[str, Ledger]) -> dict[Key, list[PublishedNumber]]:
    """Published numbers by our cell: of a cell's own ledger first, and there the paper's before others'."""
    cells: dict[Key, list[tuple[bool, bool, PublishedNumber]]] = {}
    for name, ledger in found.items():
        for number in numbers(ledger):
            if number.key is not None:
                foreign = all(leaf.baseline != name for leaf in parse(number.key[0]).leaves)
                cells.setdefault(number.key, []).append((foreign, bool(number.kind), number))
    return {
        key: [number for *_, number in sorted(entries, key=lambda e: e[:2])] for key, entries in cells.items()
    }


def _ordinary() -> list[Suite]:
    """The suites that are no experiments: what is asked of what is trained here orders no page but its own."""
    return [suite for suite in suites().values() if not suite.is_experiment]


def _suite_variants() -> list[str]:
    return list(dict.fromkeys(variant for suite in _ordinary() for variant in suite.variants))


def shared(protocol: Protocol) -> dict[str, object]:
    """What the cells of a column have in common: all but the retrieval."""
    # What is read besides moves no number that a column shares.
    measures = {name: who for name, who in protocol.evaluation["measures"].items() if name not in READ}
    return {"collection": protocol.collection, "evaluation": {**protocol.evaluation, "measures": measures}}


def _most_common(sections: Sequence[dict[str, object]]) -> dict[str, object]:
    names = [fingerprint(section) for section in sections]
    return sections[names.index(max(sorted(set(names)), key=names.count))]


def _macro_means(records: dict[tuple[str, str], Record]) -> dict[tuple[str, str], Record]:
    """Records of collections that are the mean of others (CQADupStack), where all members are there.

    Each member is one "query": the mean of the members' means is what is published.
    """
    found = {}
    for id, members in means().items():
        for spec in {spec for spec, _ in records}:
            parts = [records[spec, member] for member in members if (spec, member) in records]
            if len(parts) == len(members):
                scores = {
                    name: {part.collection: part.means[name] for part in parts} for name in parts[0].scores
                }
                found[spec, id] = replace(parts[0], collection=id, scores=scores, efficiency={})
    return found
