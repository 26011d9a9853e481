"""Results and samples that lm-eval could not write whole: it logs a warning and ends with status 0.

`install` puts a check after lm-eval's own writing. `tests/lm_eval_tasks/test_canary.py` checks the wrapped methods.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from lm_eval import evaluator
from lm_eval.loggers import EvaluationTracker
from lm_eval.loggers.utils import get_git_commit_hash as _commit_hash
from lm_eval.utils import make_table

from faithful_se.errors import UsageError
from faithful_se.files import parse_json_object
from faithful_se.last_lines import is_lm_eval
from lm_eval_tasks.disks import WrittenPaths

_write_results = EvaluationTracker.save_results_aggregated
_write_samples = EvaluationTracker.save_results_samples


@dataclass
class _Run:
    """What a run has written so far."""

    results: Mapping[str, Any]
    files: int  # that it writes: the results, and the samples of each task
    seen: int = 0
    incomplete: list[str] = field(default_factory=list)


_RUNS: WeakKeyDictionary[EvaluationTracker, _Run] = WeakKeyDictionary()


def install() -> None:
    """Check what lm-eval writes from now on. Calling it again changes nothing."""
    EvaluationTracker.save_results_aggregated = save_results
    EvaluationTracker.save_results_samples = save_samples
    evaluator.get_git_commit_hash = commit_hash


def commit_hash() -> str | None:
    """The commit of the working folder, as lm-eval has it. Outside a repository git would complain on the log."""
    folder = Path.cwd()
    is_repository = "GIT_DIR" in os.environ or any((above / ".git").exists() for above in (folder, *folder.parents))
    commit: str | None = _commit_hash() if is_repository else None
    return commit


def save_results(
    self: EvaluationTracker, results: dict[str, Any], samples: Mapping[str, Sequence[Any]] | None = None
) -> None:
    """Write the results as lm-eval does. See `_check`."""
    self.date_id = ""  # of an earlier run
    _write_results(self, results=results, samples=samples)
    if self.output_path:
        _RUNS[self] = _Run(results, 1 + (len(results.get("configs", ())) if samples else 0))
        path = next(iter(_folder(self).glob(f"*_{self.date_id}.json")), None) if self.date_id else None
        _check(self, path.name if path else "results", bool(path and parse_json_object(path.read_bytes())))


def save_samples(self: EvaluationTracker, task_name: str, samples: Sequence[Any]) -> None:
    """Write the samples of a task as lm-eval does. See `_check`."""
    _write_samples(self, task_name=task_name, samples=samples)
    if self.output_path and self in _RUNS:
        path = _folder(self) / f"samples_{task_name}_{self.date_id}.jsonl"
        _check(self, path.name, _count_lines(path) == len(samples))


def _check(tracker: EvaluationTracker, name: str, complete: bool) -> None:
    """Note whether a file is whole.

    Raises:
        UsageError: it was the last one, and some of them are not. The tables are printed before: lm-eval would.
    """
    run = _RUNS[tracker]
    run.seen += 1
    run.incomplete += [] if complete else [name]
    if run.seen < run.files or not run.incomplete:
        return
    if is_lm_eval():
        print(make_table(run.results))
        if "groups" in run.results:
            print(make_table(run.results, "groups"))
    cached = (run.results.get("config") or {}).get("use_cache")
    answers = "--use_cache holds all answers" if cached else "with --use_cache no answer would be asked for twice"
    raise UsageError(
        f"--output_path {tracker.output_path}: {len(run.incomplete)} of {run.files} files are missing or cut off "
        f"({', '.join(run.incomplete[:3])}{', …' if len(run.incomplete) > 3 else ''}): free some space, or give "
        f"another folder, and run again; {answers}"
    )


def _folder(tracker: EvaluationTracker) -> Path:
    """The folder that lm-eval writes to."""
    folder = WrittenPaths(str(tracker.output_path)).output_folder
    if folder != Path(tracker.output_path):
        return folder
    return folder / str(tracker.general_config_tracker.model_name_sanitized)


def _count_lines(path: Path) -> int:
    """The number of whole lines in a file; none if it is missing."""
    try:
        with path.open("rb") as lines:
            return sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))
    except OSError:
        return 0
