"""Batches of items of similar length within a token budget, which is halved when memory runs out."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import torch

from faithful_se.errors import is_out_of_memory

logger = logging.getLogger(__name__)

# Tokens at once: far fewer than most devices can hold, and halved where even that is too much.
DEFAULT_TOKENS = {"cpu": 2048, "cuda": 16384}

# A batch ends early at an item of less than this share of its longest item, so that little padding is computed. It must
# hold this many tokens first, so that a call of the model is worth making.
SIMILAR_LENGTH, TOKENS_WORTH_A_CALL = 0.8, 512

Item = TypeVar("Item")
Result = TypeVar("Result")


def default_tokens(device: torch.device) -> int:
    """How many tokens go through a model at once on a device, where the user does not say."""
    return DEFAULT_TOKENS.get(device.type, DEFAULT_TOKENS["cuda"])


def in_order(batches: Iterable[tuple[list[int], Sequence[Result]]]) -> list[Result]:
    """The results of `TokenBudget.batches`, in the order of the items."""
    pairs = (pair for indices, results in batches for pair in zip(indices, results, strict=True))
    return [result for _, result in sorted(pairs, key=lambda pair: pair[0])]


class TokenBudget:
    """How many tokens, padding included, go through the model at once: at first `tokens`."""

    def __init__(self, tokens: int) -> None:
        self.tokens = max(1, tokens)
        self.row_overhead = 0  # memory that every row takes besides its tokens, in tokens

    def batches(
        self,
        items: Sequence[Item],
        length: Callable[[Item], int],
        work: Callable[[list[Item]], Sequence[Result]],
        parts: int = 1,
        overhead: Callable[[Item], int] = lambda item: 0,
    ) -> Iterator[tuple[list[int], Sequence[Result]]]:
        """Results batch by batch, with the indices of the items.

        The longest items come first, so memory runs out early or never.

        Args:
            items: what is to be done.
            length: tokens of an item. A batch costs its longest item times its number of items.
            work: does one batch; returns one result per item.
            parts: number of parts into which `work` can cut a single item, by looking at `tokens`.
            overhead: tokens that an item takes memory for without being computed.

        Raises:
            MemoryError: a single item is too much.
        """
        lengths, overheads = [length(item) for item in items], [overhead(item) for item in items]
        waiting = sorted(range(len(items)), key=lambda index: -lengths[index])
        while waiting:
            batch = self._next_batch(waiting, lengths, overheads)
            try:
                results = work([items[index] for index in batch])
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                smallest_part = lengths[batch[0]] // parts
                if len(batch) == 1 and (parts == 1 or self.tokens <= smallest_part):
                    raise MemoryError(f"a single text of {smallest_part} tokens does not fit") from error
                used = len(batch) * max(1, max(lengths[index] + overheads[index] for index in batch))
            else:
                waiting = waiting[len(batch) :]
                yield batch, results
                continue
            self.halve(used)  # outside the except block, which keeps the failed batch's tensors alive

    def halve(self, used: int) -> None:
        """Continue with half of the tokens that did not fit."""
        self.tokens = max(1, min(self.tokens, used) // 2)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        logger.warning("out of memory: continuing with %d tokens a batch", self.tokens)

    def _next_batch(self, waiting: list[int], lengths: list[int], overheads: list[int]) -> list[int]:
        longest, largest_overhead = max(1, lengths[waiting[0]]), 0
        for count, index in enumerate(waiting):
            largest_overhead = max(largest_overhead, overheads[index])
            full = (count + 1) * (longest + largest_overhead) > self.tokens
            padded = lengths[index] < SIMILAR_LENGTH * longest and count * longest >= TOKENS_WORTH_A_CALL
            if count and (full or padded):
                return waiting[:count]
        return waiting
