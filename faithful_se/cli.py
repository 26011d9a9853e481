"""The console script `faithful-se`: lists the commands, and imports only the one that runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from faithful_se.errors import run_command
from faithful_se.termination import Terminated, terminated_as_exception


class Command(NamedTuple):
    """A command."""

    module: str  # has a `main(argv)`
    summary: str  # what the command does, for the help
    extra: str = ""  # the extra of this package that the command needs; none if empty
    packages: tuple[str, ...] = ()  # of that extra; one of them missing means that the extra is
    rerun: str = ""  # what the same command does after this one was stopped; it may say so itself (`eval`)


HF = ("torch", "transformers", "peft")
TRAIN = (*HF, "captum", "trl")
BOARD = ("altair", "great_tables", "jinja2", "polars", "pydantic", "vl_convert")

RESUMES = "the same command resumes"
NOTHING_WRITTEN = "nothing was written, the same command begins again"

COMMANDS = {
    "eval": Command(
        "lm_eval_tasks.cli",
        "evaluate a model: lm_eval with the faithful_se tasks, same arguments",
        rerun="no question was asked yet",
    ),
    "new": Command(
        "lm_eval_tasks.new_tasks.cli",
        "write tasks from your own texts and labels: a file, a folder, the hub",
        rerun=NOTHING_WRITTEN,
    ),
    "mini": Command(
        "training.mini.cli",
        "train the mini model: data of its own, no download, no GPU",
        "hf",
        HF,
        rerun=NOTHING_WRITTEN,
    ),
    "tune": Command(
        "training.tune.cli",
        "teach a model that does not classify to do so: the subject of a study",
        "train",
        TRAIN,
        RESUMES,
    ),
    "attribute": Command(
        "training.attribution.cli",
        "score words: which one does each answer of a model depend on?",
        "train",
        TRAIN,
        RESUMES,
    ),
    "build": Command(
        "training.build.cli", "turn attributions into verified explanations to train on", "train", TRAIN, RESUMES
    ),
    "sft": Command(
        "training.sft.cli",
        "train on built explanations with TRL: LoRA by default, one or more GPUs",
        "train",
        TRAIN,
        RESUMES,
    ),
    "dpo": Command(
        "training.dpo.cli",
        "train on pairs with TRL: true explanations preferred to own untrue ones",
        "train",
        TRAIN,
        RESUMES,
    ),
    "grpo": Command(
        "training.grpo.cli",
        "train by reinforcement with TRL: the evaluation's own procedure is the reward",
        "train",
        TRAIN,
        RESUMES,
    ),
    "study": Command(
        "training.study.cli",
        "all of this from one recipe: tune, attribute, build, train, evaluate, compare",
        "board,train",
        TRAIN + BOARD,
        RESUMES,
    ),
    "demo": Command(
        "training.study.demo",
        "run all of this on the mini model, before and after training",
        "board,train",
        TRAIN + BOARD,
        RESUMES,
    ),
    # These two check for their packages themselves: `board --check` and `compare` need fewer.
    "board": Command(
        "leaderboards.cli", "make one offline page, tables and tests from result files", rerun=NOTHING_WRITTEN
    ),
    "compare": Command("leaderboards.compare_cli", "test two checkpoints on the same documents, and show what changed"),
    "show": Command("faithful_se.show", "show one text word by word: what each word does, what the explanation names"),
    "doctor": Command("faithful_se.doctor", "say what is installed and what is missing, one line each with the remedy"),
    "completion": Command("faithful_se.completion", "print what a shell needs to complete commands, options and tasks"),
}


USAGE = """\
usage: faithful-se COMMAND [ARGUMENTS]

Are a language model's explanations of its own answers true? Measure it, train it, compare checkpoints.

commands:
{commands}

`faithful-se COMMAND --help` explains a command, `faithful-se --version` prints the version.
The tasks also run in plain lm_eval:
  lm_eval run --model hf --model_args pretrained=MODEL --tasks 'faithful_se_*' --apply_chat_template"""


def usage() -> str:
    """The help text."""
    lines = [f"  {name:<12}{command.summary}" for name, command in COMMANDS.items()]
    return USAGE.format(commands="\n".join(lines))


class OwnPackages(MetaPathFinder):
    """Finds the packages of this distribution beside `faithful_se`, before all folders of these names on the path.

    A user's working folder may hold `training/`. It is on the path where PYTHONPATH names it, and DeepSpeed's launcher
    adds it there.
    """

    names = frozenset({"faithfulness_metrics", "leaderboards", "lm_eval_tasks", "training"})

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The package of that name; None for all other modules."""
        return PathFinder.find_spec(fullname, [str(Path(__file__).parents[1])]) if fullname in cls.names else None


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit status: 2 for wrong input, 130 after Ctrl-C, 143 after SIGTERM."""
    if OwnPackages not in sys.meta_path:
        sys.meta_path.insert(0, OwnPackages)  # type: ignore[arg-type]
    arguments = sys.argv[1:] if argv is None else argv
    try:
        with terminated_as_exception():
            return run_command(lambda: _dispatch(arguments))
    except KeyboardInterrupt as stop:
        rerun = str(stop) or COMMANDS[arguments[0]].rerun
        if os.environ.get("RANK", "0") == "0":  # both reach all processes of a launch
            print(f"faithful-se {arguments[0]}: stopped" + (f"; {rerun}" if rerun else ""), file=sys.stderr)
        return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)  # as shells count


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    name, *rest = arguments
    if name == "--version":
        print(f"faithful-se {version('faithful-se')}")
        return 0
    if name not in COMMANDS:
        nearest = get_close_matches(name, COMMANDS, n=1)
        hint = f" (did you mean {nearest[0]}?)" if nearest else ""
        print(f"faithful-se: no command {name!r}{hint}; the commands are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = COMMANDS[name]
    missing = [package for package in command.packages if find_spec(package) is None]
    # The help of most commands needs none of them.
    if missing and not {"-h", "--help"} & set(rest):
        return _report_missing(name, missing)
    try:
        return int(import_module(command.module).main(rest) or 0)
    except ModuleNotFoundError as error:
        if error.name not in missing:
            raise
        return _report_missing(name, missing)


def _report_missing(name: str, packages: list[str]) -> int:
    remedy = f"pip install 'faithful-se[{COMMANDS[name].extra}]'"
    print(f"faithful-se {name}: {', '.join(packages)} not installed; {remedy}", file=sys.stderr)
    return 2
