"""The folder of `faithful-se build`: its settings name the attributions, the options and the datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.runs.artefacts import BuildSettings
from training.runs.settings import with_absolute_data
from training.runs.shards import ShardedFolder


class BuildFolder(ShardedFolder[BuildSettings]):
    """A folder of rows belongs to one set of attributions and options."""

    digests: Mapping[str, str] = {
        "attributions.texts": "was begun with other texts: give the same --limit, --datasets and attributions"
    }

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings, with absolute paths of the data."""
        attributions = settings.get("attributions")
        if isinstance(attributions, dict):
            settings = {**settings, "attributions": with_absolute_data(attributions)}
        return with_absolute_data(settings)
