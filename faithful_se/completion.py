"""`faithful-se completion SHELL`: what a shell needs to complete commands, options and names of tasks.

shtab writes it from the parsers of all commands, once. Completing then starts no Python.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import fields
from importlib import import_module
from io import StringIO
from pathlib import Path

import shtab

from faithful_se.cli import COMMANDS

DESCRIPTION = """\
Print the completion of a shell: commands, options, files, datasets and tasks.

  eval "$(faithful-se completion bash)"                              bash, this shell
  faithful-se completion bash > ~/.local/share/bash-completion/completions/faithful-se
  faithful-se completion zsh > ~/.zfunc/_faithful-se                 zsh, with fpath+=~/.zfunc before compinit
  faithful-se completion fish > ~/.config/fish/completions/faithful-se.fish
"""

# Options whose values are files or folders, besides those that parse them as such.
PATHS = frozenset(
    [
        "a",
        "adapter",
        "b",
        "config",
        "data",
        "include_path",
        "model",
        "model_name_or_path",
        "output_dir",
        "output_path",
        "recipe",
        "source",
        "use_cache",
    ]
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "faithful-se completion", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("shell", choices=shtab.SUPPORTED_SHELLS, help="the shell that will read it")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    shell = parser().parse_args(argv).shell
    print(shtab.complete(whole_parser(), shell))
    return 0


def whole_parser() -> argparse.ArgumentParser:
    """One parser with all commands below it."""
    from faithful_se.catalogue import BUDGETS, DATASETS
    from lm_eval_tasks import DATASETS as FOLDER
    from lm_eval_tasks.styles import EXPLANATION_STYLES

    tasks = ["faithful_se", *sorted(path.stem for path in FOLDER.glob("*/faithful_se_*.yaml"))]
    names = {"styles": EXPLANATION_STYLES, "budget": BUDGETS, "budgets": BUDGETS, "datasets": DATASETS}
    names["without"] = DATASETS
    whole = argparse.ArgumentParser("faithful-se", description="Are a language model's explanations of itself true?")
    whole.add_argument("--version", action="store_true", help="print the version")
    commands = whole.add_subparsers()
    for name, command in COMMANDS.items():
        own = _parser_of(name)
        for action in own._actions:
            _complete_values(action, {**names, "tasks": tasks if name == "eval" else DATASETS})
        commands.add_parser(name, help=command.summary, description=command.summary, parents=[own], add_help=False)
    return whole


def _parser_of(name: str) -> argparse.ArgumentParser:
    module = import_module(COMMANDS[name].module)
    if hasattr(module, "parser"):
        parser: argparse.ArgumentParser = module.parser()
        return parser
    # These commands take the arguments of a library.
    listed = argparse.ArgumentParser(name)
    for option in dict.fromkeys(_lm_eval_options() if name == "eval" else _trl_options(name)):
        listed.add_argument(option, nargs="*", help="")
    return listed


def _lm_eval_options() -> Iterator[str]:
    """The options of `faithful-se eval`, as its help lists them."""
    help = StringIO()
    with redirect_stdout(help), suppress(SystemExit):
        import_module(COMMANDS["eval"].module).main(["--help"])
    yield from re.findall(r"^  (--\w+)", help.getvalue(), re.MULTILINE)


def _trl_options(name: str) -> Iterator[str]:
    """The options of a training; TRL's where it is installed."""
    from training.grpo.arguments import GrpoArguments
    from training.sft.cli import DataArguments
    from training.trainer.arguments import TrainerArguments
    from training.trainer.short_help import HELP_ALL

    own = {"sft": DataArguments, "dpo": TrainerArguments, "grpo": GrpoArguments}[name]
    sources: list[type] = [own]
    with suppress(ImportError):
        import trl

        sources += [trl.ModelConfig, getattr(trl, f"{name.upper()}Config")]
    yield from (HELP_ALL, "--config")
    yield from (f"--{option.name}" for source in sources for option in fields(source))


def _complete_values(action: argparse.Action, names: Mapping[str, Sequence[str]]) -> None:
    """Say what the values of an option are: one of some names, or files."""
    if action.dest in names:
        action.choices = list(names[action.dest])
    elif action.nargs != 0 and not action.choices and (action.type is Path or action.dest in PATHS):
        action.complete = shtab.FILE  # type: ignore[attr-defined]
