"""The numbers of one task: every checkpoint with intervals, and against its base on the same documents.

Every number and test is one of `faithfulness_metrics`. All checkpoints of a task have the same documents in the same
order and share their bootstrap resamples, seeded by the documents: differences, means over tasks and ratios are made
from the same draws, so documents that several tasks share are drawn together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faithfulness_metrics import chance, drift, flips, statistics
from faithfulness_metrics.bootstrap import Array, complete, intervals, resampled_means
from faithfulness_metrics.words import seed_of
from leaderboards.board import Cell, Estimate, Settings, Versus
from leaderboards.results import Run
from leaderboards.samples import Samples
from leaderboards.sheets import Taken

# What means over tasks and gains are made of: their resampled means are kept.
KEPT = ("faithful", "valid", "acc", "faithful_random", "lift", "faithful_oracle")

# Can be negative: never a rate, even where all its values happen to be 0 or 1.
_SIGNED = ("lift",)

# Numbers held at once: columns x documents.
_BLOCK = 20_000_000


@dataclass(frozen=True)
class Column:
    """One checkpoint on one task.

    Attributes:
        row: index of the checkpoint.
        samples: None where only means are known.
        values: metric -> [n_documents], nan where undefined.
        draws: metric of `KEPT` -> resampled means, [draws].
        metrics: metric -> Estimate.
        rules: rule -> Estimate.
    """

    row: int
    run: Run
    samples: Samples | None
    values: dict[str, Array]
    draws: dict[str, Array]
    metrics: dict[str, Estimate]
    rules: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis:
    """All checkpoints of a task: what is left when the documents' columns are given free.

    Attributes:
        keys: of the documents, in their order; empty where nobody has samples.
        columns: row -> column, without samples and with `faithful` as its only values.
        versus: row -> against its base, before Holm.
    """

    keys: tuple[str, ...]
    columns: dict[int, Column]
    versus: dict[int, Versus]


def analyse(digest: str, taken: Sequence[Taken], bases: Sequence[int | None], settings: Settings) -> Analysis:
    """The numbers of one task on one set of documents. `bases`: row -> row of its base."""
    columns = {column.row: column for column in columns_of(digest, taken, settings)}
    compared = {}
    for row, column in columns.items():
        base = bases[row]
        if base is not None and base in columns and (one := versus(column, columns[base], settings)):
            compared[row] = one
    keys = next((tuple(one.samples.frame["key"].to_list()) for one in taken if one.samples), ())
    slim = {
        row: replace(
            column,
            samples=None,
            values={name: values for name, values in column.values.items() if name == "faithful"},
            rules=rules(column, settings),
        )
        for row, column in columns.items()
    }
    return Analysis(keys, slim, compared)


def columns_of(digest: str, taken: Sequence[Taken], settings: Settings) -> list[Column]:
    """The columns of a task: values, resamples, estimates."""
    seed = seed_of(digest, str(settings.seed))
    columns: list[Column] = []
    block: list[Taken] = []
    for one in taken:
        if one.samples is None:
            columns.append(_reported(one, settings))
            continue
        block.append(one)
        cells = sum(len(t.samples.metrics) * len(t.samples.frame) for t in block if t.samples)
        if cells > _BLOCK:
            columns += _drawn(block, seed, settings)
            block = []
    columns += _drawn(block, seed, settings)
    return sorted(columns, key=lambda column: column.row)


def _drawn(block: Sequence[Taken], seed: int, settings: Settings) -> list[Column]:
    if not block:
        return []
    values = [
        {name: one.samples.frame[name].to_numpy().astype(np.float64) for name in one.samples.metrics}
        for one in block
        if one.samples
    ]
    draws = resampled_means(np.array([v for its in values for v in its.values()]), settings.draws, seed)
    lows, highs = intervals(draws, settings.confidence)
    columns, at = [], 0
    for one, its in zip(block, values, strict=True):
        places = {name: at + k for k, name in enumerate(its)}
        at += len(its)
        metrics = {
            name: _estimate(name, v, lows[places[name]], highs[places[name]], settings) for name, v in its.items()
        }
        kept = {name: draws[places[name]] for name in KEPT if name in its}
        if {"faithful", "faithful_random", "faithful_oracle"} <= set(its):
            metrics["ccf"] = _ccf(its, kept, settings)
        if "valid" in its:
            metrics["faithful_given_valid"] = _given_valid(its["faithful"], its["valid"], settings)
        kept = {name: value.astype(np.float32) for name, value in kept.items()}
        columns.append(Column(one.row, one.run, one.samples, its, kept, metrics))
    return columns


def _reported(one: Taken, settings: Settings) -> Column:
    """Without samples: means as reported; an interval where the mean is a rate of yes and no."""
    n = one.run.n or 0
    metrics = {}
    for name, value in one.run.reported.items():
        low, high = (
            statistics.wilson(value * n, n, settings.confidence)
            if name in ("faithful", "valid", "acc")
            else (math.nan,) * 2
        )
        metrics[name] = made(value, low, high, n, "mean as reported, no samples")
    return Column(one.row, one.run, None, {}, {}, metrics)


def cell(column: Column, task: str, checkpoint: str, versus: Versus | None) -> Cell:
    """The cell of the board."""
    values = column.values.get("faithful")
    return Cell(
        checkpoint=checkpoint,
        task=task,
        date=column.run.date,
        file=str(column.run.samples or column.run.file),
        metrics=column.metrics,
        rules=column.rules,
        missing=0 if values is None else int(np.isnan(values).sum()),
        versus=versus,
    )


def rules(column: Column, settings: Settings) -> dict[str, Estimate]:
    """The same answers under other rules (metrics.md, section 1).

    strict: the headline. given valid: over valid explanations only. abstention counted: besides, a valid explanation
    after which the answer is "unknown" or cannot be read. madsen: where that rule says something: "unknown" is offered,
    or a label is "neutral", or the explanation is a counterfactual.
    """
    found = {"strict": column.metrics["faithful"]}
    if column.samples is None or "valid" not in column.values:
        return found
    found["given valid"] = column.metrics["faithful_given_valid"]
    frame, options = column.samples.frame, column.run.options
    offered, style = [str(label) for label in options["labels"]], str(options["style"])
    kinds = frame.group_by(["faithful", "valid", "prediction", "after", "gold"]).len().rows()
    counted = [
        (max(faithful, float(bool(valid) and prediction is not None and after in (None, flips.UNKNOWN))), n)
        for faithful, valid, prediction, after, _, n in kinds
        if faithful is not None
    ]
    found["abstention counted"] = _weighted(counted, settings)
    named = options.get("unknown") or {flips.UNKNOWN, flips.NEUTRAL} & set(offered)
    if (named and style in ("attribution", "redaction")) or style == "counterfactual":
        labels = [label for label in offered if label != flips.UNKNOWN]
        judged = [
            (flips.madsen(style, prediction, after, gold if gold in labels else None, labels), n)
            for _, _, prediction, after, gold, n in kinds
        ]
        kept = [(value, n) for value, n in judged if not math.isnan(value)]
        found["madsen"] = _weighted(kept, settings)
    return found


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
        return made(found.estimate, found.low, found.high, len(left), f"{out} documents without a value left out")
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


def _estimate(name: str, values: Array, low: float, high: float, settings: Settings) -> Estimate:
    defined = values[~np.isnan(values)]
    n = len(defined)
    if not n:
        return Estimate(None, None, None, 0, "not defined for any document")
    mean = float(defined.mean())
    note = f"defined for {n} of {len(values)} documents" if n < len(values) else ""
    if name not in _SIGNED and ((defined == 0) | (defined == 1)).all():
        low, high = statistics.wilson(float(defined.sum()), n, settings.confidence)
    elif (defined == defined[0]).all():
        note = "; ".join(filter(None, (note, "the same in every document: the interval knows no spread")))
    return made(mean, float(low), float(high), n, note)


def _ccf(values: Mapping[str, Array], draws: Mapping[str, Array], settings: Settings) -> Estimate:
    names = ("faithful", "faithful_random", "faithful_oracle")
    columns, _ = complete(*(values[name].tolist() for name in names))
    n = len(columns[0])
    if not n:
        return Estimate(None, None, None, 0, "not defined for any document")
    if math.isnan(value := chance.ccf(*columns)):
        return Estimate(None, None, None, n, chance.not_measurable(chance.headroom(*columns[1:])))
    if n < len(values["faithful"]):
        f, r, o = columns
        found = chance.ccf_interval(f, r, o, settings.draws, settings.seed, settings.confidence)
        return made(value, found.low, found.high, n)
    ratios = chance.ratio_of_means(np.stack([draws[name] for name in names], axis=1))
    lows, highs = intervals(ratios[None], settings.confidence)
    return made(value, float(lows[0]), float(highs[0]), n)


def _given_valid(faithful: Array, valid: Array, settings: Settings) -> Estimate:
    (f, v), _ = complete(faithful.tolist(), valid.tolist())
    mean, n = flips.faithful_given_valid(f, v)
    if not n:
        return Estimate(None, None, None, 0, "no valid explanation")
    low, high = statistics.wilson(mean * n, n, settings.confidence)
    return made(mean, low, high, n)


def _weighted(kinds: Sequence[tuple[float, int]], settings: Settings) -> Estimate:
    n = sum(count for _, count in kinds)
    if not n:
        return Estimate(None, None, None, 0, "no document that this rule counts")
    total = sum(value * count for value, count in kinds)
    low, high = statistics.wilson(total, n, settings.confidence)
    return made(total / n, low, high, n)


def made(value: float, low: float, high: float, n: int, note: str = "") -> Estimate:
    """An Estimate whose nan are None."""
    if not math.isnan(value) and math.isnan(low):
        note = note or ("one document has no interval" if n < 2 else "no interval")
    return Estimate(known(value), known(low), known(high), n, note)


def known(value: float) -> float | None:
    """None for nan."""
    return None if math.isnan(value) else float(value)
