"""An OpenAI-compatible server as a generator.

Asked again, ever more slowly, or after as long as the server wants: 429, 5xx, time-outs, broken connections, answers without
a choice, without a word, or that are no JSON. The key goes from the environment to the server that is asked and nowhere
else: what a server wrote is told without it.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from benchmarks.errors import Unavailable
from benchmarks.generation.answering import Answered
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt

KEY, URL = "OPENAI_API_KEY", "OPENAI_BASE_URL"
_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_AGAIN = (408, 409, 429)
_SAID = 200
"""Letters of what a server wrote."""


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
                f"generator {self._generator.name} asks a server; `pip install -e .[endpoint]` for the client"
            ) from None
        url = self._generator.base_url or os.environ.get(URL) or None
        key = os.environ.get(KEY)
        if key is None and url is None:
            raise Unavailable(f"generator {self._generator.name} needs a key in {KEY}, or a server in {URL}")
        # A server of one's own wants no key, the client wants one.
        self._client = openai.OpenAI(
            api_key=key or "none", base_url=url, timeout=self._generator.timeout,
            max_retries=0,
        )  # fmt: skip

    def answer(self, prompt: Prompt, _sample: int, /) -> Answered:
        """One answer. Raises `Unavailable` when none came after as many attempts as the generator allows."""
        why = ""
        for attempt in range(self._generator.attempts):
            start = time.perf_counter()
            found = self._tried(prompt)
            if isinstance(found, _Failure):
                why = found.why
                if not found.again:
                    raise Unavailable(f"{why} from {self._where}")
                if attempt + 1 < self._generator.attempts:
                    time.sleep(found.pause or min(_LONGEST_PAUSE, _PAUSE * 2**attempt))
                continue
            text, tokens_in, tokens_out = found
            seconds = time.perf_counter() - start
            return Answered(text, tokens_in, tokens_out, seconds, f"endpoint {self._host}")
        raise Unavailable(f"{why} from {self._where} after {self._generator.attempts} attempts")

    def _tried(self, prompt: Prompt) -> tuple[str, int, int] | _Failure:
        """Text and tokens of one request, or what went wrong with it."""
        import openai

        try:
            return self._request(prompt) or _Failure("an answer without a word")
        except openai.APIStatusError as error:
            again = error.status_code in _AGAIN or error.status_code >= 500
            said = "" if again or error.status_code in (401, 403) else self._without_key(error)
            return _Failure(f"HTTP {error.status_code}{said}", again, _wanted_pause(error))
        except openai.APITimeoutError:
            return _Failure(f"nothing for {self._generator.timeout:g} s")
        except openai.APIConnectionError:
            return _Failure("no connection, or a broken one,")
        except (openai.OpenAIError, ValueError, AttributeError, TypeError):
            return _Failure("an answer that is no chat completion")

    def _without_key(self, error: Any) -> str:
        """What a server wrote of a request that it does not like, on one line and without the key."""
        said = " ".join(str(error.message).split()).replace(os.environ.get(KEY) or "\0", "[key]")
        return f" ({said[:_SAID]})"

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

    @property
    def _where(self) -> str:
        port = urlsplit(str(self._client.base_url)).port
        return f"{self._host}:{port}" if port else self._host


@dataclass(frozen=True)
class _Failure:
    """What went wrong with a request, whether to try again, and after how long where the server says it."""

    why: str
    again: bool = True
    pause: float = 0.0


def _wanted_pause(error: Any) -> float:
    """The seconds of a Retry-After, no more than a minute; 0 where there is none."""
    try:
        return min(60.0, max(0.0, float(error.response.headers.get("retry-after", 0))))
    except ValueError:
        return 0.0
