"""The folder of a tuning, and what makes a tuning what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from training.runs.folder import RunFolder
from training.runs.settings import with_absolute_data
from training.runs.shards import SHARDS, ShardedFolder

ROWS, ADAPTER, FULL, MODEL, REPORT = "rows", "adapter", "trained", "model", "report.json"


class TuneFolder(ShardedFolder[dict[str, Any]]):
    """A folder belongs to one model, one choice of rows and one training."""

    results = (*RunFolder.results, REPORT, *(f"{name}/*" for name in (ROWS, ADAPTER, FULL, MODEL, SHARDS)))
    digests: Mapping[str, str] = {
        "model": "was begun with another model: give the same --model",
        "texts": "was begun with other texts: give the same --data, as it was",
    }

    def comparable(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings, with absolute paths of the data."""
        return with_absolute_data(settings)


def settings_text(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of TRL's dataclasses as JSON holds them."""
    return dict(json.loads(json.dumps(dict(values), default=str)))
