"""The console script `faithful-se`: says what there is and imports only what is asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from faithful_se.errors import run_command


class Command(NamedTuple):
    """A command.

    Attributes:
        module: has a `main(argv)`.
        what: it does, for the help.
        extra: of the package that it needs, none if empty.
        packages: of that extra, by which one sees whether it is there.
    """

    module: str
    what: str
    extra: str = ""
    packages: tuple[str, ...] = ()


HF, TRAIN = ("torch", "transformers", "peft"), ("torch", "transformers", "peft", "captum", "trl")

COMMANDS = {
    "eval": Command("lm_eval_tasks.cli", "evaluate a model: lm_eval with the faithful_se tasks, same arguments"),
    "mini": Command(
        "training.mini.cli", "train the mini model: a small model and data of its own, no download, no GPU", "hf", HF
    ),
    "attribute": Command(
        "training.attribution.cli",
        "score the words of texts: which one did the model's answer hang on?",
        "train",
        TRAIN,
    ),
    "build": Command(
        "training.build.cli", "attributions -> explanations that the evaluation calls faithful, as rows", "train", TRAIN
    ),
    "sft": Command(
        "training.sft.cli", "train on the rows with TRL: LoRA by default, several GPUs by accelerate", "train", TRAIN
    ),
    "demo": Command(
        "training.demo.cli",
        "everything on the mini model: evaluate, attribute, build, train, evaluate, table",
        "train",
        TRAIN,
    ),
    # These two say themselves what they need: a part of them needs less.
    "board": Command("leaderboards.cli", "result files -> one offline page, tables and tests of every checkpoint"),
    "compare": Command(
        "leaderboards.compare_cli", "two checkpoints on the same documents: paired differences and what changed"
    ),
}


def usage() -> str:
    """The help text."""
    lines = [f"  {name:<12}{command.what}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "usage: faithful-se COMMAND [ARGUMENTS]",
            "",
            "Are a language model's explanations of its own answers true? Measure it, train it, compare checkpoints.",
            "",
            "commands:",
            *lines,
            "",
            "`faithful-se COMMAND --help` explains a command; --version is there. The tasks also run in plain lm_eval:",
            "  lm_eval --model hf --model_args pretrained=MODEL --tasks 'faithful_se_*' --apply_chat_template",
        ]
    )


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
    """Run a command."""
    if OwnPackages not in sys.meta_path:
        sys.meta_path.insert(0, OwnPackages)  # type: ignore[arg-type]
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        print(f"faithful-se {version('faithful-se')}")
        return 0
    if arguments[0] not in COMMANDS:
        print(f"faithful-se: no command {arguments[0]!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    command = COMMANDS[arguments[0]]
    missing = [name for name in command.packages if find_spec(name) is None]
    # The help of most commands needs none of them.
    if missing and not {"-h", "--help"} & set(arguments):
        return _without(arguments[0], missing)
    try:
        return run_command(lambda: import_module(command.module).main(arguments[1:]))
    except KeyboardInterrupt:  # 128 + SIGINT, as shells count
        print(f"faithful-se {arguments[0]}: stopped", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        if error.name not in missing:
            raise
        return _without(arguments[0], missing)


def _without(name: str, missing: list[str]) -> int:
    remedy = f"pip install 'faithful-se[{COMMANDS[name].extra}]'"
    print(f"faithful-se {name}: {', '.join(missing)} not installed; {remedy}", file=sys.stderr)
    return 2
