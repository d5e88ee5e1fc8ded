"""A budget of tokens and dollars: what a run, one process, may still spend, told before it is spent."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt

_CHAT = 64


@functools.cache
def budget_of(generator: Generator) -> Budget:
    """The one budget of a generator in this process, whatever it is asked about."""
    return Budget(generator)


@dataclass
class Budget:
    """What was spent, and what requests under way may cost at most."""

    generator: Generator
    tokens: int = 0
    dollars: float = 0.0
    reserved_tokens: int = 0
    reserved_dollars: float = 0.0

    def reserve(self, prompt: Prompt) -> bool:
        """Set aside what a request may cost at most; whether that is still within the budget."""
        tokens, dollars = self._most(prompt)
        most_tokens, most_dollars = self.generator.budget_tokens, self.generator.budget_usd
        if most_tokens and self.tokens + self.reserved_tokens + tokens > most_tokens:
            return False
        if most_dollars and self.dollars + self.reserved_dollars + dollars > most_dollars:
            return False
        self.reserved_tokens += tokens
        self.reserved_dollars += dollars
        return True

    def settle(self, prompt: Prompt, tokens_in: int, tokens_out: int) -> None:
        """Replace what was set aside by what the request took; where nobody counted, all of it is taken for spent."""
        tokens, dollars = self._most(prompt)
        self.reserved_tokens -= tokens
        self.reserved_dollars -= dollars
        counted = bool(tokens_in or tokens_out)
        self.tokens += tokens_in + tokens_out if counted else tokens
        self.dollars += self.generator.cost(tokens_in, tokens_out) if counted else dollars

    def _most(self, prompt: Prompt) -> tuple[int, float]:
        # No token is shorter than a byte; a chat's own tokens come besides.
        tokens_in = len(prompt.text.encode("utf-8", "surrogatepass")) + _CHAT
        tokens_out = self.generator.max_tokens
        return tokens_in + tokens_out, self.generator.cost(tokens_in, tokens_out)
