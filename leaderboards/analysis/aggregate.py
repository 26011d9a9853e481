"""Means over tasks, gains over tasks, and how much of a gain carries over to what was not trained on.

Means are unweighted over tasks. Their intervals come from the tasks' resamples: tasks on the same documents were
resampled together, others independently. What is drawn is a document, so `n` counts different documents: a text in six
tasks once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from faithfulness_metrics import chance
from faithfulness_metrics.bootstrap import Array, intervals
from leaderboards.board import Estimate, Settings, Task, Training, Transfer
from leaderboards.estimates import flat_or_made, made
from leaderboards.task_results import KEPT, Column, distinct

# The groups a reader asks for first.
GROUPS: dict[str, Callable[[Task], bool]] = {
    "all": lambda task: True,
    "in distribution": lambda task: task.trained_on and task.budget == "oneword",
    "several words": lambda task: task.trained_on and task.budget == "multiword",
    "unseen": lambda task: not task.trained_on,
}

_CCF = ("faithful", "faithful_random", "faithful_oracle")


def group_means(
    columns: Mapping[str, Column], tasks: Sequence[Task], settings: Settings
) -> dict[str, dict[str, Estimate]]:
    """group -> metric -> mean over the tasks of the group, for one checkpoint.

    Args:
        columns: task id -> the checkpoint's column.
        tasks: of the board, one per name. Groups without a task are left out; "in distribution" and the others say
            nothing where no checkpoint's training is known.
    """
    found = {}
    known = any(task.trained_on for task in tasks)
    for group, inside in GROUPS.items():
        wanted = [task for task in tasks if inside(task)]
        its = [columns[task.id] for task in wanted if task.id in columns]
        if its and (known or group == "all"):
            note = f"over {len(its)} of {len(wanted)} tasks" if len(its) < len(wanted) else ""
            found[group] = _means(its, note, settings)
    return found


def group_gains(
    pairs: Mapping[str, tuple[Column, Column]], tasks: Sequence[Task], settings: Settings
) -> dict[str, Estimate]:
    """group -> mean gain over the tasks of the group, for the pairs of columns of a checkpoint and its base."""
    known = any(task.trained_on for task in tasks)
    found = {}
    for group, inside in GROUPS.items():
        its = [pairs[task.id] for task in tasks if inside(task) and task.id in pairs]
        if its and (known or group == "all"):
            found[group] = mean_gain(its, settings)
    return found


def _means(columns: Sequence[Column], note: str, settings: Settings) -> dict[str, Estimate]:
    found = {}
    n = distinct((c.documents, c.values.get("faithful")) for c in columns)
    for name in KEPT:
        values = [c.metrics[name].estimate for c in columns if name in c.metrics]
        if len(values) < len(columns) or any(value is None for value in values):
            continue
        found[name] = _interval(_mean(values), _draws(columns, name), n, note, settings)
    if all(name in found for name in _CCF):
        f, r, o = (found[name].estimate or 0.0 for name in _CCF)
        value = chance.ratio_of_means(np.array([[f, r, o]]))[0]
        parts = [_draws(columns, name) for name in _CCF]
        draws = (
            None
            if any(part is None for part in parts)
            else chance.ratio_of_means(np.stack([p for p in parts if p is not None], 1))
        )
        found["ccf"] = (
            Estimate(None, None, None, n, chance.not_measurable(o - r))
            if math.isnan(value)
            else _interval(float(value), draws, n, note, settings)
        )
    return found


def transfer(
    checkpoint: str,
    training: Training,
    pairs: Mapping[str, tuple[Column, Column]],
    tasks: Sequence[Task],
    settings: Settings,
) -> Transfer:
    """The row of a checkpoint in the generalization matrix.

    Args:
        pairs: task id -> columns of the checkpoint and of its base, for every task that both have.
    """
    kinds: dict[str, list[tuple[Column, Column]]] = {}
    trained = []
    for task in tasks:
        new = [
            what
            for what, there in (("style", training.styles), ("dataset", training.datasets), ("budget", training.budget))
            if getattr(task, what) not in there
        ]
        if not new:
            trained.append(task.id)
        if task.id in pairs:
            kinds.setdefault("" if not new else new[0] if len(new) == 1 else "several", []).append(pairs[task.id])
    on = kinds.pop("", [])
    off = [pair for its in kinds.values() for pair in its]
    return Transfer(
        checkpoint=checkpoint,
        label=label_of(training),
        control=training.control,
        trained=tuple(trained),
        on=mean_gain(on, settings) if on else None,
        off={
            kind: mean_gain(kinds[kind], settings)
            for kind in ("style", "dataset", "budget", "several")
            if kind in kinds
        },
        ratio=_ratio(on, off, settings) if on and off else None,
    )


def label_of(training: Training) -> str:
    """What it was trained on, in a few words."""
    parts = (training.datasets, training.styles or ("answers only",), training.budget)
    told = [", ".join(part) for part in parts if part]
    return " · ".join([*told, *([f"{training.arm} (control)"] if training.control else [])]) or "unknown data"


def mean_gain(pairs: Sequence[tuple[Column, Column]], settings: Settings) -> Estimate:
    """Mean over tasks of `faithful`, checkpoint minus base, for the pairs of their columns."""
    return _interval(_mean(_gains(pairs)), _gain_draws(pairs), _documents(pairs), f"over {len(pairs)} tasks", settings)


def _ratio(on: Sequence[tuple[Column, Column]], off: Sequence[tuple[Column, Column]], settings: Settings) -> Estimate:
    n = _documents([*on, *off])
    below, above = mean_gain(on, settings), _mean(_gains(off))
    if below.estimate is None or below.low is None or below.low <= 0:
        return Estimate(None, None, None, n, "no gain above 0 on its own tasks: nothing to carry over")
    if not chance.measurable(below.estimate):  # as for ccf: a hundredth in the denominator makes any number
        return Estimate(None, None, None, n, f"its own tasks gained less than {chance.HEADROOM}: not measurable")
    draws_on, draws_off = _gain_draws(on), _gain_draws(off)
    ratios = None
    if draws_on is not None and draws_off is not None:
        ratios = np.divide(draws_off, draws_on, out=np.full_like(draws_on, np.nan), where=draws_on > 0)
    return _interval(above / below.estimate, ratios, n, "", settings)


def _documents(pairs: Sequence[tuple[Column, Column]]) -> int:
    """Different documents that both have a value for."""
    return distinct((c.documents, c.values["faithful"] - b.values["faithful"]) for c, b in pairs)


def _gains(pairs: Sequence[tuple[Column, Column]]) -> list[float]:
    """Per task, over the documents that both have a value for."""
    return [float(np.nanmean(c.values["faithful"] - b.values["faithful"])) for c, b in pairs]


def _gain_draws(pairs: Sequence[tuple[Column, Column]]) -> Array:
    gains: Array = np.mean([c.draws["faithful"].astype(np.float64) - b.draws["faithful"] for c, b in pairs], axis=0)
    return gains


def _draws(columns: Sequence[Column], name: str) -> Array | None:
    if any(name not in c.draws for c in columns):
        return None
    means: Array = np.mean([c.draws[name] for c in columns], axis=0, dtype=np.float64)
    return means


def _interval(value: float, draws: Array | None, n: int, note: str, settings: Settings) -> Estimate:
    if draws is None:
        without = "no interval: a task without samples"
        return made(value, math.nan, math.nan, n, "; ".join(filter(None, (note, without))))
    lows, highs = intervals(draws[None], settings.confidence)
    return flat_or_made(value, float(lows[0]), float(highs[0]), n, note)


def _mean(values: Sequence[float | None]) -> float:
    return float(np.mean([value for value in values if value is not None]))
