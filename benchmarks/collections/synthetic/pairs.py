"""Pairs of sentences with a graded similarity, 0 to 5, as in the STS tasks.

5  one fact, said twice                    2  another entity, the same relation
4  one fact, one of the two by alias       1  another entity of the same kind
3  the same entity, another fact           0  nothing in common
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.collections.synthetic.grammar import KINDS
from benchmarks.collections.synthetic.world import FAMILY, World, draw


@dataclass(frozen=True, slots=True)
class SentencePair:
    """Two sentences and how alike they are, 0 (unrelated) to 5 (the same)."""

    first: str
    second: str
    similarity: float


def pairs(world: World, split: str) -> Iterator[SentencePair]:
    """One pair for each fact of a split, grades in turn."""
    for position, (entity, relation) in enumerate(world.facts(split)):
        grade = 5 - position % 6
        first = _say(world, entity, relation, 0, alias=False)
        yield SentencePair(first, _other(world, entity, relation, grade), float(grade))


def _other(world: World, entity: int, relation: int, grade: int) -> str:
    luck = draw(world.seed, 20, entity, relation)
    if grade >= 4:
        return _say(world, entity, relation, 1 + luck % 2, alias=grade == 4)
    if grade == 3:
        return _say(world, entity, (relation + 1 + luck % 3) % 4, luck % 3, alias=False)
    cycle = len(KINDS) * FAMILY
    shift = cycle * (1 + luck % max(1, world.entities // cycle - 1)) if grade else FAMILY
    other = (entity + shift) % world.entities
    return _say(world, other, relation if grade == 2 else (relation + 1) % 4, luck % 3, alias=False)


def _say(world: World, entity: int, relation: int, form: int, *, alias: bool) -> str:
    full, _, known_as = world.names(entity)
    told = world.kind(entity).relations[relation].told
    said = told[form % len(told)].format(s=known_as if alias else full, o=world.target_name(entity, relation))
    return f"{said[0].upper()}{said[1:]}."
