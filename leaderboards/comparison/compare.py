"""Two sides on the documents that both have: the numbers of `faithful-se compare`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from leaderboards import samples, select_runs
from leaderboards.aggregate import mean_gain
from leaderboards.base_comparison import adjusted, versus
from leaderboards.board import Estimate, Settings, Versus
from leaderboards.runs import Run
from leaderboards.samples import Samples
from leaderboards.select_runs import Taken
from leaderboards.task_columns import Found, tasks_of
from leaderboards.task_results import Column, columns_of


@dataclass(frozen=True)
class Changed:
    """A document on which only one side is faithful.

    Attributes:
        faithful: "A" or "B".
        text: the fields, one after the other.
        a, b: the words named, what was answered before and after.
    """

    key: str
    faithful: str
    text: str
    a: Named
    b: Named


@dataclass(frozen=True)
class Named:
    """What one side said about a document."""

    words: tuple[str, ...]
    prediction: str | None
    after: str | None


@dataclass(frozen=True)
class Pair:
    """One task on both sides.

    Attributes:
        n_a, n_b: documents of each side; those in common are `versus.n`.
        a, b: metric -> Estimate on the documents in common.
        differ: documents in common on which any metric has another value: between two runs of one model, the noise.
        versus: B minus A. `only_checkpoint` counts documents where only B is faithful.
        changed: examples, not all.
    """

    task: str
    n_a: int
    n_b: int
    a: dict[str, Estimate]
    b: dict[str, Estimate]
    differ: int
    versus: Versus
    changed: tuple[Changed, ...]


@dataclass(frozen=True)
class Comparison:
    """All tasks of both sides, and what could not be compared."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    mean: Estimate | None
    notes: tuple[str, ...]


def compare(a: tuple[str, Sequence[Run]], b: tuple[str, Sequence[Run]], settings: Settings) -> Comparison:
    """Side B against side A, each (name, runs). `settings.cards` is the number of examples per task and direction."""
    notes: list[str] = []
    found: dict[str, tuple[Taken, Taken, Column, Column]] = {}
    its = [_newest(runs, notes) for _, runs in (a, b)]
    shared = sorted(sheet for sheet in its[0] if sheet in its[1])
    named = []
    for sheet in shared:
        left, right = its[0][sheet], its[1][sheet]
        if left.samples is None or right.samples is None:
            notes.append(f"{sheet[0]}: not compared, one side has no samples (--log_samples).")
            continue
        keys = set(left.samples.frame["key"].to_list()) & set(right.samples.frame["key"].to_list())
        if not keys:
            notes.append(f"{sheet[0]}: not compared, no document in common.")
            continue
        digest = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()
        pair = [replace(one, samples=_only(one.samples, keys, digest)) for one in (left, right) if one.samples]
        columns = columns_of(digest, [replace(one, row=row) for row, one in enumerate(pair)], settings)
        found[digest + str(sheet)] = (left, right, columns[0], columns[1])
        named.append((digest + str(sheet), Found.of(sheet, digest, pair)))
    notes += _unshared(its)
    tasks, _ = tasks_of([one for _, one in named], [])
    by_place = {(one.sheet, one.digest): key for key, one in named}
    order = {task.id: by_place[one.sheet, one.digest] for task, one in tasks}
    tests = {}
    for name, key in order.items():
        if one := versus(found[key][3], found[key][2], settings):
            tests[name] = one
    tests = adjusted(tests, settings)
    pairs = []
    for name, one in tests.items():
        left, right, first, second = found[order[name]]
        assert left.samples is not None and right.samples is not None
        pairs.append(
            Pair(
                task=name,
                n_a=len(left.samples.frame),
                n_b=len(right.samples.frame),
                a=first.metrics,
                b=second.metrics,
                differ=_unlike(first, second),
                versus=one,
                changed=tuple(_changed(first, second, settings.cards)),
            )
        )
    both = [(found[order[name]][3], found[order[name]][2]) for name in tests]
    return Comparison(
        a[0], b[0], tuple(pairs), mean_gain(both, settings) if both else None, tuple(dict.fromkeys(notes))
    )


def _unlike(a: Column, b: Column) -> int:
    """Documents on which any metric of both differs; missing on both sides is equal."""
    shared = [(a.values[name], b.values[name]) for name in a.values if name in b.values]
    unlike = [(first != second) & ~(np.isnan(first) & np.isnan(second)) for first, second in shared]
    return int(np.any(unlike, axis=0).sum()) if unlike else 0


def _newest(runs: Sequence[Run], notes: list[str]) -> dict[select_runs.Sheet, Taken]:
    """The newest complete run of each sheet; with other numbers of documents (--limit), the one with most."""
    found: dict[select_runs.Sheet, Taken] = {}
    for reading in select_runs.read_all(select_runs.sheets_of([runs])):
        notes += [f"{one.path}: {one.reason}" for one in reading.skipped]
        notes += select_runs.summed(reading.odd)
        its = [one for taken in reading.columns.values() for one in taken]
        if its:
            found[reading.sheet] = max(its, key=lambda one: (one.samples is not None, one.run.n or 0, one.run.date))
    return found


def _only(read: Samples, keys: set[str], digest: str) -> Samples:
    import polars as pl

    return replace(read, frame=read.frame.filter(pl.col("key").is_in(list(keys))), digest=digest)


def _unshared(its: Sequence[dict[select_runs.Sheet, Taken]]) -> list[str]:
    """Tasks of one side only, or of both with other options."""
    names = [{sheet[0] for sheet in side} for side in its]
    told = []
    for name in sorted(names[0] & names[1]):
        if not {sheet for sheet in its[0] if sheet[0] == name} & set(its[1]):
            sides = [next(one for sheet, one in side.items() if sheet[0] == name).run for side in its]
            told.append(f"{name}: not compared, {_differ(*sides)}.")
    for side, other, letter in ((0, 1, "A"), (1, 0, "B")):
        if alone := sorted(names[side] - names[other]):
            shown = ", ".join(alone[:5]) + (", …" if len(alone) > 5 else "")
            told.append(f"{len(alone)} tasks only in {letter}: {shown}.")
    return told


def _differ(a: Run, b: Run) -> str:
    if a.version != b.version:
        return f"version {a.version:g} against {b.version:g}"
    names = sorted(
        name for name in {*a.options, *b.options} if a.options.get(name) != b.options.get(name) and name != "data"
    )
    return ", ".join(f"{name} {a.options.get(name)} against {b.options.get(name)}" for name in names)


def _changed(a: Column, b: Column, most: int) -> list[Changed]:
    """Documents where only one side is faithful, in the order of their keys, at most `most` a side."""
    if a.samples is None or b.samples is None or a.run.samples is None or b.run.samples is None:
        return []
    keys = a.samples.frame["key"].to_list()
    before, after = a.values["faithful"], b.values["faithful"]
    lost = np.flatnonzero((before == 1) & (after == 0))[:most]
    won = np.flatnonzero((before == 0) & (after == 1))[:most]
    wanted = [keys[i] for i in (*lost, *won)]
    told = [samples.transcripts(path, wanted) for path in (a.run.samples, b.run.samples)]
    found = []
    for letter, places in (("A", lost), ("B", won)):
        for key in (keys[i] for i in places):
            if key in told[0] and key in told[1]:
                text = " | ".join(str(value) for value in (told[0][key].get("fields") or {}).values())
                found.append(Changed(key.split(":")[0], letter, text, *(_named(side[key]) for side in told)))
    return found


def _named(transcript: dict[str, object]) -> Named:
    def part(name: str) -> dict[str, object]:
        value = transcript.get(name)
        return value if isinstance(value, dict) else {}

    words, labels = part("explanation").get("words"), (part("prediction").get("label"), part("perturbed").get("label"))
    prediction, after = (None if label is None else str(label) for label in labels)
    return Named(tuple(map(str, words)) if isinstance(words, list) else (), prediction, after)
