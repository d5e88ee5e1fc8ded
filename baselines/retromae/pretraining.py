"""Pre-training (Xiao et al. 2022, section 3): guess the hidden words, and tell the text again from its [CLS].

The encoder reads a text with few tokens hidden and guesses those, as BERT does. Its [CLS] of that text, the sentence
embedding, goes to a weak decoder (`decoder.py`), which is shown little of the text besides (`masks.py`). The loss is
the sum of both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import padded
from baselines.retromae.decoder import decoder
from baselines.retromae.masks import Reconstruction, padded_masks
from baselines.training.chunks import read
from baselines.training.devices import mean_over_all, share
from baselines.training.masking import guess_loss, masked, padded_labels
from baselines.training.memory import layer_bytes
from baselines.training.mlm import MaskedLM, chunked, drawn_passages
from baselines.training.objective import Footprint, Loss
from baselines.training.trained import Materials


class RetroMAE(MaskedLM):
    """Takes `mask`, the encoder's, and `pooling`, what the sentence embedding is ([CLS] in the paper).

    And `decoder` (basic, enhanced), `decoder_mask`, and of the basic one `decoder_layers`.
    """

    def __init__(self, materials: Materials) -> None:
        super().__init__(materials)
        options = self._recipe.objective
        self._layers = options.get("decoder_layers", 1)
        self.decoder = decoder(options["decoder"], self.backbone.config, self._layers)
        parts = {"backbone": self.backbone, "head": self.head, "decoder": self.decoder}
        self.model = torch.nn.ModuleDict(parts)

    def loss(self, step: int) -> Loss:
        """The encoder's cross entropy plus the decoder's, each the mean over what is asked for in the whole batch."""
        recipe, rng = self._recipe, np.random.default_rng([self._seed, step])
        texts = drawn_passages(self.corpus, self.tokenizer, recipe.document_tokens, recipe.batch, rng)
        all_hidden, all_labels = masked(texts, recipe.objective["mask"], self.tokenizer, rng)
        hidden, labels = share(all_hidden), share(all_labels)
        rate = recipe.objective["decoder_mask"]
        again = share([self.decoder.reconstruction(text, rate, self.tokenizer, rng) for text in texts])
        device = next(self.model.parameters()).device
        found = []
        for places in chunked(hidden, self.model):
            batch = padded([hidden[place] for place in places], self.tokenizer.pad_token_id, device)
            states = batch.run(self.backbone)
            wanted = padded_labels([labels[place] for place in places], device)
            guesses = guess_loss(self.head, states, wanted, self.backbone)
            sentence = POOLINGS[recipe.objective["pooling"]](states, batch.attended)
            found.append((*guesses, *self._decoded(sentence, [again[place] for place in places])))
        encoder, guessed, decoded, asked = (torch.stack(column).sum() for column in zip(*found, strict=True))
        parts = {"encoder": mean_over_all(encoder, guessed), "decoder": mean_over_all(decoded, asked)}
        said = {name: value.item() for name, value in parts.items()}
        return Loss(parts["encoder"] + parts["decoder"], read(hidden), said)

    def _decoded(
        self, sentence: torch.Tensor, again: list[Reconstruction]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The decoder's summed cross entropy, and of how many tokens; `sentence` [texts, width] are the embeddings."""
        embeddings, device = self.backbone.embeddings, sentence.device
        ids = padded([one.text for one in again], self.tokenizer.pad_token_id, device).ids
        words = embeddings(input_ids=ids)
        positions = embeddings.position_embeddings.weight[: ids.shape[1]]
        seen = padded_masks([one.seen for one in again], device)
        states = self.decoder(sentence, words, positions, seen)
        wanted = padded_labels([one.labels for one in again], device)
        return guess_loss(self.head, states, wanted, self.backbone)

    def footprint(self) -> Footprint:
        """That of masked words, the decoder's layers, and logits of everything the decoder is asked for."""
        recipe, encoder = self._recipe, super().footprint()
        rate = 1.0 if recipe.objective["decoder"] == "enhanced" else recipe.objective["decoder_mask"]
        logits = 3 * 4 * round(encoder.tokens * rate) * len(self.tokenizer)
        # One layer more for the text's embeddings.
        layers = (self._layers + 1) * layer_bytes(self.backbone.config, encoder.longest) * encoder.tokens
        return replace(encoder, extra_bytes=encoder.extra_bytes + logits + layers)
