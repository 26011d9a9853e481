"""Conversations as token ids with loss weights."""

from __future__ import annotations

import re

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerFast

from training.mini.conversations import Turn
from training.mini.tokenizer import END, PAD, ROLES

Batch = tuple[torch.Tensor, torch.Tensor]


class ConversationEncoder:
    """Encodes conversations as the tokenizer's chat template does, ten times as fast, with loss weights."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._ids: dict[str, list[int]] = {token: [i] for token, i in tokenizer.get_vocab().items()}
        self._system, self._user, self._assistant = (self._ids[token] for token in ROLES.values())
        self._end = self._ids[END]

    def ids(self, text: str) -> list[int]:
        """Token ids of a text. Lines of known words are looked up word by word; the tokenizer does the others."""
        ids: list[int] = []
        for line in re.split(r"(\n+)", text):
            if line in self._ids:
                ids += self._ids[line]
                continue
            try:
                ids += [self._ids[word][0] for word in line.split(" ")] if line else []
            except KeyError:
                self._ids[line] = self._tokenizer.encode(line, add_special_tokens=False)
                ids += self._ids[line]
        return ids

    def conversation(self, turns: list[Turn]) -> tuple[list[int], list[float]]:
        """Token ids and loss weights of a conversation, both [n_tokens]; the user's words weigh 0."""
        ids: list[int] = []
        weights: list[float] = []
        for turn in turns:
            if turn.role == "system":
                message = self._system + self.ids(turn.prompt) + self._end
                ids += message
                weights += [0.0] * len(message)
                continue
            prompt = self._user + self.ids(turn.prompt) + self._end + self._assistant
            answer = self.ids(turn.answer)
            copied = {self._ids[word][0] for word in turn.copied if word in self._ids}
            ids += prompt + answer + self._end
            weights += [0.0] * len(prompt) + [1.0 if i in copied else turn.weight for i in answer] + [1.0]
        return ids, weights

    def batch(self, conversations: list[list[Turn]]) -> Batch:
        """Token ids and loss weights, both [n_conversations, longest], padded on the right."""
        rows = [self.conversation(turns) for turns in conversations]
        ids, weights = ([torch.tensor(row) for row in column] for column in zip(*rows, strict=True))
        return pad_sequence(ids, batch_first=True, padding_value=self._ids[PAD][0]), pad_sequence(weights, True)
