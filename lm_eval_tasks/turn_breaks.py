"""Texts that break out of the user's turn: they hold special tokens, such as `<|im_end|>`.

A tokenizer reads a chat as one text, so it cannot tell a turn's end of the template from one of the document. Imports
neither lm-eval nor torch. docs/protocol.md, "Texts that break out of their turn".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lm_eval_tasks.document import Document

EXAMPLES = 10


class TurnBreaks(NamedTuple):
    """The documents whose own text holds special tokens."""

    positions: list[int]  # among the documents that were looked at
    tokens: list[str]  # the special tokens that they hold, each once

    def describe(self, names: Sequence[object]) -> str:
        """Count and name them; `names` has one of each document. "" where there is none."""
        if not self.positions:
            return ""
        examples = ", ".join(str(names[position]) for position in self.positions[:EXAMPLES])
        more = ", …" if len(self.positions) > EXAMPLES else ""
        return (
            f"{len(self.positions)} of {len(names)} texts hold special tokens of the model "
            f"({', '.join(self.tokens[:3])}), which may end the user's turn: they are encoded as they are, so leave "
            f"these texts out ({examples}{more})"
        )


def turn_breaks(tokenizer: Any, documents: Sequence[Document]) -> TurnBreaks:
    """Find the documents whose fields hold special tokens when the tokenizer encodes each field alone.

    Args:
        tokenizer: a tokenizer of transformers. No other kind says which tokens are special: nothing is found.
        documents: the texts.
    """
    added: Mapping[int, Any] = getattr(tokenizer, "added_tokens_decoder", None) or {}
    special = {number: token for number, token in added.items() if token.special}
    positions, tokens = [], dict[str, None]()
    for position, document in enumerate(documents):
        names = [name for text in document.fields.values() for name in _special_in(tokenizer, special, text)]
        if names:
            positions.append(position)
            tokens.update(dict.fromkeys(names))
    return TurnBreaks(positions, list(tokens))


def _special_in(tokenizer: Any, special: Mapping[int, Any], text: str) -> list[str]:
    # A token that is not normalized stands in the text as it is written, so few texts must be encoded. That also
    # leaves out the token of unknown letters.
    written = {number for number, token in special.items() if token.normalized or str(token) in text}
    if not written:
        return []
    numbers = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
    unknown = getattr(tokenizer, "unk_token_id", None)
    return [
        str(special[number])
        for number in dict.fromkeys(numbers)
        if number in written and (number != unknown or str(special[number]) in text)
    ]
