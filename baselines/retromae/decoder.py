"""The decoders: from the sentence embedding and what else is shown of a text to guesses of its tokens.

A decoder is weak on purpose: one transformer layer, so that a text can be told from its sentence embedding or not at
all (Xiao et al. 2022, section 3.2). Word embeddings, positions and the head that guesses words are the encoder's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.functional import gelu, scaled_dot_product_attention

from baselines.retromae import masks
from benchmarks.errors import UsageError


class BasicDecoder(torch.nn.Module):
    """Section 3.2: the text, much of it hidden, with the sentence embedding in the place of [CLS] (equation 2).

    The paper has one layer; it tries two and three with this decoder alone (Table 6).
    """

    reconstruction: Callable[..., masks.Reconstruction] = staticmethod(masks.basic)

    def __init__(self, config: Any, layers: int = 1) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(Layer(config) for _ in range(layers))

    def forward(
        self, sentence: torch.Tensor, words: torch.Tensor, _positions: torch.Tensor, seen: torch.Tensor
    ) -> torch.Tensor:
        """States to guess from, [texts, tokens, width].

        `sentence` [texts, width] are the encoder's [CLS], `words` [texts, tokens, width] the text's tokens as
        the encoder embeds them, positions included, `positions` [tokens, width] the positions alone, `seen`
        bool[texts, tokens, tokens].
        """
        states = with_sentence(sentence, words)
        for layer in self.layers:
            states = layer(states, states, seen)
        return states


class EnhancedDecoder(torch.nn.Module):
    """Section 3.3: two streams. What asks knows the sentence and its place; what answers is a sample of the text.

    H1 = [h + p_0, ..., h + p_N] are the queries, H2 = [h, e_1 + p_1, ..., e_N + p_N] keys and values (equations 4
    and 5).
    """

    reconstruction: Callable[..., masks.Reconstruction] = staticmethod(masks.enhanced)

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.layer = Layer(config)

    def forward(
        self, sentence: torch.Tensor, words: torch.Tensor, positions: torch.Tensor, seen: torch.Tensor
    ) -> torch.Tensor:
        """As `BasicDecoder.forward`."""
        asking = sentence.unsqueeze(1) + positions
        states: torch.Tensor = self.layer(asking, with_sentence(sentence, words), seen)
        return states


class Layer(torch.nn.Module):
    """One layer of BERT (Devlin et al. 2019), whose queries may be of another stream than its keys and values."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.heads, self.attention_dropout = config.num_attention_heads, config.attention_probs_dropout_prob
        self.query, self.key, self.value, self.output = (torch.nn.Linear(width, width) for _ in range(4))
        self.up, self.down = torch.nn.Linear(width, inner), torch.nn.Linear(inner, width)
        self.attention_norm = torch.nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.norm = torch.nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = torch.nn.Dropout(config.hidden_dropout_prob)
        for module in self.modules():
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.normal_(module.weight, std=config.initializer_range)
                torch.nn.init.zeros_(module.bias)

    def forward(self, asking: torch.Tensor, context: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """`asking` and `context` [texts, tokens, width], `seen` bool[texts, tokens, tokens], to [texts, tokens, width]."""
        query, key, value = (
            self._by_head(linear(stream))
            for linear, stream in ((self.query, asking), (self.key, context), (self.value, context))
        )
        dropout = self.attention_dropout if self.training else 0.0
        found = scaled_dot_product_attention(query, key, value, seen.unsqueeze(1), dropout)
        attended = self.dropout(self.output(found.transpose(1, 2).flatten(2)))
        states = self.attention_norm(asking + attended)
        out: torch.Tensor = self.norm(states + self.dropout(self.down(gelu(self.up(states)))))
        return out

    def _by_head(self, states: torch.Tensor) -> torch.Tensor:
        """[texts, tokens, width] to [texts, heads, tokens, width / heads]."""
        return states.view(*states.shape[:2], self.heads, -1).transpose(1, 2)


def with_sentence(sentence: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """The sentence embedding in the place of the first token: [texts, tokens, width]."""
    return torch.cat([sentence.unsqueeze(1), words[:, 1:]], dim=1)


def decoder(name: str, config: Any, layers: int) -> BasicDecoder | EnhancedDecoder:
    """A decoder by its name; `layers` are those of the basic one. Raises `UsageError` for another name."""
    if name == "enhanced":
        return EnhancedDecoder(config)
    if name == "basic":
        return BasicDecoder(config, layers)
    raise UsageError(f"no decoder {name!r} in a recipe of RetroMAE's; known: basic, enhanced")
