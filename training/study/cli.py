"""`faithful-se study`: a whole study from one recipe, before and after training.

It tunes the model if the recipe says so, and finds the word that each answer depends on. It builds verified
explanations, trains every arm on them, evaluates every checkpoint, and makes the board. Each stage is a command of this
package or lm_eval. The same command resumes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from faithful_se.attribute_helps import attribute_helps
from training.study.recipe import Evaluate, Explainers, Recipe

if TYPE_CHECKING:
    from training.study.folder import StudyFolder
    from training.study.stage import Stage

QUICK = "quick"  # the size of a recipe that only shows that everything runs

EXAMPLES = """\
examples:
  faithful-se study mini/study.yaml --out runs/demo
  faithful-se study recipes/smollm2/study.yaml --model DIR --data DIR --out runs/smollm2 --plan
  faithful-se study RECIPE.yaml --out runs/study --arm word        (a job of a scheduler: one arm)

keys of a recipe:
{recipe}

keys of evaluate:
{evaluate}

keys of explainers:
{explainers}

docs/study.md has examples."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "faithful-se study",
        description=__doc__,
        epilog=EXAMPLES.format(recipe=_keys(Recipe), evaluate=_keys(Evaluate), explainers=_keys(Explainers)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("recipe", metavar="RECIPE", help="YAML file, or a recipe of this package: mini/study.yaml, …")
    p.add_argument("--out", type=Path, required=True, help="folder to write to, or to resume in")
    p.add_argument("--model", help="in place of the recipe's model: folder or hub name")
    p.add_argument("--data", help="in place of the recipe's data: hub, mini or a folder")
    p.add_argument("--seed", type=int, help="in place of the recipe's seeds: this one alone")
    p.add_argument("--size", default="", help="one of the recipe's sizes")
    p.add_argument(
        "--stage", nargs="+", default=[], metavar="STAGE", help="only these stages; sft stands for all sft-…"
    )
    p.add_argument("--arm", nargs="+", default=[], metavar="ARM", help="only the stages of these arms")
    action = p.add_mutually_exclusive_group()
    action.add_argument(
        "--plan", action="store_true", help="measure a first batch, and print stages, calls, tokens and hours"
    )
    action.add_argument("--print-commands", action="store_true", help="print all commands, for a scheduler")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    arguments = parser().parse_args(sys.argv[1:] if argv is None else argv)

    from training.study.report import command_lines
    from training.study.run import select

    folder = open_study(
        arguments.recipe, arguments.out, arguments.size,
        model=arguments.model, data=arguments.data, seed=arguments.seed,
    )  # fmt: skip
    stages = select(folder.stages, arguments.stage, arguments.arm)
    if arguments.print_commands:
        folder.prepare()  # the commands read files in it
        print("\n".join(command_lines(stages, folder.study)))
    elif arguments.plan:
        from training.study.plan import make_plan

        folder.prepare()
        print(make_plan(folder, stages))
    else:
        run_study(folder, stages, folder.study.title, quick=arguments.size == QUICK)
    return 0


def open_study(
    name: str, out: Path, size: str = "", *, model: str | None = None, data: str | None = None, seed: int | None = None
) -> StudyFolder:
    """The folder of a study, checked: recipe, options of all commands, stages that are complete already.

    Raises:
        UsageError: a mistake in the recipe, or the folder is of another study.
    """
    from faithful_se.errors import UsageError
    from training.study.check import check_commands
    from training.study.folder import StudyFolder
    from training.study.read_recipe import find_recipe, read_recipe
    from training.study.stages import Study

    if "," in str(out):
        raise UsageError(f"--out {out}: lm_eval ends an argument at a comma; give a folder without one")
    file = find_recipe(name)
    recipe = read_recipe(file, size, model=model, data=data, seeds=None if seed is None else [seed])
    check_commands(recipe, str(file))
    folder = StudyFolder(Study(out, recipe), file)
    folder.check()
    return folder


def run_study(folder: StudyFolder, stages: list[Stage], heading: str, *, quick: bool = False) -> None:
    """Run stages, and write the report once all stages of the study are complete; `quick` as `write_report` has it."""
    from faithful_se.termination import terminated_as_exception
    from training.study.progress import Display
    from training.study.report import write_report
    from training.study.run import run_stages

    display, started = Display(), time.monotonic()
    folder.prepare()
    with terminated_as_exception():  # `kill` ends the running stages too, as Ctrl-C does
        run_stages(folder, stages, folder.study.recipe, display)
    if missing := [stage.name for stage in folder.stages if not stage.done.is_file()]:
        display.line(f"\nleft to run: {', '.join(missing)}")
        return
    display.line("\n" + write_report(folder, heading, quick=quick))
    display.line(f"\n{folder.path}/README.md: this table and all commands; {time.monotonic() - started:.0f} s")
    display.line(f"Every text on one page: {folder.stages[-1].done.absolute().as_uri()}")


def _keys(section: type) -> str:
    lines = (
        fill(text, 120, initial_indent=f"  {name:<12} ", subsequent_indent=" " * 15)
        for name, text in attribute_helps(section).items()
    )
    return "\n".join(lines)
