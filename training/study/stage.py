"""A stage of a study: one command, and how one sees that it is complete."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One command of a study.

    Attributes:
        name: names its log and its record.
        command: console script and arguments.
        done: the file that exists once the stage is complete.
        purpose: what it does, in a few words.
        after: names of the stages that must be complete before.
        arm: the arm it belongs to, if any, without the seed.
        launch: what the command is started with: a launcher and its arguments.
        config: a file of arguments that the command reads; its content is an input of the stage.
        marked: the command writes no such file last (lm_eval): the runner writes `done` after it.
        tasks: those of an evaluation, as `lm_eval --tasks` takes them.
    """

    name: str
    command: tuple[str, ...]
    done: Path
    purpose: str
    after: tuple[str, ...] = ()
    arm: str = ""
    launch: str = ""
    config: Path | None = None
    marked: bool = False
    tasks: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """The command with its launcher."""
        return (*shlex.split(self.launch), *self.command)

    def typed(self) -> str:
        """The command line, to copy into a shell."""
        return shlex.join(self.words())


def command_of(*parts: object) -> tuple[str, ...]:
    """The words of a command."""
    return tuple(map(str, parts))
