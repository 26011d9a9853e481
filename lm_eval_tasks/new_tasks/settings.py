"""What a user says about the texts, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.languages import ENGLISH, language_problem

# Of a split that is drawn: shares of the rows, and the most that an evaluation is likely to want.
TEST_SHARE, LARGEST_TEST = 0.3, 1000
VALIDATION_SHARE, LARGEST_VALIDATION = 0.1, 300

# A name is part of the names of files.
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


@dataclass(frozen=True)
class SourceSettings:
    """The arguments of `faithful-se new` that say where the texts are and what their columns mean.

    Raises:
        UsageError: an argument that is missing, or that does not fit the others.
    """

    source: str
    text: tuple[str, ...]
    label: str
    name: str = ""
    labels: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    choice_names: tuple[str, ...] = ()
    skip_empty: bool = False
    noun: str = ""
    question: str = ""
    titles: tuple[str, ...] = ()
    language: str = ENGLISH
    test: Path | None = None
    validation: Path | None = None
    test_rows: int | None = None
    validation_rows: int | None = None
    seed: int = 0
    encoding: str = ""
    config: str = ""
    revision: str = ""

    def __post_init__(self) -> None:
        if not self.source:
            raise UsageError("give a file, a folder or a name on the hub, or --from-task TASK")
        if not self.text or not self.label:
            raise UsageError("give --text COLUMN, the column of the text, and --label COLUMN, that of the label")
        if self.label in self.text:
            raise UsageError(f"--label {self.label}: is a text column, too: a prompt would show the answer")
        if self.choices:
            self._check_choices()
        elif self.choice_names:
            raise UsageError(f"--choice-names {' '.join(self.choice_names)}: is for --choices: leave it out")
        if self.titles and len(self.titles) != len(self.text):
            raise UsageError(
                f"--titles: {len(self.titles)} titles for the columns {', '.join(self.text)}: give one each"
            )
        for option, number, least in (
            ("--test-rows", self.test_rows, 1),
            ("--validation-rows", self.validation_rows, 0),
        ):
            if number is not None and number < least:
                raise UsageError(f"{option} {number}: give a whole number from {least}")
        for option, file, number in (
            ("--test", self.test, self.test_rows),
            ("--validation", self.validation, self.validation_rows),
        ):
            if file and number is not None:
                raise UsageError(f"{option}-rows {number}: nothing is drawn with {option} {file}: leave it out")
        if problem := language_problem(self.language, None):
            raise UsageError(f"--language {problem}")
        if self.encoding:
            try:
                "".encode(self.encoding)
            except LookupError:
                raise UsageError(f"--encoding {self.encoding}: no such encoding: give one such as latin-1") from None
        if not NAME.fullmatch(self.dataset):
            raise UsageError(
                f"--name {self.dataset}: give at most 100 lower-case letters, digits and _, a letter first"
            )

    def _check_choices(self) -> None:
        if self.labels:
            raise UsageError("--labels: with --choices every row has labels of its own: leave it out")
        for name in self.choices:
            if name in (*self.text, self.label) or self.choices.count(name) > 1:
                raise UsageError(f"--choices {name}: is named twice, or is the column of a text or the label, too")

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> SourceSettings:
        """The settings among the arguments of the command."""
        values: dict[str, Any] = {field.name: arguments[field.name] for field in fields(cls)}
        values |= {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**values)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Option -> the columns of the file that it names: of ``choices.text`` that is ``choices``."""
        names = self.choice_names if len(self.choice_names) == 1 else ()
        of_choices = {"--choices": self.choices, "--choice-names": names}
        parts = {option: tuple(path.partition(".")[0] for path in paths) for option, paths in of_choices.items()}
        return {"--text": self.text, "--label": (self.label,), **parts}

    @property
    def dataset(self) -> str:
        """Name of the dataset: as the user says, or after the source."""
        if self.name:
            return self.name
        stem = Path(self.source.rstrip("/")).name.partition(".")[0]
        name = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
        return name if NAME.fullmatch(name) else f"data_{name}".strip("_")
