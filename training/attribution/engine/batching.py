"""Batches of similar length within a number of tokens; the number is halved when memory runs out, nothing is lost."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch

logger = logging.getLogger(__name__)

# A batch ends early at an item of less than this share of its longest, so that little padding is computed, once it
# holds enough tokens for a call of the model to be worth making.
ENOUGH, WORTH_A_CALL = 0.8, 512

Item = TypeVar("Item")
Result = TypeVar("Result")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the device or of the machine, ran out."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # RuntimeError: [enforce fail at alloc_cpu.cpp:121] … DefaultCPUAllocator: can't allocate memory: …
    return isinstance(error, RuntimeError) and ("can't allocate memory" in str(error) or "out of memory" in str(error))


class TokenBudget:
    """How many tokens, padding included, go through the model at once.

    Args:
        tokens: to begin with.

    Attributes:
        extra: tokens' memory that every row takes besides its own tokens.
    """

    def __init__(self, tokens: int) -> None:
        self.tokens, self.extra = max(1, tokens), 0

    def run(
        self,
        items: Sequence[Item],
        length: Callable[[Item], int],
        work: Callable[[list[Item]], Sequence[Result]],
        parts: int = 1,
        beside: Callable[[Item], int] | None = None,
    ) -> list[Result]:
        """Results of `work`, in the order of `items`.

        Args:
            items: what is to be done.
            length: tokens of an item. A batch costs its longest item times its number of items.
            work: does one batch; gives one result per item.
            parts: into how many parts `work` can cut a single item by itself, by looking at `tokens`.
            beside: tokens that an item takes memory for without being computed.

        Raises:
            MemoryError: a single item is too much.
        """
        results: dict[int, Result] = {}
        for batch, done in self.batches(items, length, work, parts, beside):
            results.update(zip(batch, done, strict=True))
        return [results[index] for index in range(len(items))]

    def batches(
        self,
        items: Sequence[Item],
        length: Callable[[Item], int],
        work: Callable[[list[Item]], Sequence[Result]],
        parts: int = 1,
        beside: Callable[[Item], int] | None = None,
    ) -> Iterator[tuple[list[int], Sequence[Result]]]:
        """Results batch by batch, with the indices of the items; the longest come first, so memory runs out early."""
        lengths = [length(item) for item in items]
        aside = [beside(item) if beside else 0 for item in items]
        waiting = sorted(range(len(items)), key=lambda index: -lengths[index])
        while waiting:
            batch = self._batch(waiting, lengths, aside)
            done: Sequence[Result] | None = None
            try:
                done = work([items[index] for index in batch])
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if len(batch) == 1 and (parts == 1 or self.tokens <= lengths[batch[0]] // parts):
                    raise MemoryError(f"a single text of {lengths[batch[0]] // parts} tokens does not fit") from error
                used = len(batch) * max(1, max(lengths[index] + aside[index] for index in batch))
            if done is None:  # outside the except block, which keeps the failed batch's tensors alive
                self.tokens = max(1, min(self.tokens, used) // 2)
                gc.collect()
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                logger.warning("out of memory: going on with %d tokens a batch", self.tokens)
                continue
            waiting = waiting[len(batch) :]
            yield batch, done

    def _batch(self, waiting: list[int], lengths: list[int], aside: list[int]) -> list[int]:
        longest, most = max(1, lengths[waiting[0]]), 0
        for place, index in enumerate(waiting):
            most = max(most, aside[index])
            full = (place + 1) * (longest + most) > self.tokens
            padded = lengths[index] < ENOUGH * longest and place * longest >= WORTH_A_CALL
            if place and (full or padded):
                return waiting[:place]
        return waiting
