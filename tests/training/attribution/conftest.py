"""A model, texts and the rows of an undisturbed run, which the tests of runs share."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.command import attribute


@pytest.fixture(scope="session")
def model(tmp_path_factory: Any) -> Path:
    fast = tiny.tokenizer()
    return tiny.save(tmp_path_factory.mktemp("model"), tiny.random_model("llama", len(fast)), fast)


@pytest.fixture(scope="session")
def texts(tmp_path_factory: Any) -> Path:
    """Ninety different texts."""
    rng, words = random.Random(0), " ".join(tiny.TWEETS).split()
    path = tmp_path_factory.mktemp("texts") / "rows.jsonl"
    lines = [json.dumps({"text": " ".join(rng.choices(words, k=rng.randint(1, 14))) + f" {i}"}) for i in range(90)]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="session")
def undisturbed(model: Path, texts: Path, tmp_path_factory: Any) -> list[dict[str, Any]]:
    return attribute(model, texts, tmp_path_factory.mktemp("out"), "--shard-size", "8")
