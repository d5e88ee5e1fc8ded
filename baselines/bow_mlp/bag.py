"""A bag of words and a small network (Chang et al. 2020, section 4: BoW-MLP).

Embeddings of a text's unigrams, their mean, two layers with tanh between them. Unigrams are word pieces here, so that
it reads what the other towers read; special tokens are none, and a text without any has the mean 0. On disk a tower is a
folder with its tensors under the side's name, and the tokenizer.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import save_file

from baselines.encoders.checkpoints import SAFETENSORS
from baselines.encoders.pooling import mean
from baselines.encoders.tower import Batch
from baselines.encoders.weights import Weights


class BagOfWords(torch.nn.Module):
    """U tanh(W x + a) + b of the mean x of embeddings; `dimension` is the width of all of them.

    The layers begin as Glorot and Bengio 2010 draw them for tanh. With torch's own, smaller ones two bags of words
    agree so little that the loss hardly moved in 60 steps.
    """

    special: torch.Tensor

    def __init__(self, tokenizer: Any, dimension: int) -> None:
        super().__init__()
        self.embeddings = torch.nn.Embedding(len(tokenizer), dimension)
        self.hidden = torch.nn.Linear(dimension, dimension)
        self.output = torch.nn.Linear(dimension, dimension)
        for layer in (self.hidden, self.output):
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
        self.register_buffer("special", torch.tensor(tokenizer.all_special_ids), persistent=False)
        # What an estimate of memory asks of an encoder: the embeddings are all it keeps of a token.
        self.config = SimpleNamespace(hidden_size=dimension, num_hidden_layers=0, num_attention_heads=0)

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, dimension]."""
        words = batch.attended.bool() & ~torch.isin(batch.ids, self.special)
        found: torch.Tensor = self.output(torch.tanh(self.hidden(mean(self.embeddings(batch.ids), words))))
        return found


def stored(weights: Weights, side: str, dimension: int) -> BagOfWords:
    """The tower of a side (`question_encoder`, `ctx_encoder`). Raises `MissingWeights` where a tensor is not there."""
    tower = BagOfWords(weights.tokenizer(), dimension)
    shapes = {name: tuple(tensor.shape) for name, tensor in tower.state_dict().items()}
    tower.load_state_dict({name: weights.tensor(f"{side}.{name}", shape) for name, shape in shapes.items()})
    return tower


def save(tower: BagOfWords, side: str, tokenizer: Any, folder: Path) -> None:
    """Write the tower of a side."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"{side}.{name}": tensor.cpu().contiguous() for name, tensor in tower.state_dict().items()}
    save_file(tensors, folder / SAFETENSORS)
    tokenizer.save_pretrained(folder)
