"""An OpenAI-compatible server as a generator.

The `openai` client tries again, ever more slowly, after 429, 5xx, time-outs and broken connections, and waits as
long as a server asks it to. What it does not know as a failure, answers without a choice, without a word, or that are no
JSON, is tried again here. The key goes from the environment to the client and nowhere else: errors name a status
and a host, never what the server wrote.
"""

from __future__ import annotations

import os
import time
from typing import Any
from urllib.parse import urlsplit

from benchmarks.errors import Unavailable
from benchmarks.generation.answering import Answered
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt

KEY, URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
_PAUSE, _LONGEST_PAUSE = 0.5, 8.0


class Endpoint:
    """Asks one model of one server. Its methods may be called from several threads."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._client: Any = None

    def open(self) -> None:
        """Make the client. Raises `Unavailable` where it is not installed or has no key."""
        try:
            import openai
        except ImportError:
            raise Unavailable(
                f"generator {self._generator.name} asks a server; `pip install 'retriever-bench[endpoint]'` for the client"
            ) from None
        url = self._generator.base_url or os.environ.get(URL) or None
        key = os.environ.get(KEY)
        if key is None and url is None:
            raise Unavailable(f"generator {self._generator.name} needs a key in {KEY}, or a server in {URL}")
        # A server of one's own wants no key, the client wants one.
        self._client = openai.OpenAI(
            api_key=key or "none", base_url=url, timeout=self._generator.timeout,
            max_retries=self._generator.attempts - 1,
        )  # fmt: skip

    def answer(self, prompt: Prompt, _sample: int, /) -> Answered:
        """One answer. Raises `Unavailable` when none came after as many attempts as the generator allows."""
        import openai

        why = ""
        for attempt in range(self._generator.attempts):
            if attempt:
                time.sleep(min(_LONGEST_PAUSE, _PAUSE * 2 ** (attempt - 1)))
            try:
                start = time.perf_counter()
                found = self._request(prompt)
                seconds = time.perf_counter() - start
            except openai.APIStatusError as error:
                raise self._failed(f"HTTP {error.status_code}") from None
            except openai.APITimeoutError:
                raise self._failed(f"nothing for {self._generator.timeout:g} s") from None
            except openai.APIConnectionError:
                raise self._failed("the connection broke") from None
            except (openai.OpenAIError, ValueError, AttributeError, TypeError):
                why = "an answer that is no chat completion"
                continue
            if found is not None:
                text, tokens_in, tokens_out = found
                return Answered(text, tokens_in, tokens_out, seconds, f"endpoint {self._host}")
            why = "an answer without a word"
        raise self._failed(why)

    def _request(self, prompt: Prompt) -> tuple[str, int, int] | None:
        completion = self._client.chat.completions.create(
            model=self._generator.model,
            messages=[{"role": "user", "content": prompt.text}],
            **self._generator.sampling,
        )
        text = completion.choices[0].message.content if completion.choices else None
        if not text or not text.strip():
            return None
        usage = completion.usage
        return text, usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0

    @property
    def _host(self) -> str:
        return urlsplit(str(self._client.base_url)).hostname or ""

    def _failed(self, why: str) -> Unavailable:
        return Unavailable(f"{why} from {self._host} after {self._generator.attempts} attempts")
