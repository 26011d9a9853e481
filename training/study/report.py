"""The report of a study, written from `board.json`: faithful explanations of every arm, the commands, the times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path

from faithful_se.files import parse_json_object, write_atomic
from training.study.evaluations import Evaluations
from training.study.folder import PLAN, StudyFolder
from training.study.mini_checks import checks
from training.study.recipe import BASE, MINI
from training.study.run import environment
from training.study.stage import Stage
from training.study.stages import Study
from training.study.terminal_report import first_arm, in_order, terminal_report

ABOUT = """\
Share of texts whose explanation is faithful: acting on it changes the answer as it should. base is {base}
before this training.{arms}
chance is the share that random words of the text reach in the model of {first}; oracle is the share of texts where some
word works. Intervals and tests:
  faithful-se compare base {first} --board {board}"""


# In place of the checks of a study that is too small for them.
NOT_CHECKED = "So few texts show that everything runs, not what a training reaches: no check is made."


def write_report(folder: StudyFolder, heading: str, *, quick: bool = False) -> str:
    """Write `README.md` from the complete board of a study; returns what to print: checks, verdict, table.

    Args:
        folder: of the study.
        heading: of the report.
        quick: whether the study is too small for the checks of the mini world, which are then left out.
    """
    from leaderboards.board_json import load
    from leaderboards.verdict import verdict

    study, path = folder.study, folder.path / "board" / "board.json"
    board = load(path)
    results = Evaluations.of(board)
    passed = [] if study.recipe.model != MINI else [NOT_CHECKED] if quick else list(checks(results, study))
    text = [heading, "", " ".join(verdict(board).sentences), "", *table(results, study), "", _about(study, path)]
    text += ["", *passed] if passed else []
    commands = ["The commands:", "", "```", *exports(study), *(stage.typed() for stage in folder.stages), "```"]
    times = ["Seconds of each stage:", "", *times_table(folder)]
    write_atomic(folder.path / "README.md", ["# " + "\n".join(text), "", *commands, "", *times])
    return "\n".join([*passed, *([""] if passed else []), heading, "", terminal_report(board, study)])


def exports(study: Study) -> Iterator[str]:
    """The environment of the commands, as lines of a shell."""
    for name, value in environment(study.recipe).items():
        yield f"export {name}={value}"


def table(results: Evaluations, study: Study) -> Iterator[str]:
    """The share of faithful explanations of every arm on every task, in Markdown."""
    arms = [BASE, *study.arms]
    yield f"| task | {' | '.join(arms)} | chance | oracle |"
    yield "|---" * (len(arms) + 3) + "|"
    for task in in_order(results.tasks, study):
        rates = [results.rate(arm, task.id) for arm in arms]
        rates += [results.rate(first_arm(study), task.id, metric) for metric in ("faithful_random", "faithful_oracle")]
        yield f"| {task.id} | " + " | ".join("" if isnan(rate) else f"{rate:.2f}" for rate in rates) + " |"


def times_table(folder: StudyFolder) -> Iterator[str]:
    """How long each stage took, beside the plan where there was one, in Markdown."""
    names, file = [stage.name for stage in folder.stages], folder.path / PLAN
    seconds = {stage.name: record["seconds"] for stage in folder.stages if (record := folder.record(stage))}
    plan = (parse_json_object(file.read_bytes()) if file.is_file() else None) or {}
    planned = {stage["name"]: float(stage["seconds"]) for stage in plan.get("stages", [])}
    yield "| stage | seconds |" + (" planned |" if planned else "")
    yield "|---|--:|" + ("--:|" if planned else "")
    for name in names:
        took = f"{seconds[name]:.0f}" if name in seconds else ""
        yield f"| {name} | {took} |" + (f" {planned[name]:.0f} |" if name in planned else " |" if planned else "")
    if both := [name for name in names if name in seconds and name in planned]:
        yield f"| together | {sum(seconds[name] for name in both):.0f} | {sum(planned[name] for name in both):.0f} |"


def _about(study: Study, board: Path) -> str:
    purposes = {name: study.recipe.arms[arm].get("purpose", "") for name, (arm, _) in study.arms.items()}
    arms = "".join(f"\n{name}: {purpose}." for name, purpose in purposes.items() if purpose)
    first = first_arm(study)
    base = "the mini model" if study.recipe.model == MINI else study.recipe.model
    return ABOUT.format(base=base, arms=arms, first=first, board=board)


def command_lines(stages: Sequence[Stage], study: Study) -> Iterator[str]:
    """All commands of a study for a shell or a scheduler, with what each of them needs."""
    yield from exports(study)
    for stage in stages:
        needs = f", after {', '.join(stage.after)}" if stage.after else ""
        yield f"# {stage.name}{needs}"
        yield f"{stage.typed()} && touch {stage.done}" if stage.marked else stage.typed()
