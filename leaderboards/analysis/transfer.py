"""The generalization matrix: how much of a training's gain transfers to tasks that it did not train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from faithfulness_metrics import chance
from leaderboards.analysis.aggregate import (
    Pair,
    count_shared,
    estimate_with_draws,
    gain_draws,
    mean_gain,
    measurable_pairs,
    task_gains,
)
from leaderboards.analysis.confidence_intervals import undefined_estimate
from leaderboards.board import Estimate, Settings, Task, Training, Transfer

# What can be new in a task.
KINDS = ("style", "dataset", "budget", "several")


def transfer(
    checkpoint: str, training: Training, pairs: Mapping[str, Pair], tasks: Sequence[Task], settings: Settings
) -> Transfer:
    """Summarize the row of one checkpoint.

    Args:
        checkpoint: id.
        training: of the checkpoint.
        pairs: task id -> results of the checkpoint and of its base, for every task that both have.
        tasks: of the board, without variants.
    """
    pairs_by_kind: dict[str, list[Pair]] = {}
    trained = []
    for task in tasks:
        kind = _what_is_new(task, training)
        if not kind:
            trained.append(task.id)
        if task.id in pairs:
            pairs_by_kind.setdefault(kind, []).append(pairs[task.id])
    on = pairs_by_kind.pop("", [])
    off = [pair for kind_pairs in pairs_by_kind.values() for pair in kind_pairs]
    return Transfer(
        checkpoint=checkpoint,
        label=_training_label(training),
        control=training.control,
        trained=tuple(trained),
        on=mean_gain(on, settings) if on else None,
        off={kind: mean_gain(pairs_by_kind[kind], settings) for kind in KINDS if kind in pairs_by_kind},
        ratio=_transfer_ratio(on, off, settings) if on and off else None,
    )


def _what_is_new(task: Task, training: Training) -> str:
    """One of `KINDS`; "" if the training had the style, the dataset and the budget of the task."""
    trained = {"style": training.styles, "dataset": training.datasets, "budget": training.budget}
    new = [kind for kind, values in trained.items() if getattr(task, kind) not in values]
    return "several" if len(new) > 1 else "".join(new)


def _training_label(training: Training) -> str:
    parts = (training.datasets, training.styles or ("answers only",), training.budget)
    words = [", ".join(part) for part in parts if part]
    if training.trainer:
        words.append(training.trainer)
    if training.control:
        words.append(f"{training.arm} (control)")
    return " · ".join(words) or "unknown data"


def _transfer_ratio(on: Sequence[Pair], off: Sequence[Pair], settings: Settings) -> Estimate:
    """Mean gain over the other tasks, divided by the mean gain over the trained tasks, where both can be measured."""
    on, off = measurable_pairs(on), measurable_pairs(off)
    if not on or not off:
        return undefined_estimate("not measurable on its own tasks, or on all others")
    n = count_shared([*on, *off])
    gain_on, gain_off = mean_gain(on, settings), float(np.mean(task_gains(off)))
    if gain_on.estimate is None or gain_on.low is None or gain_on.low <= 0:
        return undefined_estimate("no gain above 0 on its own tasks, so nothing can transfer", n)
    if not chance.measurable(gain_on.estimate):  # as for ccf: a denominator near 0 gives any number
        return undefined_estimate(f"its own tasks gained less than {chance.HEADROOM}: not measurable", n)
    draws_on, draws_off = gain_draws(on), gain_draws(off)
    ratios = np.divide(draws_off, draws_on, out=np.full_like(draws_on, np.nan), where=draws_on > 0)
    return estimate_with_draws(gain_off / gain_on.estimate, ratios, n, "", settings)
