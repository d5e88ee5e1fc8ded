"""Entities, facts, passages, questions: each made on its own from its number and the seed.

An article is five documents: the lead (part 0) and one body section for each of the four
relations of its kind (parts 1 to 4). Entities of one kind come in families of four that share
a family name; their sections on the same relation are each other's hard distractors.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.collections.synthetic.grammar import FILLERS, KINDS, SYLLABLES, Kind, Relation

PARTS = 5
FAMILY = 4
SPLITS = ("test", "dev", "train", "train")
"""A fact's split is drawn from these: a quarter test, a quarter dev, half train."""

_MASK = (1 << 64) - 1


def draw(*numbers: int) -> int:
    """A 64-bit number that looks random and depends on nothing but `numbers` (splitmix64)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ (number + 0x9E3779B97F4A7C15)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


@dataclass(frozen=True, slots=True)
class Passage:
    """One document, with the structure its article gives it."""

    id: str
    title: str
    text: str
    heading: str
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One query: graded judgments by document id, and the strings that answer it."""

    id: str
    text: str
    judgments: dict[str, int]
    answers: tuple[str, ...]


class World:
    """`documents` passages about as many entities as they need."""

    def __init__(self, documents: int, seed: int = 0) -> None:
        self.documents = documents
        self.entities = -(-documents // PARTS)
        self.seed = seed

    def kind(self, entity: int) -> Kind:
        """What kind of thing an entity is; the four of a family are of one kind."""
        return KINDS[(entity // FAMILY) % len(KINDS)]

    def names(self, entity: int) -> tuple[str, str, str]:
        """Full name, short name, alias. The alias is told in the lead and nowhere else."""
        family = _word(2 * draw(self.seed, 1) + entity // FAMILY, 3)
        given = _word(2 * draw(self.seed, 2) + entity, 3)
        epithets = self.kind(entity).epithets
        alias = f"the {epithets[draw(self.seed, 3, entity) % len(epithets)]} {_word(draw(self.seed, 4) + entity, 4)}"
        return f"{given} {family}", given, alias

    def target(self, entity: int, relation: int) -> int | str:
        """The object of a fact: an entity's number, or a literal."""
        kind = self.kind(entity).relations[relation].target
        luck = draw(self.seed, 5, entity, relation)
        if not isinstance(kind, str):
            return kind[luck % len(kind)]
        families = -(-self.entities // FAMILY)
        wanted = next(i for i, known in enumerate(KINDS) if known.name == kind)
        of_kind = max(1, (families - wanted + len(KINDS) - 1) // len(KINDS))
        chosen = (wanted + len(KINDS) * (luck % of_kind)) * FAMILY + (luck >> 32) % FAMILY
        return min(chosen, self.entities - 1)

    def target_name(self, entity: int, relation: int) -> str:
        """The object of a fact, as a document prints it."""
        target = self.target(entity, relation)
        return target if isinstance(target, str) else self.names(target)[0]

    def passage(self, number: int) -> Passage:
        """Document `number`, 0 to `documents` - 1."""
        entity, part = divmod(number, PARTS)
        full, short, _ = self.names(entity)
        kind = self.kind(entity)
        if part == 0:
            text, links = self._lead(entity), tuple(self._linked(entity, (0, 1, 2, 3)))
            return Passage(document_id(number), full, text, "", links)
        relation = kind.relations[part - 1]
        subject = full if draw(self.seed, 6, number) % 2 else short
        told = _pick(relation.told, draw(self.seed, 7, number)).format(
            s=subject, o=self.target_name(entity, part - 1)
        )
        before, after = self._fillers(relation, number)
        text = f"{before} {_sentence(told)} {after}"
        return Passage(
            document_id(number), full, text, relation.heading, tuple(self._linked(entity, (part - 1,)))
        )

    def passages(self, start: int = 0) -> Iterator[Passage]:
        """All documents from number `start` on."""
        return (self.passage(number) for number in range(start, self.documents))

    def questions(self, split: str, limit: int) -> Iterator[Question]:
        """At most `limit` questions of a split, over entities in an order that looks random."""
        stride = _coprime(self.entities)
        made = 0
        for step in range(self.entities):
            entity = (step * stride) % self.entities
            for relation in range(PARTS - 1):
                if self._split(entity, relation) == split and self._told(entity, relation):
                    if made == limit:
                        return
                    made += 1
                    yield self.question(entity, relation)

    def question(self, entity: int, relation: int) -> Question:
        """The question after one fact: grade 2 for the passage that tells it, 1 for the lead."""
        section = entity * PARTS + 1 + relation
        full, _, alias = self.names(entity)
        subject = alias if draw(self.seed, 8, section) % 2 else full
        asked = _pick(self.kind(entity).relations[relation].asked, draw(self.seed, 9, section))
        target = self.target(entity, relation)
        answers = (target,) if isinstance(target, str) else self.names(target)
        return Question(
            id=f"q{section}",
            text=asked.format(s=subject),
            judgments={document_id(section): 2, document_id(entity * PARTS): 1},
            answers=answers,
        )

    def facts(self, split: str) -> Iterator[tuple[int, int]]:
        """The facts of a split, as (entity, relation)."""
        for entity in range(self.entities):
            for relation in range(PARTS - 1):
                if self._split(entity, relation) == split:
                    yield entity, relation

    def _split(self, entity: int, relation: int) -> str:
        return SPLITS[draw(self.seed, 10, entity, relation) % len(SPLITS)]

    def _told(self, entity: int, relation: int) -> bool:
        return entity * PARTS + 1 + relation < self.documents

    def _lead(self, entity: int) -> str:
        full, short, alias = self.names(entity)
        kind = self.kind(entity)
        called = _pick(kind.called, draw(self.seed, 11, entity))
        headings = " and ".join(relation.heading.lower() for relation in kind.relations[:2])
        place = self.target_name(entity, 0)
        return (
            f"{full}, also known as {alias}, is {called} connected with {place}. "
            f"{_sentence(short)[:-1]} is remembered for {headings}. "
            f"{self._fillers(kind.relations[draw(self.seed, 12, entity) % 4], entity * PARTS)[0]}"
        )

    def _linked(self, entity: int, relations: tuple[int, ...]) -> Iterator[str]:
        for relation in relations:
            target = self.target(entity, relation)
            if not isinstance(target, str):
                yield document_id(target * PARTS)

    def _fillers(self, relation: Relation, number: int) -> tuple[str, str]:
        luck = draw(self.seed, 13, number)
        words, size = relation.topic, len(relation.topic)
        first = FILLERS[luck % len(FILLERS)].format(a=words[luck % size], b=words[(luck >> 8) % size])
        second = FILLERS[(luck >> 16) % len(FILLERS)].format(
            a=words[(luck >> 24) % size], b=words[(luck >> 32) % size]
        )
        return first, second


def document_id(number: int) -> str:
    """The id of a document: article and part."""
    return f"a{number // PARTS}-{number % PARTS}"


def _pick(choices: tuple[str, ...], luck: int) -> str:
    return choices[luck % len(choices)]


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


@functools.lru_cache(maxsize=1 << 16)
def _word(number: int, syllables: int) -> str:
    """`number` written in syllables, scrambled first so that neighbours look unlike each other.

    The scramble (an odd factor modulo a power of two) is a bijection, so that up to
    64**syllables names are distinct.
    """
    rest = (number * 0x2545F491) % (64**syllables)
    letters = []
    for _ in range(syllables):
        rest, digit = divmod(rest, 64)
        letters.append(SYLLABLES[digit])
    return "".join(letters).capitalize()


def _coprime(size: int) -> int:
    """A stride near the golden section of `size` that visits every number once."""
    from math import gcd

    stride = max(1, int(size * 0.618))
    while gcd(stride, size) != 1:
        stride += 1
    return stride
