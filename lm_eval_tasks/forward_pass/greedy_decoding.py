"""Greedy answers to many prompts, with each token of the prompts computed once.

What prompts share is computed once (`shared_tokens`) and copied. A row whose answer is complete leaves its slot to
another one, so that no row waits for the longest answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from faithful_se.errors import is_out_of_memory
from lm_eval_tasks.forward_pass.batching import TokenBudget
from lm_eval_tasks.forward_pass.kv_slots import GROWTH, KVSlots
from lm_eval_tasks.forward_pass.model_parts import MAX_LOGITS, ModelParts
from lm_eval_tasks.forward_pass.shared_tokens import Tokens, plan

# Rows that are decoded at once, at most: more save little time.
MOST_ROWS = 128

# Changes the logits of a row, [1, n_vocabulary], with all its tokens so far, [1, n_tokens].
Adjust = Callable[[Tensor, Tensor], Tensor]


@dataclass
class Row:
    """A prompt and its answer."""

    prompt: Tokens
    room: int  # most tokens of the answer
    ends: Callable[[Sequence[int]], bool]  # whether the answer so far is complete
    adjust: Adjust | None = None
    answer: list[int] = field(default_factory=list)
    complete: bool = False


@dataclass(frozen=True)
class Family:
    """A prompt and those that continue from its keys and values."""

    opening: Tokens  # that prompts of other families have, too
    whole: Row
    continuations: tuple[tuple[Row, int], ...] = ()  # with the tokens that are those of the whole prompt

    @property
    def rows(self) -> list[Row]:
        """The whole prompt first."""
        return [self.whole, *(row for row, _ in self.continuations)]


class GreedyDecoder:
    """Decodes with a model.

    Args:
        parts: the model.
        prefill: how many tokens of prompts go through the model at once.
        kept: how many tokens may have their keys and values kept.
    """

    def __init__(self, parts: ModelParts, prefill: TokenBudget, kept: TokenBudget) -> None:
        self.parts, self.prefill, self.kept = parts, prefill, kept
        self.bytes_per_token = 0  # of keys and values, once something was decoded

    def __call__(self, rows: Sequence[Row], publish: Callable[[Row], None]) -> None:
        """Answer rows with distinct prompts, and call `publish` with each that is complete.

        Raises:
            MemoryError: a single row is too much.
        """
        while left := [row for row in rows if not row.complete]:
            for row in left:
                row.answer.clear()  # of rows that did not fit into memory together
            longest = max(len(row.prompt) + row.room for row in left)
            at_once = min(len(left), MOST_ROWS, max(1, self.kept.tokens // longest))
            try:
                self._decode(left, at_once, publish)
                return
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if at_once == 1:
                    raise MemoryError(f"a single text of {longest} tokens does not fit") from error
            self.kept.halve(at_once * longest)

    def _decode(self, rows: Sequence[Row], at_once: int, publish: Callable[[Row], None]) -> None:
        waiting = deque(_families(rows, at_once))
        openings = list(dict.fromkeys(family.opening for family in waiting if family.opening))
        opened = KVSlots(self.parts, len(openings), max(map(len, openings), default=0))
        for slot, opening in enumerate(openings):
            opened.extend(slot, [opening])
        slots = KVSlots(self.parts, at_once, max(len(row.prompt) for row in rows) + GROWTH)
        live: list[Row] = []
        while waiting or live:
            admitted, count = list[Family](), len(live)
            while waiting and len(live) <= at_once // 2 and count + len(waiting[0].rows) <= at_once:
                count += len(waiting[0].rows)
                admitted.append(waiting.popleft())
            if admitted:
                live += self._admit(slots, len(live), admitted, opened, openings)
                self.bytes_per_token = slots.bytes_per_token()
            else:
                self._choose(slots.extend(0, [row.answer[-1:] for row in live])[:, -1], live)
            for slot in reversed(range(len(live))):
                if self._is_complete(live[slot], publish):
                    last = live.pop()
                    if slot < len(live):
                        slots.copy(slot, slots, len(live), slots.lengths[len(live)])
                        live[slot] = last

    def _admit(
        self, slots: KVSlots, first: int, families: Sequence[Family], opened: KVSlots, openings: Sequence[Tokens]
    ) -> list[Row]:
        """Give families the slots from `first` on, with the first token of each answer; returns their rows in order."""
        # The longest first, as batches take them: the slots of a batch lie side by side.
        families = sorted(families, key=lambda family: len(family.opening) - len(family.whole.prompt))
        wholes = [(family.whole, len(family.opening)) for family in families]
        continuations = [
            (row, start, first + source)
            for source, family in enumerate(families)
            for row, start in family.continuations
        ]
        continuations.sort(key=lambda item: item[1] - len(item[0].prompt))
        for slot, family in enumerate(families, first):
            if family.opening:
                slots.copy(slot, opened, openings.index(family.opening), len(family.opening))
            else:
                slots.lengths[slot] = 0
        self._read(slots, first, wholes)
        for slot, (_, start, source) in enumerate(continuations, first + len(wholes)):
            slots.copy(slot, slots, source, start)
        self._read(slots, first + len(wholes), [(row, start) for row, start, _ in continuations])
        return [*(row for row, _ in wholes), *(row for row, *_ in continuations)]

    def _read(self, slots: KVSlots, first: int, rows: Sequence[tuple[Row, int]]) -> None:
        """Compute prompts behind the tokens that their slots hold, and the first token of each answer."""

        def run(batch: list[int]) -> list[int]:
            items = [rows[index] for index in batch]
            at = first + batch[0]
            slots.lengths[at : at + len(batch)] = [start for _, start in items]  # also after memory ran out
            states = slots.extend(at, [row.prompt[start:] for row, start in items])
            last = torch.tensor([len(row.prompt) - start - 1 for row, start in items], device=states.device)
            self._choose(states[torch.arange(len(items), device=states.device), last], [row for row, _ in items])
            return batch

        indices = list(range(len(rows)))  # which batches take in this order
        for _ in self.prefill.batches(indices, lambda index: len(rows[index][0].prompt) - rows[index][1], run):
            pass

    def _choose(self, states: Tensor, rows: Sequence[Row]) -> None:
        """Append the token with the largest logit to each answer."""
        at_once = max(1, MAX_LOGITS // self.parts.head.vocabulary)
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            logits = self.parts.head(states[start : start + at_once])
            for index, row in enumerate(some):
                if row.adjust:
                    ids = torch.tensor([[*row.prompt, *row.answer]], device=logits.device)
                    logits[index] = row.adjust(ids, logits[index : index + 1])[0]
            for row, token in zip(some, logits.argmax(-1).tolist(), strict=True):
                row.answer.append(token)

    def _is_complete(self, row: Row, publish: Callable[[Row], None]) -> bool:
        row.complete = len(row.answer) >= row.room or row.ends(row.answer)
        if row.complete:
            publish(row)
        return row.complete


def _families(rows: Sequence[Row], at_once: int) -> Iterator[Family]:
    """Rows by what they share; no family has more rows than can be decoded at once."""
    for group in plan([row.prompt for row in rows]):
        for whole, continuations in group.whole.items():
            opening = rows[whole].prompt[: group.opening]
            members = [(rows[item.prompt], item.start) for item in continuations]
            yield Family(opening, rows[whole], tuple(members[: at_once - 1]))
            yield from (Family(opening, row) for row, _ in members[at_once - 1 :])
