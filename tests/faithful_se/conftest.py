"""The mini model, loaded, and a few of its texts: what the tests of the public API share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import faithful_se
from lm_eval_tasks.document import Document
from tests.lm_eval_tasks.evaluations import TWEET_TASKS


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


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder: results of two models that `lm_eval` wrote, and the board of them."""
    from leaderboards.board_json import save
    from leaderboards.build import make_board

    folder = tmp_path_factory.mktemp("project")
    for name, strategy in (("base", "random"), ("trained", "honest")):
        options = ["--model", "faithful-se-rules", "--model_args", f"strategy={strategy}", "--apply_chat_template"]
        tasks = ["--tasks", TWEET_TASKS, "--limit", "20", "--metadata", "data=mini"]
        output = ["--output_path", str(folder / "results" / name), "--log_samples"]
        command = [sys.executable, "-m", "faithful_se", "eval", "run", *options, *tasks, *output]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    board, _ = make_board([folder / "results"])
    save(board, folder / "board" / "board.json")
    return folder
