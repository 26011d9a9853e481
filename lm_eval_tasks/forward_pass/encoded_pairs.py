"""Tokens of prompts and labels as lm-eval encodes them, in less time: each prompt once, not twice for each label.

A special token splits a text before anything else of a tokenizer sees it. So the tokens of a label depend only on the
prompt's end, from its last special token on. All prompts of a chat template have the same end.
"""

from __future__ import annotations

import re
from functools import cached_property

from lm_eval.models.huggingface import HFLM
from tokenizers import AddedToken

# Labels that are kept from call to call. Without a chat template, each text may have an end of its own.
MOST_KEPT = 256


class EncodedPairs:
    """Stands for lm-eval's `_encode_pair`, and gives the same tokens.

    Args:
        lm: lm-eval's model.
    """

    def __init__(self, lm: HFLM) -> None:
        self.lm = lm
        self.contexts: dict[str, list[int]] = {}
        self.continuations: dict[tuple[str, str], list[int]] = {}

    def __call__(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """The tokens of a prompt, and those of a label behind it."""
        end = self._end(context)
        if end is None:
            pair: tuple[list[int], list[int]] = HFLM._encode_pair(self.lm, context, continuation)
            return pair
        if (end, continuation) not in self.continuations:
            self.contexts[context], self.continuations[end, continuation] = HFLM._encode_pair(
                self.lm, context, continuation
            )
        if context not in self.contexts:
            self.contexts[context] = self.lm.tok_encode(context.rstrip())
        return self.contexts[context], self.continuations[end, continuation]

    def forget(self) -> None:
        """Free the memory. The labels behind the end of a chat template are few, and are kept for the next call."""
        self.contexts = {}
        if len(self.continuations) > MOST_KEPT:
            self.continuations = {}

    def _end(self, context: str) -> str | None:
        """A prompt from its last special token on; None where it has none."""
        starts = [match.start() for match in self._special.finditer(context)] if self._special else []
        return context[starts[-1] :] if starts else None

    @cached_property
    def _special(self) -> re.Pattern[str] | None:
        """Matches the special tokens that split a text before it is normalized; None without any."""
        tokenizer = self.lm.tokenizer
        if not getattr(tokenizer, "is_fast", False):
            return None
        added = [str(token.content) for token in tokenizer.added_tokens_decoder.values() if _splits(token)]
        # The longest first, as the tokenizer matches them.
        return re.compile("|".join(map(re.escape, sorted(added, key=len, reverse=True)))) if added else None


def _splits(token: AddedToken) -> bool:
    content = str(token.content)
    return bool(content) and content == content.strip() and not token.normalized and not token.single_word
