"""`faithful-se eval`: lm-eval's own command line, with the faithful_se tasks and the rule-based models known to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS

_NOT_FOUND = "Tasks not found: "  # how lm-eval's error begins


def main(argv: list[str]) -> int:
    """Hand `argv` to lm-eval.

    Where the wheel has placed the tasks in lm-eval's own folder nothing is added: a task found twice is warned about.
    """
    import lm_eval.__main__
    import lm_eval.tasks

    import lm_eval_tasks.rule_models  # noqa: F401  registers the rule-based models

    if not (Path(lm_eval.tasks.__file__).parent / "faithful_se").is_dir():
        _add_folder(lm_eval.tasks.TaskManager)
    sys.argv = ["lm_eval", *(argv or ["--help"])]
    try:
        lm_eval.__main__.cli_evaluate()
    except ValueError as error:
        if not str(error).startswith(_NOT_FOUND):
            raise
        raise UsageError(_not_found(str(error).removeprefix(_NOT_FOUND).split(", "))) from error
    return 0


def _not_found(names: Sequence[str]) -> str:
    """What is misspelt, and the nearest names there are."""
    there = sorted(path.stem for path in DATASETS.rglob("faithful_se*.yaml"))
    near = [close for name in names for close in get_close_matches(name, there, n=1)]
    meant = f" (meant: {', '.join(near)}?)" if near else ""
    return f"--tasks: not found: {', '.join(names)}{meant}. `faithful-se eval ls tasks` lists what there is"


def _add_folder(manager: Any) -> None:
    """Let every `TaskManager` of this process look into the datasets' folder too."""
    construct = manager.__init__

    def with_folder(self: Any, *args: Any, include_path: Any = None, **kwargs: Any) -> None:
        given = include_path if isinstance(include_path, (list, tuple)) else [include_path] if include_path else []
        construct(self, *args, include_path=[str(DATASETS), *given], **kwargs)

    manager.__init__ = with_folder
