"""Conversations as what the training loop eats: token ids with loss weights."""

from __future__ import annotations

import re

import torch
from transformers import PreTrainedTokenizerFast

from training.mini import tokenizer as words
from training.mini.conversations import Turn

Batch = tuple[torch.Tensor, torch.Tensor]


class Encoder:
    """Conversations as token ids with loss weights, equal to what the tokenizer's chat template gives."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._ids: dict[str, list[int]] = {token: [i] for token, i in tokenizer.get_vocab().items()}
        self._system, self._user, self._assistant = (self._ids[token] for token in words.ROLES.values())
        self._end = self._ids[words.END]

    def ids(self, text: str) -> list[int]:
        """Ids of a text. Lines of known words are looked up word by word, which is ten times as fast."""
        found: list[int] = []
        for line in re.split(r"(\n+)", text):
            if line in self._ids:
                found += self._ids[line]
                continue
            try:
                found += [self._ids[word][0] for word in line.split(" ")] if line else []
            except KeyError:
                self._ids[line] = self._tokenizer.encode(line, add_special_tokens=False)
                found += self._ids[line]
        return found

    def conversation(self, turns: list[Turn]) -> tuple[list[int], list[float]]:
        """Ids and loss weights of a conversation, both [n_tokens]; what the user says weighs 0."""
        ids: list[int] = []
        weights: list[float] = []
        for turn in turns:
            if turn.role == "system":
                said = self._system + self.ids(turn.prompt) + self._end
                ids += said
                weights += [0.0] * len(said)
                continue
            prompt = self._user + self.ids(turn.prompt) + self._end + self._assistant
            answer = self.ids(turn.answer)
            copied = {self._ids[word][0] for word in turn.copied if word in self._ids}
            ids += prompt + answer + self._end
            weights += [0.0] * len(prompt) + [1.0 if i in copied else turn.weight for i in answer] + [1.0]
        return ids, weights

    def batch(self, many: list[list[Turn]]) -> Batch:
        """Ids and weights, both [batch, longest], padded on the right."""
        rows = [self.conversation(turns) for turns in many]
        longest = max(len(ids) for ids, _ in rows)
        pad = self._ids[words.PAD]
        return (
            torch.tensor([ids + pad * (longest - len(ids)) for ids, _ in rows]),
            torch.tensor([weights + [0.0] * (longest - len(weights)) for _, weights in rows]),
        )
