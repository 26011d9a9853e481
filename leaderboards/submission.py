"""`faithful-se board --check`: is a folder of results fit for a shared board?

A submission is what lm_eval wrote with --log_samples, and the `train_info.json` of what was trained. Whatever differs
from the defaults is declared in `submission.json`: {"options": {"classifier": "loglikelihood"}, "limit": 500}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from leaderboards import find_results, samples, select_runs
from leaderboards.checkpoints import rows_of
from leaderboards.runs import BrokenError, Run, read_results
from leaderboards.terminal import clean
from leaderboards.train_info import INFO

# As in design.md, "Options of a task". An option that a run does not record was not asked of it.
DEFAULTS: dict[str, Any] = {
    "data": "hub",
    "classifier": "generate",
    "context": "same",
    "mask": "[REDACTED]",
    "unknown": False,
    "controls": ["random"],
    "operator": "mask",
    "draws": 2,
}

DECLARED = "submission.json"


def report(paths: Sequence[Path]) -> int:
    """Print one line per finding; 0 if there is none, else 1."""
    found: dict[str, list[str]] = {}
    for where, what in findings(paths):
        found.setdefault(what, []).append(where)
    for what, places in found.items():
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        print(clean(f"{places[0]}{more}: {what}"))
    print(f"{len(found)} finding{'s' if len(found) > 1 else ''}" if found else "nothing found: fit for a board")
    return int(bool(found))


def findings(paths: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """What keeps the folder off a shared board: (where, what).

    Raises:
        UsageError: no results at all, or a `submission.json` that is none.
    """
    search = find_results.find(paths)
    declared = _declared(paths)
    for one in search.skipped:
        yield one.path, one.reason
    runs: list[Run] = []
    for found in search.found:
        try:
            its, _ = read_results(found)
        except BrokenError as error:
            yield str(found.path), str(error)
            continue
        if not its:
            yield str(found.path), "no faithful_se task in it"
        runs += its
    for run in runs:
        yield from _of_run(run, declared)
    rows, _ = rows_of(runs, {}) if runs else ([], [])
    for row in rows:
        told = Path(row.training.source).resolve() if row.training else None
        inside = told is not None and any(told.is_relative_to(path.resolve()) for path in paths)
        if not inside and (row.model.pretrained or row.training):
            yield row.name, f"trained, but no {INFO} in the folder; put the one that training wrote beside the results"
        dates = [run.sheet for run in row.runs]
        for sheet in sorted({sheet for sheet in dates if dates.count(sheet) > 1}):
            yield row.name, f"{dates.count(sheet)} runs of {sheet[0]}; leave one"


def _of_run(run: Run, declared: dict[str, Any]) -> Iterator[tuple[str, str]]:
    where = f"{run.file} ({run.task})"
    for name, usual in DEFAULTS.items():
        value = run.options.get(name, usual)
        if _plain(value) not in (_plain(usual), _plain(declared["options"].get(name, usual))):
            yield where, f"{name}={_plain(value)} is not the default; declare it in {DECLARED} or run without it"
    if run.limit is not None and run.limit != declared.get("limit"):
        yield where, f"--limit {run.limit}; run on all documents, or declare it in {DECLARED}"
    if "data_fingerprint" not in run.options:
        yield where, "no data_fingerprint: which documents it read cannot be known; run it with this version"
    if run.samples is None:
        yield where, "no samples beside it; run with --log_samples"
        return
    try:
        read = samples.read(run.samples)
    except BrokenError as error:
        yield str(run.samples), str(error)
        return
    if run.n is None or len(read.frame) != run.n:
        yield str(run.samples), f"{len(read.frame)} documents, the results say {run.n}"
    for problem in read.problems:
        if "all with equal texts" not in problem:
            yield str(run.samples), problem
    for name in ("faithful", "valid", "acc"):
        if missing := read.frame[name].null_count() if name in read.metrics else len(read.frame):
            yield str(run.samples), f"{missing} documents without {name}"
        if name not in run.reported:
            yield where, f"no mean of {name} in the results"
    for told in select_runs.differences(run, read):
        yield str(run.samples), told


def _declared(paths: Sequence[Path]) -> dict[str, Any]:
    declared: dict[str, Any] = {"options": {}}
    for path in paths:
        file = path / DECLARED
        if not file.is_file():
            continue
        try:
            content = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{file}: cannot be read ({error})") from error
        if not isinstance(content, dict) or not isinstance(content.get("options", {}), dict):
            raise UsageError(f'{file}: give {{"options": {{…}}, "limit": …}}')
        declared["options"] |= content.get("options", {})
        declared["limit"] = content.get("limit", declared.get("limit"))
    return declared


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
