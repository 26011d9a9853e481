"""Options of a command, declared once: a dataclass whose fields are the options and whose docstring is their help.

`HfArgumentParser` reads dataclasses too. But this help is quick, and works without transformers. The other also offers
every option in two spellings, and turns defaults off by `--no-…` only: `pool: bool = True` is `--per-occurrence` here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar, get_args, get_type_hints

from faithful_se.attribute_helps import attribute_helps
from faithful_se.errors import UsageError

Options = TypeVar("Options")


def switch_off(option: str, help: str) -> Any:
    """A field that is True unless the option is given.

    Args:
        option: its name: ``--per-occurrence``.
        help: what the option does. The docstring of the class says what the field means.
    """
    return field(default=True, metadata={"option": option, "help": help})


def metavar(name: str, default: Any) -> Any:
    """A field whose values are called `name` in the help."""
    return field(default=default, metadata={"metavar": name})


def include_path() -> Any:
    """The folder of datasets outside the package. The option is spelled as lm-eval has it."""
    return field(default="", metadata={"option": "--include_path", "metavar": "FOLDER"})


def command_parser(
    prog: str, description: str | None, examples: str, groups: dict[str, type]
) -> argparse.ArgumentParser:
    """A parser for the options of some dataclasses.

    A field is an option of its name, with hyphens. The "Attributes:" section of the class says what it does. Fields
    without a default are required; ``bool`` fields are switches; tuples take values separated by blanks.

    Args:
        prog: the command as a user types it.
        description: what it does.
        examples: shown below the options.
        groups: title in the help -> dataclass. The title may be empty.
    """
    parser = argparse.ArgumentParser(
        prog,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for title, options in groups.items():
        group = parser.add_argument_group(title) if title else parser
        types, helps = get_type_hints(options), attribute_helps(options)
        for option in fields(options):  # type: ignore[arg-type]
            name = option.metadata.get("option", "--" + option.name.replace("_", "-"))
            help = option.metadata.get("help", helps.get(option.name))
            group.add_argument(name, dest=option.name, **_settings(option, types[option.name], help))
    return parser


def refuse_options(argv: Iterable[str], reasons: Mapping[str, str]) -> None:
    """Refuse options of other commands that this one cannot follow.

    Args:
        argv: the words of the command.
        reasons: option -> why, and the remedy.

    Raises:
        UsageError: names the option.
    """
    for word in argv:
        name = word.partition("=")[0].replace("_", "-")
        if name in reasons:
            raise UsageError(f"{name}: {reasons[name]}")


def options_from(arguments: argparse.Namespace, options: type[Options]) -> Options:
    """The part of the parsed arguments that belongs to a dataclass.

    Raises:
        UsageError: from the dataclass, when it checks its values.
    """
    values = {option.name: getattr(arguments, option.name) for option in fields(options)}  # type: ignore[arg-type]
    try:
        return options(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    except UsageError as error:
        # Messages begin with the name of the field, which Python users typed. Here its option was typed.
        name, blank, rest = str(error).partition(" ")
        raise UsageError(f"--{name.replace('_', '-')}{blank}{rest}" if name in values else str(error)) from error


def _settings(option: Field[Any], kind: Any, help: str | None) -> dict[str, Any]:
    """Arguments of `add_argument` for a field."""
    if help is None:
        raise TypeError(f"field {option.name}: the docstring of its class does not describe it")
    help, default = help.replace("%", "%%"), option.default
    if kind is bool:
        return {"action": "store_false" if default else "store_true", "help": help}
    settings = {"metavar": option.metadata.get("metavar"), "default": default, "required": default is MISSING}
    if isinstance(default, tuple):
        settings["nargs"] = "+"
    if get_args(kind):  # the X of tuple[X, ...] and of X | None
        kind = get_args(kind)[0]
    if default not in (MISSING, None, "", ()):
        help += f" (default: {' '.join(map(str, default)) if isinstance(default, tuple) else default})"
    return settings | {"type": kind, "help": help}
