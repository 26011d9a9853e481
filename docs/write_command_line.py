"""Write the tables of options into command_line.md from the commands' own parsers: `python docs/write_command_line.py`.

A test compares the page with the parsers, so that it cannot go stale.
"""

from __future__ import annotations

import argparse
import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from unittest import mock

from faithful_se.cli import COMMANDS
from training.trainer.short_help import HELP_ALL

PAGE = Path(__file__).with_name("command_line.md")
# Commands that take the options of a dataclass of TRL.
CONFIGS = {"sft": "SFTConfig", "dpo": "DPOConfig", "grpo": "GRPOConfig"}
BLOCK = re.compile(r"(<!-- options of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


class _HelpReachedError(Exception):
    """Ends a command that was asked for its help."""


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of a command: whichever one is about to print its help."""
    parsers: list[argparse.ArgumentParser] = []

    def keep(parser: argparse.ArgumentParser, file: object = None) -> None:
        parsers.append(parser)
        raise _HelpReachedError

    with mock.patch.object(argparse.ArgumentParser, "print_help", keep), suppress(_HelpReachedError):
        import_module(COMMANDS[command].module).main([HELP_ALL if command in CONFIGS else "--help"])
    return parsers[0]


def foreign_options(command: str) -> set[str]:
    """Options that a command takes over from a library, which documents them."""
    if command not in CONFIGS:
        return set()
    from dataclasses import fields

    import trl

    return {field.name for field in (*fields(getattr(trl, CONFIGS[command])), *fields(trl.ModelConfig))}


def table(command: str) -> str:
    """The options of a command as a Markdown table, group by group."""
    parser, foreign = parser_of(command), foreign_options(command)
    expand = parser._get_formatter()._expand_help
    lines = ["| option | what |", "|---|---|"]
    for group in parser._action_groups:
        for action in group._group_actions:
            if action.dest in {"help", *foreign} or action.help == argparse.SUPPRESS:
                continue
            name = ", ".join(f"`{option}`" for option in _spellings(action))
            lines.append(f"| {name} | {_cell(expand(action) if action.help else '')} |")
    return "\n".join(lines) + "\n"


def _spellings(action: argparse.Action) -> list[str]:
    value = _value(action)
    if not action.option_strings:
        return [value]
    # Dataclass parsers also accept --some_name as --some-name and --no_name: the first spelling is the one to teach.
    return [f"{action.option_strings[0]} {value}".strip()]


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    metavar = action.metavar if isinstance(action.metavar, str) else choices or action.dest.upper()
    return f"{metavar} …" if action.nargs in ("+", "*") else metavar


def _cell(text: str) -> str:
    return " ".join(text.split()).removesuffix("(default: )").strip().replace("|", "\\|")


def written(page: str) -> str:
    """The page with every table as the parsers have it now."""
    return BLOCK.sub(lambda match: f"{match[1]}{table(match[2])}{match[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
