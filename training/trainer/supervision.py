"""The check that each row teaches an answer and its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from faithful_se.errors import UsageError
from training.trainer.rows import TrainingRow

# The label of a token without a loss, as torch's cross entropy has it.
IGNORED = -100


def check_supervision(
    labels: Sequence[Sequence[int]], rows: Sequence[TrainingRow], eos_token_ids: Collection[int], max_length: int | None
) -> int:
    """Count the tokens with a loss, and check that each row has some, the end of its turn among them.

    A wrong loss mask trains on nothing and reports a loss of 0. A model that does not learn where an answer ends
    generates until its token limit.

    Args:
        labels: per row, token ids [n_tokens], `IGNORED` where there is no loss.
        rows: which the labels were made from, for messages.
        eos_token_ids: tokens at which generation stops.
        max_length: tokens to which rows were cut.

    Raises:
        UsageError: names the first row that fails, and the remedy.
    """
    if len(labels) < len(rows):  # TRL drops rows whose loss its cut removed
        raise UsageError(
            f"{len(rows) - len(labels)} of {len(rows)} rows have no token with a loss: "
            f"are they longer than --max_length {max_length}?"
        )
    total = 0
    for number, (ids, row) in enumerate(zip(labels, rows, strict=True), 1):
        supervised = [token for token in ids if token != IGNORED]
        name = f"row {number} ({row['completion'][-1]['content'][:40]!r})"
        cut = f" (it was cut to --max_length {max_length})" if max_length and len(ids) >= max_length else ""
        if not supervised:
            raise UsageError(f"{name} has no token with a loss{cut}: nothing would be learnt from it")
        if not any(token in eos_token_ids for token in supervised):
            raise UsageError(
                f"{name}: the end-of-turn token is not in the loss{cut}, so generations would not stop: "
                "the chat template must end a turn with the token at which the model stops (--eos_token)"
            )
        total += len(supervised)
    return total
