"""Data and a model for tests of the connection to lm-eval."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), 6, splits=("test", "train"))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    return write_tiny_chat_model(tmp_path_factory.mktemp("tiny"), texts_of(data))
