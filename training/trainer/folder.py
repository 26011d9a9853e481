"""The folder of a training: which training it belongs to, which files are missing, which checkpoint is the last."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from faithful_se.files import parse_json_object
from faithful_se.train_info import CARD, TrainInfo
from training.models.adapters import CONFIG as ADAPTER_CONFIG
from training.runs.folder import MANIFEST, RunFolder
from training.trainer.save_weights import missing_weights

MODEL_CONFIG, TOKENIZER_CONFIG = "config.json", "tokenizer_config.json"


class TrainingFolder(RunFolder[dict[str, Any]]):
    """A folder belongs to one training. One that holds a model and no settings file may be the base itself.

    Each command has a subclass that names its settings file.
    """

    option = "--output_dir"
    results = (MODEL_CONFIG, ADAPTER_CONFIG, TOKENIZER_CONFIG, CARD, MANIFEST)
    digests: Mapping[str, str] = {"data": "was begun with other rows: give the same --data"}

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings by the names of their options, which are different in TRL's dataclasses."""
        options: dict[str, Any] = {}
        for part, values in settings.items():
            options |= values if isinstance(values, dict) else {part: values}
        # Where a training is uploaded to changes nothing in it.
        return {name: value for name, value in options.items() if not name.startswith(("hub_", "push_to_hub"))}

    def read_finished(self, adapter: bool) -> tuple[TrainInfo | None, str]:
        """Read what a finished training of an adapter, or else of a whole model, left.

        Returns:
            The manifest; None where the training is not finished, or the manifest is damaged. And the file that is
            missing or damaged; empty if there is none.
        """
        if not (self.path / MANIFEST).is_file():
            return None, ""
        info = cast("TrainInfo | None", self.read_manifest())
        configs = (ADAPTER_CONFIG if adapter else MODEL_CONFIG, TOKENIZER_CONFIG)
        missing = next((name for name in configs if not (self.path / name).is_file()), "")
        return info, missing or missing_weights(self.path, adapter) or ("" if info else MANIFEST)


def last_checkpoint(out: Path) -> Path | None:
    """The last complete checkpoint. Incomplete ones are removed: the trainer writes its state last.

    Folders of other names stay (`checkpoint-best`, a copy that a user made).
    """
    checkpoints = [path for path in out.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name, re.ASCII)]
    for path in sorted(checkpoints, key=step_of, reverse=True):
        with suppress(OSError):
            if parse_json_object((path / "trainer_state.json").read_bytes()) is not None:
                return path
        shutil.rmtree(path, ignore_errors=True)
    return None


def step_of(checkpoint: Path) -> int:
    """The step of a checkpoint."""
    return int(checkpoint.name.rpartition("-")[2])


def is_last_step(checkpoint: Path) -> bool:
    """Whether a complete checkpoint is that of the training's last step."""
    state = parse_json_object((checkpoint / "trainer_state.json").read_bytes()) or {}
    return 0 < int(state.get("max_steps") or 0) <= step_of(checkpoint)
