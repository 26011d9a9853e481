"""Base against trained, per dataset, style and budget, with intervals; and what the demo holds itself to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faithfulness_metrics.statistics import difference, wilson
from faithfulness_metrics.words import key_of

Cells = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True)
class Cell:
    """One task: base, trained and control on the same texts.

    Attributes:
        task: `<dataset>_<style>_<budget>`.
        n: texts.
        base, trained, control: share of faithful explanations; control is nan where there is none.
        base_interval, interval: Wilson, 95 %.
        gain: trained minus base, and its paired-bootstrap interval.
        chance, control_chance: the same for random other words of the text (trained model, control).
        oracle: share of texts where some word would do (trained model).
        valid: share of the trained model's explanations that obey the format.
        acc_change: accuracy, trained minus base.
        shift: share of texts whose prediction differs between base and trained.
    """

    task: str
    n: int
    base: float
    base_interval: tuple[float, float]
    trained: float
    interval: tuple[float, float]
    gain: tuple[float, float, float]
    control: float
    chance: float
    control_chance: float
    oracle: float
    valid: float
    acc_change: float
    shift: float


def read_cells(folder: Path) -> Cells:
    """The columns of an evaluation, by task without the prefix."""
    found: Cells = {}
    for path in sorted(folder.glob("*.json")):
        if path.stem != "manifest":
            told = json.loads(path.read_text("utf-8"))
            found.update({name.removeprefix("faithful_se_"): columns for name, columns in told.items()})
    return found


def compare(base: Cells, trained: Cells, control: Cells | None = None) -> list[Cell]:
    """A cell per task, in the order of `base`."""
    cells = []
    for task, before in base.items():
        after = trained[task]
        assert before["hash"] == after["hash"], f"{task}: other texts"
        n, rate = len(before["hash"]), _mean(after["faithful"])
        gain = difference(after["faithful"], before["faithful"])
        moved = [a != b for a, b in zip(before["prediction"], after["prediction"], strict=True)]
        cells.append(
            Cell(
                task=task,
                n=n,
                base=_mean(before["faithful"]),
                base_interval=wilson(sum(before["faithful"]), n),
                trained=rate,
                interval=wilson(sum(after["faithful"]), n),
                gain=(gain.estimate, gain.low, gain.high),
                control=_mean(control[task]["faithful"]) if control else float("nan"),
                chance=_mean(after["faithful_random"]),
                control_chance=_mean(control[task]["faithful_random"]) if control else float("nan"),
                oracle=_mean(after["faithful_oracle"]),
                valid=_mean(after["valid"]),
                acc_change=_mean(after["acc"]) - _mean(before["acc"]),
                shift=_mean(moved),
            )
        )
    return cells


def rows(cells: Sequence[Cell]) -> Iterator[str]:
    """The Markdown table."""
    yield "| task | base | trained | gain | chance | control | its chance | oracle | valid | acc | shift |"
    yield "|---|---|---|---|---|---|---|---|---|---|---|"
    for c in cells:
        gain = f"{c.gain[0]:+.2f} [{c.gain[1]:+.2f}, {c.gain[2]:+.2f}]"
        yield (
            f"| {c.task} | {_rate(c.base, c.base_interval)} | {_rate(c.trained, c.interval)} | {gain} | "
            f"{c.chance:.2f} | {c.control:.2f} | {c.control_chance:.2f} | {c.oracle:.2f} | {c.valid:.2f} | "
            f"{c.acc_change:+.3f} | {c.shift:.3f} |"
        )


def rates(base: Cells, arms: Mapping[str, Cells]) -> dict[str, dict[str, dict[str, float]]]:
    """Every arm on every task, the base first: task -> arm -> faithful, faithful_random, valid."""
    everyone = {"base": base, **arms}
    keys = ("faithful", "faithful_random", "valid")
    return {
        task: {name: {key: _mean(cells[task][key]) for key in keys} for name, cells in everyone.items()}
        for task in base
    }


def matrix(base: Cells, arms: Mapping[str, Cells]) -> Iterator[str]:
    """Every arm on every task: faithful, base first."""
    yield "| task | base | " + " | ".join(arms) + " |"
    yield "|---|---|" + "---|" * len(arms)
    for task, row in rates(base, arms).items():
        yield f"| {task} | " + " | ".join(f"{cell['faithful']:.2f}" for cell in row.values()) + " |"


def named_shortcuts(cells: Cells, datasets: Sequence[str]) -> dict[str, float]:
    """Of the texts with a planted shortcut, the share where it is the word named (one-word attribution)."""
    found = {}
    for dataset in datasets:
        columns = cells[f"{dataset}_attribution_oneword"]
        pairs = [(n, s) for n, s in zip(columns["named"], columns["shortcut"], strict=True) if s]
        hits = [bool(named) and {key_of(w) for w in named} <= {key_of(w) for w in short} for named, short in pairs]
        found[dataset] = _mean(hits)
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _rate(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.2f} [{interval[0]:.2f}, {interval[1]:.2f}]"
