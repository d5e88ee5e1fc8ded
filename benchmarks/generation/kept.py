"""Answers that are kept in the store, and asked for where they are missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.errors import Unavailable
from benchmarks.generation.answering import Answered, Answerer
from benchmarks.generation.budget import Budget, budget_of
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt, Template
from benchmarks.generation.store import Generation, GenerationFile, Key, digest, used
from benchmarks.progress import Progress
from benchmarks.records.store import file_name
from benchmarks.storage.cache import Cache

Asked = tuple[Prompt, int]
"""A prompt, and which answer to it."""
_HOPELESS = 8


class KeptAnswers:
    """The answers in one file of the store. `answerer` is asked for others; without one nobody is.

    `purpose` names the file: the template, and what it is filled with.
    """

    def __init__(
        self,
        generator: Generator,
        template: Template,
        purpose: str,
        collection: str,
        folder: Path,
        answerer: Callable[[], Answerer | None],
    ) -> None:
        self._generator, self._template, self._collection = generator, template, collection
        self._answerer, self._purpose = answerer, purpose
        name = f"{file_name(collection)}.{purpose}.jsonl"
        self._file = GenerationFile(folder / file_name(generator.name) / name)
        self._read: dict[Key, Generation] | None = None

    @property
    def path(self) -> Path:
        """Where they are kept."""
        return self._file.path

    def protocol(self, samples: int) -> Mapping[str, Any]:
        """The model, its sampling, the template, and a hash of the first `samples` answers to every prompt."""
        return {
            **self._generator.protocol, "template": self._template.to_json(), "samples": samples,
            "answers_sha256": digest(self._answers(), samples),
        }  # fmt: skip

    def missing(self, prompts: Sequence[Prompt], samples: int) -> list[Asked]:
        """What has no answer in the store; of equal prompts one."""
        answers = self._answers()
        wanted = {(prompt.key, sample): (prompt, sample) for prompt in prompts for sample in range(samples)}
        return [asked for key, asked in wanted.items() if key not in answers]

    def ask(self, prompts: Sequence[Prompt], samples: int, progress: Progress) -> None:
        """Ask for what is missing, each once, `concurrency` at a time; every answer is kept as it comes.

        Raises `Unavailable` where some cannot be had, or cost more than the budget: the others are kept.
        """
        if not self.missing(prompts, samples):
            return
        with self._locked():
            self._read = None  # another process may have asked meanwhile
            missing = self.missing(prompts, samples)
            if not missing:
                return
            answerer = self._answerer()
            if answerer is None:
                raise self._nobody(missing)
            answerer.open()
            progress.say(f"    asking {self._generator.name} for {len(missing):,} answers")
            refused = self._ask_all(answerer, missing, progress)
        if refused:
            left = len(self.missing(prompts, samples))
            raise Unavailable(
                f"{self._generator.name} gave no answer to {left} of {len(missing)} prompts: {refused}; "
                "the others are kept, and the same command asks again for these"
            )

    def texts(self, prompts: Sequence[Prompt], samples: int) -> list[list[str]]:
        """The answers to each prompt, as they came. Raises `Unavailable` where some are missing."""
        if self.missing(prompts, samples):
            self._read = None  # others may have asked meanwhile
        if missing := self.missing(prompts, samples):
            raise self._nobody(missing)
        answers = self._answers()
        return [[answers[prompt.key, sample].text for sample in range(samples)] for prompt in prompts]

    def spent(self, prompts: Sequence[Prompt], samples: int) -> dict[str, Any]:
        """Answers, tokens, dollars where the generator has a price, seconds a request, sources, and queries cut."""
        found = used(self._answers(), prompts, samples)
        tokens_in, tokens_out = (
            sum(getattr(one, name) for one in found) for name in ("tokens_in", "tokens_out")
        )
        seconds = [one.seconds for one in found if one.seconds]
        return {
            "answers": len(found), "model": self._generator.model, "sources": sorted({one.source for one in found}),
            "cut": sum(prompt.cut for prompt in prompts),
            **({"tokens_in": tokens_in, "tokens_out": tokens_out} if tokens_in else {}),
            **({"usd": round(self._generator.cost(tokens_in, tokens_out), 6)} if self._generator.priced else {}),
            **({"seconds_each": round(sum(seconds) / len(seconds), 3)} if seconds else {}),
        }  # fmt: skip

    @property
    def identity(self) -> dict[str, Any]:
        """What names the file and its prompts: for `generations export`."""
        return {
            "generator": self._generator.name, "collection": self._collection, "purpose": self._purpose,
            "template": {"name": self._template.name, "version": self._template.version},
        }  # fmt: skip

    def take(self, found: Sequence[tuple[Prompt, int, Answered]]) -> int:
        """Add answers that were made elsewhere, but for those that are there; how many were not."""
        with self._locked():
            self._read = None
            new = [one for one in found if (one[0].key, one[1]) not in self._answers()]
            for prompt, sample, answered in new:
                self.keep(prompt, sample, answered)
            return len(new)

    def keep(self, prompt: Prompt, sample: int, answered: Answered) -> None:
        """Add one answer to the store. The caller holds the lock."""
        generation = Generation(
            prompt.query, prompt.key, sample, answered.text, prompt.candidates, self._collection,
            {"name": self._template.name, "version": self._template.version}, self._generator.model,
            self._generator.sampling, answered.tokens_in, answered.tokens_out, round(answered.seconds, 3),
            datetime.now(UTC).isoformat(timespec="seconds"), answered.source,
        )  # fmt: skip
        self._file.append(generation)
        self._answers()[generation.key] = generation

    def _locked(self) -> AbstractContextManager[None]:
        return Cache.default().locked(f"generations-{self._generator.name}-{self.path.stem}"[:120])

    def _answers(self) -> dict[Key, Generation]:
        if self._read is None:
            # What another model wrote, or this one otherwise, is no answer of this generator.
            own = (self._generator.model, self._generator.sampling)
            self._read = self._file.read(lambda one: (one.model, dict(one.sampling)) == own)
        return self._read

    def _ask_all(self, answerer: Answerer, missing: Sequence[Asked], progress: Progress) -> str:
        """Ask for all of them; why some could not be had, or nothing."""
        outcome = _Outcome(budget_of(self._generator))
        for asked, answered in progress.counted(
            _answers_to(missing, answerer, outcome, self._generator.at_once), len(missing), "answers"
        ):
            self.keep(*asked, answered)
        return outcome.refused

    def _nobody(self, missing: Sequence[Asked]) -> Unavailable:
        queries = len({prompt.query for prompt, _ in missing})
        return Unavailable(
            f"{self._generator.name} has not answered {len(missing)} prompts ({queries} queries) on {self._collection}; "
            "`retriever-bench generations export` writes them, `import` takes the answers"
        )


@dataclass
class _Outcome:
    """What was spent, and why something was refused."""

    budget: Budget
    refused: str = ""
    in_a_row: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether to ask no further: a prompt may have no answer, but many in a row have a common reason."""
        return self.in_a_row >= _HOPELESS


def _answers_to(
    missing: Sequence[Asked], answerer: Answerer, outcome: _Outcome, concurrency: int
) -> Iterator[tuple[Asked, Answered]]:
    """Each answer as it comes, with so many requests under way."""
    waiting, running = deque(missing), dict[Future[Answered], Asked]()
    with ThreadPoolExecutor(concurrency) as pool:
        while waiting or running:
            while len(running) < concurrency and _may_ask(waiting, outcome):
                asked = waiting.popleft()
                running[pool.submit(answerer.answer, *asked)] = asked
            if not running:
                break
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                asked = running.pop(future)
                if (answered := _settled(future, asked, outcome)) is not None:
                    yield asked, answered
    if waiting and not outcome.hopeless:
        budget = outcome.budget
        outcome.refused = (
            f"the budget allows no more ({budget.tokens:,} tokens, {budget.dollars:.2f} US dollars spent)"
        )


def _may_ask(waiting: Sequence[Asked], outcome: _Outcome) -> bool:
    return bool(waiting) and not outcome.hopeless and outcome.budget.reserve(waiting[0][0])


def _settled(future: Future[Answered], asked: Asked, outcome: _Outcome) -> Answered | None:
    """The answer, if there is one; what it cost is taken from the budget."""
    try:
        answered = future.result()
    except Unavailable as error:
        # What failed may have been paid for.
        outcome.budget.settle(asked[0], 0, 0)
        outcome.refused, outcome.in_a_row = str(error), outcome.in_a_row + 1
        return None
    outcome.budget.settle(asked[0], answered.tokens_in, answered.tokens_out)
    outcome.in_a_row = 0
    return answered
