"""The mini model, loaded, and a few of its texts: what the tests of the public API share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import faithful_se
from lm_eval_tasks.document import Document


@pytest.fixture(scope="session")
def model(mini_base: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(mini_base)


@pytest.fixture(scope="session")
def tokenizer(mini_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(mini_base)


@pytest.fixture(scope="session")
def tweets() -> list[Document]:
    """Ten texts of the mini data, with gold labels."""
    return faithful_se.read_documents("sentiment140", "mini", limit=10)
