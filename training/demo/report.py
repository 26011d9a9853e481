"""The report of a demo, written from `board.json`: faithful explanations of every arm, and the checks at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.files import parse_json_object, read_jsonl, write_atomic
from faithfulness_metrics.words import key_of
from lm_eval_tasks.styles import STYLES
from training.demo.plan import RANDOM, WORD
from training.demo.runner import ENVIRONMENT
from training.demo.stages import Demo

if TYPE_CHECKING:
    from leaderboards.board import BaseComparison, Board, Cell, Estimate, Task

BASE = "base"

ABOUT = """\
Share of texts whose explanation is faithful: acting on it changes the answer as it should. base is the mini model as it
came, word is trained on the words that the attribution found, random on random words. chance is the share that random
words of the text reach in the model of word; oracle is the share of texts where some word works. Intervals and tests:
  faithful-se compare base word --board {board}"""


@dataclass(frozen=True)
class Evaluations:
    """The tasks of a board, and its cells by arm and task."""

    tasks: tuple[Task, ...]
    cells: dict[tuple[str, str], Cell]

    @classmethod
    def of(cls, board: Board) -> Evaluations:
        """The cells of a demo's board; the arm is the name of the folder that an evaluation was written to."""
        arms = {checkpoint.id: Path(checkpoint.files[0]).parts[-3] for checkpoint in board.checkpoints}
        return cls(board.tasks, {(arms[cell.checkpoint], cell.task): cell for cell in board.cells})

    def rate(self, arm: str, task: str, metric: str = "faithful") -> float:
        """A metric of an arm on a task."""
        return _number(self.cells[arm, task].metrics[metric])

    def versus(self, task: str) -> BaseComparison:
        """The arm `word` against the base."""
        versus = self.cells[WORD.name, task].versus
        assert versus is not None, f"{task}: word and base have no texts in common"
        return versus


def write_report(demo: Demo, heading: str) -> str:
    """Write `README.md` from the complete board of a demo; returns the text to print, without the commands."""
    from leaderboards.board_json import load

    path = demo.out / "board" / "board.json"
    results = Evaluations.of(load(path))
    text = "\n".join([heading, "", *table(results, demo), "", ABOUT.format(board=path), "", *checks(results, demo)])
    exports = [f"export {name}={value}" for name, value in ENVIRONMENT.items()]
    commands = [stage.typed() for stage in demo.stages()]
    write_atomic(demo.out / "README.md", [f"# {text}", "", "The commands:", "", "```", *exports, *commands, "```"])
    return text


def table(results: Evaluations, demo: Demo) -> Iterator[str]:
    """The share of faithful explanations of every arm on every task, in Markdown."""
    arms = [BASE, *(arm.name for arm in demo.size.arms)]
    yield f"| task | {' | '.join(arms)} | chance | oracle |"
    yield "|---" * (len(arms) + 3) + "|"
    for task in results.tasks:
        rates = [results.rate(arm, task.id) for arm in arms]
        rates += [results.rate(WORD.name, task.id, metric) for metric in ("faithful_random", "faithful_oracle")]
        yield f"| {task.id} | " + " | ".join(f"{rate:.2f}" for rate in rates) + " |"


def checks(results: Evaluations, demo: Demo) -> Iterator[str]:
    """What the demo must show, and whether it does: one line a check.

    Most checks are about the one-word tasks of the datasets trained on.
    """
    tasks = results.tasks
    trained = [task for task in tasks if task.dataset in demo.size.trained and task.budget == "oneword"]
    yield from _faithfulness_checks(results, trained)
    changes = [_number(results.versus(task.id).acc) for task in tasks]
    change = max(changes, key=abs)
    yield _line(abs(change) <= 0.02, f"accuracy within .02 of the base (largest change: {change:+.3f})")
    shifts = {task.id: _shift(results.versus(task.id)) for task in trained}
    task = max(shifts, key=shifts.__getitem__)
    yield _line(shifts[task] <= 0.02, f"at most .02 of the answers changed (most: {task}, {shifts[task]:.3f})")
    yield _shortcut_check(results, demo, WORD.name, "trained", lambda share: share >= 0.9)
    yield _shortcut_check(results, demo, BASE, "base", lambda share: share <= 0.3)


def _faithfulness_checks(results: Evaluations, tasks: Sequence[Task]) -> Iterator[str]:
    naming = [task.id for task in tasks if not STYLES[task.style].WANTS_TARGET]
    editing = [task.id for task in tasks if STYLES[task.style].WANTS_TARGET]
    pairs = [(results.rate(WORD.name, task), results.rate(WORD.name, task, "faithful_oracle")) for task in naming]
    ratio = min(faithful / max(oracle, 1e-9) for faithful, oracle in pairs)
    yield _line(ratio >= 0.8, f"attribution and redaction reach .8 of the oracle (lowest: {ratio:.2f})")

    rates = {task: (results.rate(BASE, task), results.rate(WORD.name, task)) for task in editing}
    worst = min(rates, key=lambda task: max(rates[task][1] / 0.6, rates[task][1] / max(2 * rates[task][0], 1e-9)))
    base, trained = rates[worst]
    holds = trained >= 0.6 or trained >= 2 * base
    yield _line(holds, f"counterfactual at least .6, or doubled (lowest: {worst}, {base:.2f} to {trained:.2f})")

    lifts = {
        task: results.rate(RANDOM.name, task) - results.rate(RANDOM.name, task, "faithful_random") for task in naming
    }
    task = max(lifts, key=lifts.__getitem__)
    yield _line(
        lifts[task] <= 0.1, f"trained on random words, explanations stay near chance (most: {task}, {lifts[task]:+.2f})"
    )


def _shortcut_check(results: Evaluations, demo: Demo, arm: str, model: str, holds: Callable[[float], bool]) -> str:
    shares = {}
    for dataset in demo.size.trained:
        cell = results.cells[arm, f"{dataset}_attribution_oneword"]
        shares[dataset] = shortcut_share(demo.out / "results" / Path(*Path(cell.file).parts[-3:]))
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


def _number(estimate: Estimate | None) -> float:
    return float("nan") if estimate is None or estimate.estimate is None else estimate.estimate


def _line(holds: bool, text: str) -> str:
    return f"{'holds' if holds else 'MISSED':<7} {text}"
