"""Build hook: the wheel places the task files in lm-eval's own folder.

lm-eval looks for tasks there and nowhere else. With the files in place, plain `lm_eval --tasks 'faithful_se_*'` works,
and `pip uninstall` removes them. The mini data stays in the package: the tasks read it from there.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TaskFilesHook(BuildHookInterface):
    """Maps every task file to its path below `lm_eval/tasks/faithful_se`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to the wheel, of an ordinary or an editable installation."""
        datasets = Path(self.root, "lm_eval_tasks", "datasets")
        for path in [*datasets.rglob("*yaml"), *datasets.glob("*/README.md")]:
            build_data["force_include"][str(path)] = (
                f"lm_eval/tasks/faithful_se/{path.relative_to(datasets).as_posix()}"
            )
