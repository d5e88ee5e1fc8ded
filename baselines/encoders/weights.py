"""What a model is made of: a backbone, further tensors, a tokenizer; from a folder, or drawn at random.

A paper's model is a transformers backbone, found under some prefix in its file, and perhaps a
head. Whatever a model asks for and the file lacks is an error: transformers would draw it at
random and go on.
"""

from __future__ import annotations

import functools
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from baselines.encoders.checkpoints import SAFETENSORS, weights_in
from benchmarks.errors import MissingWeights

if TYPE_CHECKING:
    import torch


_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")


class Weights(Protocol):
    """Where a model's parts come from."""

    def backbone(self, prefix: str = "", /) -> Any:
        """The transformers encoder whose names in the file begin with `prefix`, in float32, ready to infer.

        With a prefix the encoder is a BERT, whatever the file's configuration calls the whole.
        """

    def tensor(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """A tensor of the file that belongs to no backbone."""

    def tokenizer(self) -> Any:
        """The fast tokenizer."""


class FolderWeights:
    """A checkpoint's folder: config.json, tokenizer files, model.safetensors or pytorch_model.bin."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def backbone(self, prefix: str = "", /) -> Any:
        """The encoder under `prefix`. Raises `MissingWeights` when a tensor of it is not in the file."""
        with told(self._folder):
            model, lacking = self._backbone(prefix)
        if lacking:
            raise MissingWeights(
                f"{weights_in(self._folder)} has no {lacking[0]}, and {len(lacking)} tensors of the model are missing; "
                "is it this model's file?"
            )
        pieces = len(self.tokenizer())
        if pieces > model.config.vocab_size:
            raise MissingWeights(
                f"{self._folder}: the tokenizer has {pieces} pieces and the model {model.config.vocab_size}; "
                "do they belong together?"
            )
        return model.eval()

    def _backbone(self, prefix: str) -> tuple[Any, list[str]]:
        """The encoder, and the names that its file lacks."""
        import torch
        from transformers import AutoModel, BertModel

        quiet()
        file = weights_in(self._folder)
        # A PyTorch file is read with torch.load(weights_only=True): tensors, never code.
        kind: Any = BertModel if prefix else AutoModel
        model, report = kind.from_pretrained(
            str(self._folder), local_files_only=True, use_safetensors=file.name == SAFETENSORS,
            dtype=torch.float32, add_pooling_layer=False, key_mapping={f"^{re.escape(prefix)}": ""} if prefix else None, output_loading_info=True,
        )  # fmt: skip
        if prefix and not any(name.startswith(prefix) for name in self._tensors):
            return model, [f"{prefix}*"]
        return model, sorted(report["missing_keys"])

    def tensor(self, name: str, shape: tuple[int, ...]) -> torch.Tensor:
        """A tensor by its name in the file. Raises `MissingWeights` when it is not there, or has another shape."""
        import torch

        file = weights_in(self._folder)
        with told(self._folder):
            found = self._tensors[name]() if name in self._tensors else None
        if found is None or tuple(found.shape) != shape:
            there = f"is {list(found.shape)}" if found is not None else "is not there"
            raise MissingWeights(
                f"{file}: {name} {there}, and {list(shape)} is needed; is it this model's file?"
            )
        tensor: torch.Tensor = found.to(torch.float32)
        return tensor

    def tokenizer(self) -> Any:
        """The folder's tokenizer. Raises `MissingWeights` where there is none: transformers would make one up."""
        from transformers import AutoTokenizer

        if not any((self._folder / name).exists() for name in _TOKENIZERS):
            raise MissingWeights(f"{self._folder} has no tokenizer ({', '.join(_TOKENIZERS)}); put it there")
        quiet()
        with told(self._folder):
            return AutoTokenizer.from_pretrained(str(self._folder), local_files_only=True)

    @functools.cached_property
    def _tensors(self) -> Mapping[str, Callable[[], torch.Tensor]]:
        """How to read each tensor, by name: nothing is read but what is asked for."""
        import torch
        from safetensors import safe_open

        file = weights_in(self._folder)
        if file.name == SAFETENSORS:
            opened: Any = safe_open(file, framework="pt")
            return {name: functools.partial(opened.get_tensor, name) for name in opened.keys()}  # noqa: SIM118
        mapped = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        return {name: functools.partial(mapped.get, name) for name in mapped}


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Say in one line what a folder's files are not: transformers, torch and safetensors raise what they like."""
    try:
        yield
    except MissingWeights:
        raise
    except pickle.UnpicklingError:
        raise MissingWeights(
            f"{weights_in(folder)} holds more than tensors, or is damaged; it is not read"
        ) from None
    except Exception as error:
        reason = (str(error).splitlines() or ["no message"])[0][:160]
        raise MissingWeights(
            f"{folder} cannot be read as a model ({type(error).__name__}: {reason})"
        ) from None


def quiet() -> None:
    """Let transformers say nothing but errors, and draw no bars of its own."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
