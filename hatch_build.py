"""Build hook: the wheel places copies of the task files in lm-eval's own folder, and the recipes in the package.

lm-eval looks for tasks there and nowhere else. With the files in place, plain `lm_eval --tasks 'faithful_se_*'` works,
and `pip uninstall` removes them. The mini data stays in the package: the tasks read it from there.
"""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TaskFilesHook(BuildHookInterface):
    """Adds `lm_eval/tasks/faithful_se` to the wheel, of an ordinary and of an editable installation."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy the task files. From the source tree itself hatchling would move them out of the package."""
        self.workspace = TemporaryDirectory()
        copy = Path(self.workspace.name, "faithful_se")
        datasets = Path(self.root, "lm_eval_tasks", "datasets")
        shutil.copytree(datasets, copy, ignore=shutil.ignore_patterns("mini", "SHA256SUMS", "__pycache__"))
        build_data["force_include"][str(copy)] = "lm_eval/tasks/faithful_se"
        if version == "standard":  # an editable installation reads them in the source tree
            build_data["force_include"][str(Path(self.root, "recipes"))] = "training/recipes"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        self.workspace.cleanup()
