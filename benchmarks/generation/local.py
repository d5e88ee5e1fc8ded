"""A causal or sequence-to-sequence model on this machine, through transformers, as a generator.

Each answer has a seed of its own, made of prompt and sample: a run that was killed goes on with the same answers.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.errors import MissingWeights
from benchmarks.generation.answering import Answered
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt


class LocalModel:
    """`model` is a folder, or a model of the hub that is in its cache."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._model: Any = None
        self._tokenizer: Any = None

    def open(self) -> None:
        """Load the model. Raises `MissingWeights` where it is not on this machine."""
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

        name = self._generator.model
        try:
            config = AutoConfig.from_pretrained(name, local_files_only=True)
            kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
            self._model = kind.from_pretrained(name, local_files_only=True, use_safetensors=True).eval()
            self._tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise MissingWeights(
                f"generator {self._generator.name}: {name} cannot be loaded: {first}"
            ) from None
        if torch.cuda.is_available():
            self._model.cuda()

    def answer(self, prompt: Prompt, sample: int) -> Answered:
        """One answer; the same for the same prompt and sample on the same machine."""
        import torch

        start = time.perf_counter()
        inputs = self._encoded(prompt.text)
        asked = inputs["input_ids"].shape[1]
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(int(prompt.key[:12], 16) + sample)
            output = self._model.generate(
                **inputs, max_new_tokens=self._generator.max_tokens, **self._sampling()
            )[0]  # fmt: skip
        new = output if self._model.config.is_encoder_decoder else output[asked:]
        text = self._stopped(self._tokenizer.decode(new, skip_special_tokens=True))
        return Answered(text, asked, len(new), time.perf_counter() - start, "transformers")

    def _sampling(self) -> dict[str, Any]:
        generator = self._generator
        if generator.temperature == 0:
            return {"do_sample": False}
        given = {"temperature": generator.temperature, "top_p": generator.top_p}
        return {"do_sample": True, **{name: value for name, value in given.items() if value is not None}}

    def _encoded(self, text: str) -> Any:
        if self._tokenizer.chat_template:
            messages = [{"role": "user", "content": text}]
            encoded = self._tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        else:
            encoded = self._tokenizer(text, return_tensors="pt")
        return encoded.to(self._model.device)

    def _stopped(self, text: str) -> str:
        """The text up to the first stop."""
        for stop in self._generator.stop:
            text = text.partition(stop)[0]
        return text
