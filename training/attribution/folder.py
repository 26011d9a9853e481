"""The folder of `faithful-se attribute`: a file per dataset, `settings.json`, and `manifest.json` at the end."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, cast

from faithful_se.differences import differences
from faithful_se.errors import UsageError
from training.runs.artefacts import AttributionManifest, AttributionSettings
from training.runs.settings import with_absolute_data
from training.runs.shards import ShardedFolder

# Settings that hold one value for each dataset, besides the digests of the prompts.
OF_DATASETS = ("label_prior", "examples")

# Settings that `merge` compares.
OF_TEXTS = ("tokenizer", "chat_template")

LABELS_OF_OLDER_VERSIONS = {"classifier": "loglikelihood", "num_fewshot": 0}


class AttributionFolder(ShardedFolder[AttributionSettings]):
    """Further datasets may be added to a folder, as long as model, options and chat template stay."""

    # Another dtype makes another model too. Its name says more than a digest.
    digests: Mapping[str, str] = {"model": ""}

    @classmethod
    def recorded_day(cls, path: Path) -> date:
        """The day that the prompts of a folder show; today for a new folder.

        Raises:
            UsageError: the settings are damaged.
        """
        day = (cls.read_settings(path) or {}).get("date")
        try:
            return date.today() if day is None else date.fromisoformat(day)
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"{path / cls.settings_file}: date is {day!r}, not a date such as 2026-01-31; put it back as it was, "
                "or give another --out"
            ) from error

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """Everything but what belongs to single datasets, which `merge` compares or keeps, and the day.

        Older versions recorded neither classifier nor examples: labels were ranked, without examples.
        """
        options = {**LABELS_OF_OLDER_VERSIONS, **(settings.get("options") or {})}
        settings = {**with_absolute_data(settings), "options": options}
        others = (*OF_DATASETS, *OF_TEXTS, "prompt", "date", "include_path")  # a folder of datasets may be moved
        return {key: value for key, value in settings.items() if key not in others}

    def recorded_priors(self) -> dict[str, dict[str, float]]:
        """Dataset -> prior of the labels, of an earlier call with the same settings; empty where there was none."""
        recorded = self.read_settings(self.path) or {}
        priors = recorded.get("label_prior") if self.comparable(recorded) == self.comparable(self.settings) else None
        return priors if isinstance(priors, dict) else {}

    def merge(self, recorded: Mapping[str, Any]) -> AttributionSettings:
        """The settings with the prompts of earlier calls.

        Raises:
            UsageError: the model would read other prompts than at the start.
        """
        earlier, now = recorded.get("prompt"), self.settings["prompt"]
        if not earlier or not isinstance(earlier, dict):
            raise UsageError(
                f"{self.path} was begun by an older version, which did not record a digest of the prompt: "
                f"give another {self.option}"
            )
        if "tokenizer" in self.settings and "tokenizer" not in recorded:
            raise UsageError(
                f"{self.path} was begun by an older version, which did not record the tokenizer: go on with that "
                f"version, or give another {self.option}"
            )
        changed = [dataset for dataset, digest in now.items() if earlier.get(dataset, digest) != digest]
        # A further dataset has a prompt of its own, but the template and the tokenizer of the others.
        recorded_texts, texts = (
            {name: settings.get(name) for name in OF_TEXTS} for settings in (recorded, self.settings)
        )
        parts = [name for name, _, _ in differences(recorded_texts, texts)]
        templates = {str(digest).split("-")[0] for digest in (*earlier.values(), *now.values())}
        if changed or parts or len(templates) > 1:
            datasets = f" ({', '.join([*changed, *parts])})" if changed or parts else ""
            raise UsageError(
                f"{self.path}: the chat template or the tokenizer is not the one that the folder was begun with"
                f"{datasets}: give that one, or another {self.option}"
            )
        merged: dict[str, Any] = {**self.settings, "prompt": {**earlier, **now}}
        for name in OF_DATASETS:
            if values := {**recorded.get(name, {}), **merged.get(name, {})}:
                merged[name] = values
        return cast(AttributionSettings, merged)

    def row_counts(self) -> dict[str, int]:
        """Dataset -> rows, as the manifest says; empty where there is none, or a damaged one."""
        rows = (self.read_manifest() or {}).get("rows")
        return {name: n for name, n in rows.items() if type(n) is int} if isinstance(rows, dict) else {}

    def finish(self, counts: Mapping[str, int], earlier: Mapping[str, int]) -> None:
        """Write the manifest and drop the shards of finished datasets. Other datasets keep theirs to resume from.

        `counts` are rows of this run, `earlier` those of the manifest before. A dataset in neither is counted.
        """
        datasets = self.settings["prompt"]
        rows = {**{name: count for name, count in earlier.items() if name in datasets}, **counts}
        for name in datasets:
            path = self.path / f"{name}.jsonl"
            if name not in rows and path.exists():
                with path.open("rb") as lines:
                    rows[name] = sum(1 for _ in lines)
        manifest: AttributionManifest = {**self.settings, "rows": dict(sorted(rows.items()))}
        self.write_manifest(manifest)
        for path in (path for name in counts for path in self.shards(name)):
            path.unlink(missing_ok=True)
        if not any(self.shards(name) for name in datasets):
            self.drop_shards()

    def shards(self, dataset: str) -> list[Path]:
        """The shards of a dataset, not those of another one whose name begins the same."""
        digest = "[0-9a-f]" * 16
        return sorted(self.shard(dataset, "").parent.glob(f"{glob.escape(dataset)}-{digest}.jsonl"))
