"""Options of a command: declared by a dataclass, explained by its docstring."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from faithful_se.attribute_helps import attribute_helps
from faithful_se.errors import UsageError
from training.attribution.methods import METHODS
from training.build.cli import main as build
from training.command_line import command_parser, metavar, options_from, switch_off
from training.tune.cli import main as tune


@dataclass(frozen=True)
class Baking:
    """How bread is baked.

    Attributes:
        out: where the bread goes.
        flours: kinds of flour, the `most` first;
            at least 50% of them ``whole``.
        grams: of salt.
        oven: a device.
        knead: by hand.
        quiet: say nothing.
    """

    out: Path
    flours: tuple[str, ...] = metavar("FLOUR", ("rye", "wheat"))
    grams: float = 9.5
    oven: str | None = None
    knead: bool = switch_off("--no-knead", "let time do it")
    quiet: bool = False

    def untouched(self) -> bool:
        return not self.knead


def parser() -> ArgumentParser:
    return command_parser("bake", "Bread.", "examples: bake --out table", {"": Baking})


def parsed(*arguments: str) -> Baking:
    return options_from(parser().parse_args(arguments), Baking)


def test_fields_are_options() -> None:
    assert parsed("--out", "table") == Baking(Path("table"))
    arguments = ["--out", "t", "--flours", "spelt", "--grams", "8", "--oven", "o", "--no-knead", "--quiet"]
    assert parsed(*arguments) == Baking(Path("t"), ("spelt",), 8.0, "o", knead=False, quiet=True)


@pytest.mark.parametrize("arguments", [[], ["--out", "t", "--gra", "8"], ["--out", "t", "--grams", "much"]])
def test_what_is_missing_abbreviated_or_of_another_type_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as error:
        parsed(*arguments)
    assert error.value.code == 2 and "bake: error: " in capsys.readouterr().err


def test_the_help_is_the_docstring_with_the_defaults() -> None:
    text = " ".join(parser().format_help().split())
    assert "--out OUT where the bread goes --flours FLOUR [FLOUR ...] kinds of flour, the most first; at least" in text
    assert "50% of them whole (default: rye wheat) --grams GRAMS of salt (default: 9.5)" in text
    assert "--no-knead let time do it --quiet say nothing examples: bake --out table" in text


def test_an_option_without_an_explanation_is_a_mistake() -> None:
    @dataclass(frozen=True)
    class Silent:
        """Nothing."""

        level: int = 1

    assert attribute_helps(Silent) == {}
    with pytest.raises(TypeError, match="field level: the docstring of its class does not describe it"):
        command_parser("x", "", "", {"": Silent})
    assert options_from(Namespace(level=3), Silent) == Silent(3)


def test_the_help_of_attribute_is_quick_and_lists_every_method() -> None:
    source = (
        "import sys; from training.attribution.cli import main\n"
        "try: main(['--help'])\n"
        "finally: print(sorted({'torch', 'captum', 'transformers', 'datasets', 'numpy'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
    words = printed.replace(",", " ").split()
    assert all(method in words for method in METHODS)


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        (build, ["--unit=sentence"], "--unit: rows are as the words were attributed"),
        (build, ["--words_of", "both"], "--words-of: rows are as the words were attributed"),
        (build, ["--answer-with", "text"], "--answer-with: rows of multiple choice answer with the letter"),
        (tune, ["--unit", "sentence"], "--unit: a tuning teaches explanations by words"),
        (tune, ["--words-of", "both"], "--words-of: a tuning needs one set of labels for all texts"),
    ],
)
def test_options_of_other_commands_are_refused_with_the_reason(
    command: Callable[[list[str]], int], words: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as error:
        command(words)
    assert str(error.value).startswith(message)
