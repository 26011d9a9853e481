"""The tiny model that several tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_model import write_tiny_chat_model
from tests.training.sft.tiny_rows import ROWS


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [turn["content"] for row in ROWS for part in row.values() for turn in part]
    return write_tiny_chat_model(tmp_path_factory.mktemp("model"), texts, hidden=16, layers=1)
