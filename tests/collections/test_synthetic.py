"""The synthetic world: all it promises."""

from __future__ import annotations

import itertools

import ir_datasets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.collections import open_collection
from benchmarks.collections.synthetic.dataset import SIZES, register, world_of
from benchmarks.collections.synthetic.grammar import KINDS
from benchmarks.collections.synthetic.language import renamed
from benchmarks.collections.synthetic.pairs import pairs
from benchmarks.collections.synthetic.world import FAMILY, PARTS, World
from benchmarks.errors import UsageError
from benchmarks.evaluation.answers import has_answer
from benchmarks.retrieval.analysis import english
from benchmarks.storage.cache import Cache

WORLD = World(1500)


@given(st.integers(0, 2**40), st.integers(1, 10**7))
def test_any_passage_of_any_world_can_be_made_alone(number: int, documents: int) -> None:
    """Documents depend on nothing but the seed and their number."""
    world = World(documents)
    passage = world.passage(number % documents)
    assert passage == World(documents).passage(number % documents)
    assert passage.text
    assert passage.title


def test_another_seed_is_another_world() -> None:
    """The seed moves names and facts."""
    assert [p.text for p in World(50, seed=1).passages()] != [p.text for p in World(50).passages()]


def test_entities_have_names_of_their_own() -> None:
    """No two entities share a full name or an alias; those of a family share its name."""
    names = [WORLD.names(entity) for entity in range(WORLD.entities)]
    assert len({full for full, _, _ in names}) == WORLD.entities
    assert len({alias for _, _, alias in names}) == WORLD.entities
    assert len({full.split()[1] for full, _, _ in names[:FAMILY]}) == 1


def test_articles_have_a_lead_and_sections_that_link() -> None:
    """The lead tells the alias; sections have headings; links lead to leads of other articles that exist."""
    for entity in range(0, 60):
        lead, *sections = (WORLD.passage(entity * PARTS + part) for part in range(PARTS))
        assert WORLD.names(entity)[2] in lead.text
        assert not lead.heading
        assert [section.heading for section in sections] == [r.heading for r in WORLD.kind(entity).relations]
        for passage in (lead, *sections):
            for link in passage.links:
                article, part = link[1:].split("-")
                assert int(part) == 0
                assert int(article) < WORLD.entities


def test_every_question_is_answered_by_its_passage() -> None:
    """The grade 2 passage holds an answer string; the lead is grade 1; both exist."""
    documents = {passage.id: passage for passage in WORLD.passages()}
    questions = list(WORLD.questions("test", 200))
    assert len(questions) == 200
    for question in questions:
        (answering,) = (id for id, grade in question.judgments.items() if grade == 2)
        assert has_answer(documents[answering].text, question.answers)
        assert question.judgments.keys() <= documents.keys()


def test_questions_use_other_words_than_passages() -> None:
    """Names aside, a relation's questions share no term with what documents say of it."""
    for kind in KINDS:
        for relation in kind.relations:
            told = {term for phrase in relation.told for term in english(phrase.format(s="", o=""))}
            asked = {term for phrase in relation.asked for term in english(phrase.format(s=""))}
            assert not told & asked, (kind.name, relation.heading)


def test_splits_share_no_question() -> None:
    """Train, dev and test are disjoint and all there."""
    splits = {split: {q.id for q in WORLD.questions(split, 10_000)} for split in ("train", "dev", "test")}
    assert all(splits.values())
    for one, other in itertools.combinations(splits.values(), 2):
        assert not one & other


def test_pairs_are_graded_from_same_to_unrelated() -> None:
    """All six grades occur; grade 5 says one thing twice, in other words."""
    graded = {}
    for pair in pairs(WORLD, "test"):
        graded.setdefault(pair.similarity, []).append(pair)
    assert sorted(graded) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert all(pair.first != pair.second for pair in graded[5.0])
    shared = {
        grade: sum(len(set(english(p.first)) & set(english(p.second))) for p in ps) / len(ps)
        for grade, ps in graded.items()
    }
    assert shared[5.0] > shared[3.0] > shared[0.0]


@given(st.text("abcdefghijklmnopqrstuvwxyz ABCXYZ0123.,", max_size=40))
def test_the_second_language_is_a_renaming(text: str) -> None:
    """Letters change, all of them; nothing else does, and no two words become one."""
    other = renamed(text)
    assert len(other) == len(text)
    for before, after in zip(text, other, strict=True):
        assert (before == after) == (not before.isalpha())
        assert before.isupper() == after.isupper()


def test_renaming_is_reversible() -> None:
    """Each letter has its own image."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert len(set(renamed(letters))) == len(letters)


def test_it_is_an_ir_datasets_collection_like_any_other() -> None:
    """Documents, queries, judgments, counts and lookups through ir-datasets' own interface."""
    register()
    register()
    dataset = ir_datasets.load("synthetic/tiny/dev")
    documents = list(dataset.docs_iter())
    assert len(documents) == dataset.docs_count() == SIZES["tiny"]
    assert dataset.docs_store().get(documents[7].doc_id) == documents[7]
    judged = {qrel.query_id for qrel in dataset.qrels_iter()}
    assert judged == {query.query_id for query in dataset.queries_iter()}


def test_cross_language_collections_differ_in_the_queries_only(cache: Cache) -> None:
    """`cross` asks the first language's documents in the second; `second` renames both."""
    first, cross, second = (
        open_collection(f"synthetic/tiny{kind}/test", cache) for kind in ("", "/cross", "/second")
    )
    assert (
        first.inspection.documents_sha256
        == cross.inspection.documents_sha256
        != second.inspection.documents_sha256
    )
    assert (
        first.inspection.queries_sha256 != cross.inspection.queries_sha256 == second.inspection.queries_sha256
    )


def test_any_number_of_documents_is_a_size() -> None:
    """Sizes are names or numbers; other words are wrong use."""
    assert world_of("1234").documents == 1234
    assert sum(1 for _ in World(1234).passages()) == 1234
    with pytest.raises(UsageError, match="no synthetic size"):
        world_of("huge")
