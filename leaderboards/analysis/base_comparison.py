"""A checkpoint against its base on the same documents of one task: gains, the exact test, drift."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from faithfulness_metrics import drift, statistics
from faithfulness_metrics.bootstrap import complete, intervals
from leaderboards.board import Estimate, Settings, Versus
from leaderboards.estimates import flat, known, made
from leaderboards.task_results import Column


def versus(column: Column, base: Column, settings: Settings) -> Versus | None:
    """A checkpoint against its base: both on the same documents. None where one has no samples."""
    if column.samples is None or base.samples is None:
        return None
    a, b = column.values["faithful"], base.values["faithful"]
    seen = ~(np.isnan(a) | np.isnan(b))
    test = statistics.mcnemar(a[seen].tolist(), b[seen].tolist())
    n = int(seen.sum())
    here, there = (one.samples.frame["prediction"].to_list() for one in (column, base) if one.samples)
    discordant = (test.only_a + test.only_b) / n if n else math.nan
    gain = difference(column, base, "faithful", settings)
    accuracy = difference(column, base, "acc", settings)
    none = Estimate(None, None, None, 0, "not recorded")
    return Versus(
        n=n,
        faithful=gain or none,
        lift=difference(column, base, "lift", settings),
        acc=accuracy or none,
        only_checkpoint=test.only_a,
        only_base=test.only_b,
        p=known(test.p),
        p_holm=None,
        marker="",
        detectable=known(statistics.detectable_difference(n, discordant, alpha=settings.alpha)),
        agreement=known(drift.agreement(here, there)),
        entropy=known(drift.label_entropy(here)),
        entropy_base=known(drift.label_entropy(there)),
        unknown=known(drift.unknown_rate(here)),
        unknown_base=known(drift.unknown_rate(there)),
        unparsed=known(drift.unparsed_rate(here)),
        unparsed_base=known(drift.unparsed_rate(there)),
    )


def difference(column: Column, base: Column, name: str, settings: Settings) -> Estimate | None:
    """Checkpoint minus base in one metric, paired; None where one of them has not recorded it."""
    if name not in column.values or name not in base.values:
        return None
    a, b = column.values[name], base.values[name]
    if np.isnan(a).any() or np.isnan(b).any():
        (left, right), out = complete(a.tolist(), b.tolist())
        found = statistics.difference(left, right, settings.draws, settings.seed, settings.confidence)
        note = f"{out} documents without a value left out"
        if len(left) > 1 and len({x - y for x, y in zip(left, right, strict=True)}) == 1:
            return flat(left[0] - right[0], len(left), note)
        return made(found.estimate, found.low, found.high, len(left), note)
    if len(a) > 1 and bool((a - b == a[0] - b[0]).all()):
        return flat(float(a[0] - b[0]), len(a))
    lows, highs = intervals((column.draws[name] - base.draws[name])[None].astype(np.float64), settings.confidence)
    return made(float(a.mean() - b.mean()), float(lows[0]), float(highs[0]), len(a))


def adjusted(tests: Mapping[str, Versus], settings: Settings) -> dict[str, Versus]:
    """The comparisons of one checkpoint, by task, with Holm's p-values over all of them and markers."""
    p_values = statistics.holm({task: math.nan if one.p is None else one.p for task, one in tests.items()})
    told = {}
    for task, one in tests.items():
        p, gain = p_values[task], one.faithful.estimate
        significant = not math.isnan(p) and p < settings.alpha and gain
        marker = ("better" if gain > 0 else "worse") if significant and gain else ""
        told[task] = replace(one, p_holm=known(p), marker=marker)
    return told
