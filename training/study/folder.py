"""The folder of a study: what each stage was made from and how long it took. A stage of other inputs is refused."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml

from faithful_se.differences import differences
from faithful_se.errors import UsageError
from faithful_se.files import make_folder, read_json_object, write_atomic, write_json_object
from training.runs.folder import RunFolder
from training.runs.lock import file_lock
from training.study.options import KNOWN, check_training
from training.study.recipe import trainings, tunings
from training.study.stage import Stage
from training.study.stages import Study

# What a plan said before: calls, tokens and seconds of each stage.
PLAN = "plan.json"

# Arguments that say how the machine is used. They may change between two calls.
MACHINE = ("--device", "--batch_size", "--max_batch_size", "--batch-size", "--token-budget", "--shard-size")

# Seconds to wait for another call that runs a stage.
WAIT = 10.0


class StudyFolder(RunFolder[dict[str, Any]]):
    """The folder of a study. It must be empty at the start.

    Args:
        study: its stages.
        recipe: the file of the recipe; other files that it names are beside it.
    """

    settings_file = "study.json"
    results = ("*",)

    def __init__(self, study: Study, recipe: Path) -> None:
        super().__init__(study.out, {"study": "faithful-se study", "recipe": str(recipe.resolve())})
        self.study, self.stages = study, study.stages()
        sections = {**tunings(study.recipe), **trainings(study.recipe)}
        self.configs = {  # read by commands, relative to the recipe, and copied here under the name of their section
            self.path / f"{name}.yaml": _text(recipe, name, str(section["config"]))
            for name, section in sections.items()
            if "config" in section
        }

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Nothing: each stage has a record of its own."""
        return {}

    def check(self) -> dict[str, Any]:
        """Also refuse complete stages that the recipe makes from other inputs."""
        settings = super().check()
        for stage in self.stages:
            record = self.record(stage)
            if record and stage.done.is_file():
                self._check_inputs(stage, record)
        return settings

    def prepare(self) -> None:
        """Check the folder, claim it, and copy the files that commands read. Other calls may run in it."""
        with self.open():
            for path, text in self.configs.items():
                if not path.is_file() or path.read_text("utf-8") != text:
                    write_atomic(path, text)
        for name in ("logs", "stages", "cache"):
            make_folder(self.path / name)

    def lock(self, stage: Stage) -> AbstractContextManager[None]:
        """Hold a stage while it runs.

        Raises:
            UsageError: another call runs it.
        """
        path = self.path / "stages" / f".{stage.name}.lock"
        busy = f"{self.path}: another command runs the stage {stage.name}"
        return file_lock(path, f"{busy}; waiting up to {WAIT:g} s for it to end", WAIT, f"{busy}: wait for it")

    def inputs(self, stage: Stage) -> dict[str, Any]:
        """What decides the results of a stage, wherever the folder is: its command and its file of arguments."""
        config = self.configs.get(stage.config) if stage.config else None
        return {
            "command": dict(_arguments([word.replace(str(self.path), "DIR") for word in stage.command])),
            **({"config": yaml.safe_load(config)} if config else {}),
        }

    def write_record(self, stage: Stage, seconds: float) -> None:
        """Write what a complete stage was made from, and how long it took."""
        record = {"seconds": round(seconds, 1), "inputs": self.inputs(stage)}
        write_json_object(self._record_file(stage), record)

    def record(self, stage: Stage) -> dict[str, Any] | None:
        """The record of a stage; None where it was not run here."""
        file = self._record_file(stage)
        return read_json_object(file, "delete it to take the stage as it is") if file.is_file() else None

    def _record_file(self, stage: Stage) -> Path:
        return self.path / "stages" / f"{stage.name}.json"

    def _check_inputs(self, stage: Stage, record: Mapping[str, Any]) -> None:
        changes = list(differences(record.get("inputs"), self.inputs(stage)))
        for name, earlier, now in changes:
            option = name.partition(".")[2]
            raise UsageError(
                f"{self.path}: the stage {stage.name} was run with {option} = {earlier!r}, now {now!r}: "
                f"give the same recipe, or another --out; or remove {stage.done.parent} and what was made from it"
            )


def remove_half(stage: Stage) -> None:
    """Remove what an interrupted evaluation wrote: without its mark a folder holds half of it."""
    if stage.marked:
        shutil.rmtree(stage.done.parent, ignore_errors=True)


def _text(recipe: Path, section: str, file: str) -> str:
    """The text of a file of arguments of a section, checked."""
    path, where = recipe.parent / file, f"{recipe}: {section}: config"
    try:
        text = path.read_text("utf-8")
        content = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"{where}: {path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{where}: {path}: no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{where}: {path}: give keys and values")
    check_training(section if section in KNOWN else "sft", content, str(path))
    return text


def _arguments(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options of a command and their values, without those that say how the machine is used."""
    name, values = "", list[str]()
    for word in (*command, "--"):
        if word.startswith("--"):
            if name not in MACHINE:
                yield name, " ".join(values)
            name, values = word, []
        else:
            values.append(word)
