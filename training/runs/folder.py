"""A folder of results belongs to one run: its settings file says to which, and only that run writes there.

A finished folder holds its results and `manifest.json`, which is written last: it means that everything is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from faithful_se.differences import differences
from faithful_se.errors import UsageError
from faithful_se.files import make_folder, parse_json_object, read_json_object, write_json_object
from training.runs.artefacts import content_of
from training.runs.lock import LOCK, folder_lock

MANIFEST = "manifest.json"

Settings = TypeVar("Settings", bound=Mapping[str, Any])


class RunFolder(Generic[Settings]):
    """The folder of a run. Each command has a subclass that says how its folders differ.

    Args:
        path: the folder; made when it is opened.
        settings: what makes the results what they are: model, options, data.

    Attributes:
        settings_file: file that says which run the folder belongs to.
        option: the command's option for this folder, named in messages.
        results: files (glob patterns) that the run writes. A folder that holds one of them and no settings file is not
            the run's.
        digests: settings that follow from others, by name (``model``, ``attributions.texts``): messages name one of
            these only if nothing else changed. The value is what to say instead of the two digests, if anything.
    """

    settings_file = "settings.json"
    option = "--out"
    results: tuple[str, ...] = ("*.jsonl", "README.md", MANIFEST)
    digests: Mapping[str, str] = {}

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings: Settings = json.loads(json.dumps(settings))

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The part of the settings that must be the same in every call."""
        return settings

    def describe_change(self, recorded: Mapping[str, Any], requested: Mapping[str, Any]) -> str:
        """How two comparable settings differ, and the remedy. The message goes on with ", or another --out"."""
        name, earlier, now = min(differences(recorded, requested), key=lambda change: change[0] in self.digests)
        return self.digests.get(name) or f"was begun with {name} = {earlier!r}, now {now!r}: give the same settings"

    def merge(self, recorded: Mapping[str, Any]) -> Settings:
        """The settings to write over recorded ones that are comparable; or refuse them by a `UsageError`."""
        return self.settings

    @classmethod
    def read_settings(cls, path: Path) -> dict[str, Any] | None:
        """The settings that a folder was begun with; None where it has none.

        Raises:
            UsageError: the settings file is damaged. The results may be those of any run, so nothing is guessed.
        """
        file = path / cls.settings_file
        remedy = f"no other file says what its folder belongs to; put it back, or give another {cls.option}"
        return read_json_object(file, remedy) if file.is_file() else None

    def check(self) -> Settings:
        """Return the settings to write, or refuse the folder of another run. Nothing is written.

        Raises:
            UsageError: the folder belongs to another run or to somebody else, or nothing says to whom.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.option} {self.path} is a file: give a folder")
        recorded, result = self.read_settings(self.path), self._first_result()
        if recorded is None:
            if result:
                raise UsageError(
                    f"{self.path} holds {result} and no {self.settings_file}: give another {self.option}, "
                    "nothing is overwritten"
                )
            return self.settings
        contents = content_of(recorded), content_of(self.settings)
        if all(contents):
            # A run that failed before its first row left nothing that other settings could be mixed with.
            if not result:
                return self.settings
            if contents[0] != contents[1]:
                raise UsageError(f"{self.path} holds {contents[0]}: give another {self.option}")
        earlier, now = self.comparable(recorded), self.comparable(self.settings)
        if earlier != now:
            raise UsageError(f"{self.path} {self.describe_change(earlier, now)}, or another {self.option}")
        return self.merge(recorded)

    def claim(self) -> None:
        """Check the folder and write the settings file. The folder exists and its lock is held."""
        self.settings = self.check()
        if self.read_settings(self.path) != self.settings:
            write_json_object(self.path / self.settings_file, self.settings)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Hold and claim the folder while the block runs. In one process of a run, before the others read it.

        Raises:
            UsageError: see `check`; or another command is at work in the folder, or it cannot be written.
        """
        self.check()
        make_folder(self.path)
        with folder_lock(self.path, self.option):
            self.claim()
            yield

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Write the manifest, unless it says the same already. The last file of a run."""
        if self.read_manifest() != content:
            write_json_object(self.path / MANIFEST, content)

    def read_manifest(self) -> dict[str, Any] | None:
        """The manifest; None where there is none, or a damaged one."""
        with suppress(OSError):
            return parse_json_object((self.path / MANIFEST).read_bytes())
        return None

    def _first_result(self) -> str:
        """A file that the run would overwrite; empty where there is none."""
        paths = (path for pattern in self.results for path in sorted(self.path.glob(pattern)) if path.name != LOCK)
        return next((path.relative_to(self.path).as_posix() for path in paths), "")
