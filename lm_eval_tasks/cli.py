"""`faithful-se eval`: lm-eval's own command line, with the rule-based models registered.

Installing the package places the task files in lm-eval's folder, so lm-eval finds them without help.
"""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from lm_eval_tasks.cache_stamp import OPTIONS, check_writer

NOT_FOUND = "Tasks not found: "  # how lm-eval's error begins


def main(argv: list[str]) -> int:
    """Pass `argv` to lm-eval, without the options that are this command's own.

    Raises:
        UsageError: a task that lm-eval does not find; the message names the nearest ones. Or a GGUF file as a model, or
            a cache that somebody else wrote.
    """
    for option in OPTIONS.keys() & set(argv):
        os.environ[OPTIONS[option]] = "1"  # which processes that lm-eval starts inherit
    argv = [word for word in argv if word not in OPTIONS]
    _check_caches(argv)
    for word in argv:
        # lm-eval's hf takes folder and file apart, and fails on the path in the middle of transformers.
        if match := re.search(r"pretrained=([^,\s]+\.gguf)(?=,|\s|$)", word):
            folder, name = os.path.split(match[1])
            raise UsageError(f"{match[1]}: a GGUF file: write pretrained={folder or '.'},gguf_file={name}")
    import lm_eval.__main__

    import lm_eval_tasks.rule_models  # noqa: F401  registers the rule-based models

    sys.argv = ["lm_eval", *(argv or ["--help"])]
    try:
        lm_eval.__main__.cli_evaluate()
    except ValueError as error:
        if not str(error).startswith(NOT_FOUND):
            raise
        raise UsageError(_tasks_not_found(str(error).removeprefix(NOT_FOUND).split(", "))) from error
    return 0


def _check_caches(argv: Sequence[str]) -> None:
    """Check who wrote the caches, before anything reads them; of a path in a YAML file, when the tasks do."""
    for word, value in zip(argv, [*argv[1:], ""], strict=True):
        path = Path(word.partition("=")[2] if word.startswith("--use_cache=") else value)
        if word.split("=")[0] in ("--use_cache", "-c") and path.name:
            for file in path.parent.glob(f"{glob.escape(path.name)}_rank*.db"):
                check_writer(file)


def _tasks_not_found(names: Sequence[str]) -> str:
    import lm_eval.tasks

    folder = Path(lm_eval.tasks.__file__).parent
    if not (folder / "faithful_se").is_dir():
        return f"--tasks: {folder} holds no task files of faithful-se: reinstall it, or add --include_path {DATASETS}"
    known = sorted(path.stem for path in DATASETS.rglob("faithful_se*.yaml"))
    nearest = [match for name in names for match in get_close_matches(name, known, n=1)]
    hint = f" (did you mean {', '.join(nearest)}?)" if nearest else ""
    return f"--tasks: not found: {', '.join(names)}{hint}. `faithful-se eval ls tasks` lists all tasks"
