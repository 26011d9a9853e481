"""`faithful-se board --check`: checks whether a folder of results is fit for a shared board.

A submission holds what lm_eval wrote with --log_samples, and the `train_info.json` of a trained model. It declares
everything that is not the default in `submission.json`: {"options": {"classifier": "loglikelihood"}, "limit": 500}.
A folder with a `board.json` is a published board, checked in `leaderboards.published`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import read_json_object
from faithful_se.train_info import TRAIN_INFO
from leaderboards import published
from leaderboards.checkpoints.group_runs import CheckpointRuns, group_runs
from leaderboards.lm_eval_files.find_results import find_results
from leaderboards.lm_eval_files.large_files import BrokenError
from leaderboards.lm_eval_files.option_defaults import DEFAULTS
from leaderboards.lm_eval_files.read_runs import grouped, read_files
from leaderboards.lm_eval_files.recorded_model import as_text
from leaderboards.lm_eval_files.results_file import Run
from leaderboards.lm_eval_files.samples_file import read_samples
from leaderboards.lm_eval_files.select_runs import group_messages, mean_mismatches
from leaderboards.sanitize import terminal_line

SUBMISSION = "submission.json"

# (file or checkpoint, what is wrong with it)
Finding = tuple[str, str]


def report(paths: Sequence[Path]) -> int:
    """Print one line per finding. Returns 0 if there is none, else 1."""
    boards = [path for path in paths if published.is_board(path)]
    others = [path for path in paths if path not in boards]
    findings = group_messages(
        [*chain(*map(published.find_problems, boards)), *(find_problems(others) if others else ())]
    )
    for problem, file in findings.items():
        print(terminal_line(f"{file}: {problem}"))
    count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    print(count if findings else "nothing found: fit for a board")
    return int(bool(findings))


def find_problems(paths: Sequence[Path]) -> Iterator[Finding]:
    """What keeps the folders off a shared board.

    Raises:
        UsageError: there are no results, or `submission.json` is damaged.
    """
    search = find_results(paths)
    declared = _read_declaration(paths)
    files = read_files(search)
    for skipped in grouped([*search.skipped, *files.skipped]):
        yield skipped.path, skipped.reason
    for path in files.without_runs:
        yield str(path), "no faithful_se task in it"
    for run in files.runs:
        yield from _check_options(run, declared)
        yield from _check_samples(run)
    for checkpoint in group_runs(files.runs, {})[0] if files.runs else []:
        yield from _check_checkpoint(checkpoint, paths)


def _check_options(run: Run, declared: dict[str, Any]) -> Iterator[Finding]:
    source = f"{run.file} ({run.task})"
    for name, default in DEFAULTS.items():
        value = as_text(run.options.get(name, default))
        if value not in (as_text(default), as_text(declared["options"].get(name, default))):
            yield source, f"{name}={value} is not the default; declare it in {SUBMISSION} or run without it"
    if other := run.model.explained_by:
        yield source, f"explained by {other}, not by the model itself; run it without explanations=…"
    if run.limit is not None and run.limit != declared["limit"]:
        yield source, f"--limit {run.limit}; run on all documents, or declare it in {SUBMISSION}"
    if "data_fingerprint" not in run.options:
        yield source, "no data_fingerprint, so its documents are unknown; run it with this version"


def _check_samples(run: Run) -> Iterator[Finding]:
    source = f"{run.file} ({run.task})"
    if run.samples is None:
        yield source, "no samples beside it; run with --log_samples"
        return
    try:
        samples = read_samples(run.samples)
    except BrokenError as error:
        yield str(run.samples), str(error)
        return
    if run.n is None or len(samples.frame) != run.n:
        yield str(run.samples), f"{len(samples.frame)} documents, the results say {run.n}"
    for problem in samples.problems:
        if "all with equal texts" not in problem:
            yield str(run.samples), problem
    for name in ("faithful", "valid", "acc"):
        if missing := samples.frame[name].null_count() if name in samples.metrics else len(samples.frame):
            yield str(run.samples), f"{missing} documents without {name}"
        if name not in run.reported:
            yield source, f"no mean of {name} in the results"
    for mismatch in mean_mismatches(run, samples):
        yield str(run.samples), mismatch


def _check_checkpoint(checkpoint: CheckpointRuns, paths: Sequence[Path]) -> Iterator[Finding]:
    trained = checkpoint.model.pretrained or checkpoint.training
    if trained and not _is_submitted(checkpoint, paths):
        reason = f"trained, but no {TRAIN_INFO} in the folder; put the one that training wrote beside the results"
        yield checkpoint.name, reason
    counts = Counter(run.key for run in checkpoint.runs)
    for key, count in sorted(counts.items()):
        if count > 1:
            yield checkpoint.name, f"{count} runs of {key.task}; leave one"


def _is_submitted(checkpoint: CheckpointRuns, paths: Sequence[Path]) -> bool:
    """Whether the training's file is in the submitted folders. A board also finds it beside the model."""
    if checkpoint.training is None:
        return False
    source = Path(checkpoint.training.source).resolve()
    folders = (path if path.is_dir() else path.parent for path in paths)
    return any(source.is_relative_to(folder.resolve()) for folder in folders)


def _read_declaration(paths: Sequence[Path]) -> dict[str, Any]:
    declared: dict[str, Any] = {"options": {}, "limit": None}
    for path in paths:
        file = (path if path.is_dir() else path.parent) / SUBMISSION
        if file.is_file():
            remedy = f'give {{"options": {{...}}, "limit": ...}} in {SUBMISSION}'
            content = read_json_object(file, remedy)
            options = content.get("options", {})
            if not isinstance(options, dict):
                raise UsageError(f"{file}: options is no object; {remedy}")
            declared["options"] |= options
            declared["limit"] = content.get("limit", declared["limit"])
    return declared
