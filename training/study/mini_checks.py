"""What a study of the mini model must show, and whether it does. In the mini world it is known what decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.files import parse_json_object, read_jsonl
from faithfulness_metrics.words import key_of
from lm_eval_tasks.styles import STYLES
from training.study.evaluations import Evaluations, number
from training.study.recipe import BASE
from training.study.stages import Study

if TYPE_CHECKING:
    from leaderboards.board import BaseComparison, Task

# The arms that the checks are about.
WORD, RANDOM = "word", "random"


def checks(results: Evaluations, study: Study) -> Iterator[str]:
    """What must hold, and whether it does: one line a check.

    Most checks are about the one-word tasks of the datasets trained on.
    """
    tasks = results.tasks
    trained = [task for task in tasks if task.dataset in study.recipe.datasets and task.budget == "oneword"]
    yield from _faithfulness_checks(results, trained)
    changes = [number(results.versus(WORD, task.id).acc) for task in tasks]
    change = max(changes, key=abs)
    yield _line(abs(change) <= 0.02, f"accuracy within .02 of the base (largest change: {change:+.3f})")
    shifts = {task.id: _shift(results.versus(WORD, task.id)) for task in trained}
    task = max(shifts, key=shifts.__getitem__)
    yield _line(shifts[task] <= 0.02, f"at most .02 of the answers changed (most: {task}, {shifts[task]:.3f})")
    yield _shortcut_check(results, study, WORD, "trained", lambda share: share >= 0.9)
    yield _shortcut_check(results, study, BASE, "base", lambda share: share <= 0.3)


def _faithfulness_checks(results: Evaluations, tasks: Sequence[Task]) -> Iterator[str]:
    naming = [task.id for task in tasks if not STYLES[task.style].WANTS_TARGET]
    editing = [task.id for task in tasks if STYLES[task.style].WANTS_TARGET]
    pairs = [(results.rate(WORD, task), results.rate(WORD, task, "faithful_oracle")) for task in naming]
    ratio = min(faithful / max(oracle, 1e-9) for faithful, oracle in pairs)
    yield _line(ratio >= 0.8, f"attribution and redaction reach .8 of the oracle (lowest: {ratio:.2f})")

    rates = {task: (results.rate(BASE, task), results.rate(WORD, task)) for task in editing}
    worst = min(rates, key=lambda task: max(rates[task][1] / 0.6, rates[task][1] / max(2 * rates[task][0], 1e-9)))
    base, trained = rates[worst]
    holds = trained >= 0.6 or trained >= 2 * base
    yield _line(holds, f"counterfactual at least .6, or doubled (lowest: {worst}, {base:.2f} to {trained:.2f})")

    lifts = {task: results.rate(RANDOM, task) - results.rate(RANDOM, task, "faithful_random") for task in naming}
    task = max(lifts, key=lifts.__getitem__)
    yield _line(
        lifts[task] <= 0.1, f"trained on random words, explanations stay near chance (most: {task}, {lifts[task]:+.2f})"
    )


def _shortcut_check(results: Evaluations, study: Study, arm: str, model: str, holds: Callable[[float], bool]) -> str:
    shares = {}
    for dataset in study.recipe.datasets:
        cell = results.cells[arm, f"{dataset}_attribution_oneword"]
        shares[dataset] = shortcut_share(study.out / "results" / Path(*Path(cell.file).parts[-3:]))
    text = ", ".join(f"{dataset} {share:.2f}" for dataset, share in shares.items())
    return _line(all(map(holds, shares.values())), f"the {model} model names the planted shortcut: {text}")


def shortcut_share(samples: Path) -> float:
    """Of the texts with a planted shortcut, the share whose explanation names the shortcut and nothing else."""
    named = []
    for row in read_jsonl(samples):
        shortcut = {key_of(word) for word in row["doc"].get("shortcut", [])}
        if shortcut:
            transcript = parse_json_object(row["filtered_resps"][0]) or {}
            words = {key_of(word) for word in (transcript["explanation"] or {}).get("words", [])}
            named.append(bool(words) and words <= shortcut)
    return sum(named) / len(named) if named else float("nan")


def _shift(versus: BaseComparison) -> float:
    return float("nan") if versus.agreement is None else 1 - versus.agreement


def _line(holds: bool, text: str) -> str:
    return f"{'holds' if holds else 'MISSED':<7} {text}"
