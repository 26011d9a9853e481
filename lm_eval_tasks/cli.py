"""`faithful-se eval`: lm-eval's own command line, with the faithful_se tasks and the rule-based models known to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from lm_eval_tasks import DATASETS


def main(argv: list[str]) -> int:
    """Hand `argv` to lm-eval.

    Where the wheel has placed the tasks in lm-eval's own folder nothing is added: a task found twice is warned about.
    """
    import lm_eval.__main__
    import lm_eval.tasks

    import lm_eval_tasks.models  # noqa: F401  registers the rule-based models

    if not (Path(lm_eval.tasks.__file__).parent / "faithful_se").is_dir():
        _add_folder(lm_eval.tasks.TaskManager)
    sys.argv = ["lm_eval", *(argv or ["--help"])]
    lm_eval.__main__.cli_evaluate()
    return 0


def _add_folder(manager: Any) -> None:
    """Let every `TaskManager` of this process look into the datasets' folder too."""
    construct = manager.__init__

    def with_folder(self: Any, *args: Any, include_path: Any = None, **kwargs: Any) -> None:
        given = include_path if isinstance(include_path, (list, tuple)) else [include_path] if include_path else []
        construct(self, *args, include_path=[str(DATASETS), *given], **kwargs)

    manager.__init__ = with_folder
