"""Parses a results file of lm-eval into runs: which model, which task, which options, how many documents."""

from __future__ import annotations

import hashlib
import json
import math
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from leaderboards.lm_eval_files.find_results import ResultsFile
from leaderboards.lm_eval_files.large_files import BrokenError, refuse_large_file, refuse_long_lines
from leaderboards.lm_eval_files.recorded_model import Model, is_prompt_recorded, parse_model

# The option that holds the folder of the data. It says nothing about the documents; `data_fingerprint` does.
DATA_FOLDER = "data"

# Options that every faithful_se task records.
_TASK_OPTIONS = {"dataset", "style", "budget", "labels"}

# Every JSON reader can hold these.
_LARGEST_INTEGER = 2**63 - 1
_DEEPEST = 50

# Options that earlier versions did not record, with what these did.
_LATER_OPTIONS = {"order": "file", "order_seed": 0}

# Options that say who explains. They make another row of a comparison, not another task.
_EXPLAINER_OPTIONS = ("explanations", "explanations_digest")


class NoResultsError(BrokenError):
    """A file that lm-eval did not write."""


class SamplesFile(NamedTuple):
    """Where the samples of a run are: a file of lines; or, where a task is given, inside a results file."""

    path: Path
    task: str = ""

    def __str__(self) -> str:
        return f"{self.path} ({self.task})" if self.task else str(self.path)


class TaskKey(NamedTuple):
    """What runs must share to be compared: the task, its version, and its options as JSON."""

    task: str
    version: float
    options: str


@dataclass(frozen=True)
class Run:
    """One task of one results file.

    Attributes:
        file: the results file.
        output_path: lm_eval's --output_path. lm-eval writes into a folder below it, named after the model.
        date: ISO 8601, from the file's name, else when the run began.
        task: name in lm-eval.
        version: of the task.
        options: from `configs[task].metadata.faithful_se`.
        n: number of evaluated documents; None if not recorded.
        limit: documents that `--limit` left; None for all.
        reported: metric -> mean, as in the results, without undefined ones.
        samples: None without --log_samples.
        is_prompt_recorded: whether the file says if there was a chat template.
        not_measurable: why the evaluation calls `faithful` and `lift` not measurable, in a few words; "" where it does
            not.
    """

    file: Path
    output_path: Path
    date: str
    model: Model
    task: str
    version: float
    options: dict[str, Any]
    n: int | None
    limit: int | None
    reported: dict[str, float]
    samples: SamplesFile | None
    is_prompt_recorded: bool = True
    not_measurable: str = ""

    @property
    def key(self) -> TaskKey:
        """Runs with the same key can be compared."""
        ignored = {DATA_FOLDER} if "data_fingerprint" in self.options else set()
        options = {name: value for name, value in self.options.items() if name not in ignored}
        return TaskKey(self.task, self.version, json.dumps(options, sort_keys=True, ensure_ascii=False))


def read_results(file: ResultsFile) -> tuple[list[Run], int, list[str]]:
    """The faithful_se runs of a results file, the number of other tasks in it, and which tasks are unusable and why.

    Raises:
        NoResultsError: the file holds no results of lm-eval.
        BrokenError: the file cannot be read, or is cut.
    """
    content = read_json(file.path)
    configs, results, config = content.get("configs"), content.get("results"), content.get("config")
    if not (isinstance(configs, dict) and isinstance(results, dict) and isinstance(config, dict)):
        raise NoResultsError("JSON, but no results of lm_eval (configs, results or config is missing)")
    runs, foreign, broken = [], 0, list[str]()
    model, folder = parse_model(content, config, file.path), file.path.parent
    output_path = folder.parent if folder.name == content.get("model_name_sanitized") else folder
    for task, task_config in configs.items():
        options = _nested(task_config, "metadata", "faithful_se")
        if not isinstance(options, dict) or not set(options) >= _TASK_OPTIONS:
            foreign += 1
            continue
        if reason := _wrong_option(options):
            broken.append(f"{task}: {reason}")
            continue
        explainer, digest = (str(options.get(name, "")) for name in _EXPLAINER_OPTIONS)
        options = {name: value for name, value in options.items() if name not in _EXPLAINER_OPTIONS}
        counts = _nested(content, "n-samples", task)
        n = counts.get("effective") if isinstance(counts, dict) else _nested(results, task, "sample_len")
        runs.append(
            Run(
                file=file.path,
                output_path=output_path,
                date=iso_date(file.date) or _start_date(content),
                model=replace(model, explained_by=explainer, explainer_digest=digest),
                task=str(task),
                version=_first_number(_nested(content, "versions", task), _nested(task_config, "metadata", "version")),
                options={**_LATER_OPTIONS, **options},
                n=int(n) if is_number(n) and n >= 0 else None,
                limit=_limit(counts, config),
                reported=_reported_means(results.get(task)),
                samples=_find_samples(file, content, str(task)),
                is_prompt_recorded=is_prompt_recorded(content),
                not_measurable=_not_measurable(results.get(task)),
            )
        )
    return runs, foreign, broken


def iso_date(date: str) -> str:
    """lm-eval's date in a file name, `2026-11-23T21-30-17.057352`, as ISO 8601. Other dates are returned unchanged."""
    day, separator, time = date.partition("T")
    return day + separator + time.replace("-", ":", 2) if separator else date


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value from JSON is a number that a float can hold: no bool, no nan, no integer of 400 digits."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def to_strict_json(value: Any, depth: int = 0) -> Any:
    """What Python read from JSON, as values that strict JSON in UTF-8 can hold.

    Models may write lone surrogates, which UTF-8 cannot hold: they are replaced. nan and infinity become None, and so
    do integers that no other program reads.

    Raises:
        ValueError: the value is nested too deeply for whoever reads the board.
    """
    if depth > _DEEPEST:
        raise ValueError(f"nested deeper than {_DEEPEST}")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_INTEGER else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {to_strict_json(key): to_strict_json(item, depth + 1) for key, item in value.items()}
    return [to_strict_json(item, depth + 1) for item in value] if isinstance(value, list) else value


def samples_inside(content: Mapping[str, Any], task: str) -> list[Any] | None:
    """The samples of a task inside a results file, where `simple_evaluate` puts them; None if there are none."""
    samples = _nested(content, "samples", task)
    return samples if isinstance(samples, list) and samples else None


def _find_samples(file: ResultsFile, content: Mapping[str, Any], task: str) -> SamplesFile | None:
    """The samples of a task: beside the file, else inside."""
    if task in file.samples:
        return SamplesFile(file.samples[task])
    if samples_inside(content, task):
        return SamplesFile(file.path, task)
    digest = _nested(content, "task_hashes", task)
    return next((SamplesFile(path) for path in file.candidates.get(task, ()) if _digest(path) == digest), None)


def _digest(path: Path) -> str | None:
    """What lm-eval records of a samples file as `task_hashes`; None for a damaged file."""
    parts = ("doc_hash", "prompt_hash", "target_hash")
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError), path.open("rb") as lines:
        refuse_long_lines(lines)
        samples = (json.loads(line) for line in lines)
        return hashlib.sha256("".join(sample[part] for sample in samples for part in parts).encode()).hexdigest()
    return None


def _start_date(content: Mapping[str, Any]) -> str:
    """When the run began, in local time as in lm-eval's file names; "" if it is not recorded."""
    with suppress(KeyError, TypeError, ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(content["date"]).isoformat(timespec="microseconds")
    return ""


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        NoResultsError: the file holds something else.
        BrokenError: the file cannot be read, or is cut.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BrokenError("is no regular file")  # a named pipe would be waited for
        refuse_large_file(path)
        content = to_strict_json(json.loads(path.read_text("utf-8")))
    except BrokenError:
        raise
    except OSError as error:
        raise BrokenError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BrokenError("is not text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        empty = not path.stat().st_size
        raise BrokenError("is empty" if empty else f"is not complete JSON, cut or damaged ({error})") from error
    if not isinstance(content, dict):
        raise NoResultsError("JSON, but no results of lm_eval")
    return content


def _limit(counts: Any, config: Mapping[str, Any]) -> int | None:
    if isinstance(counts, dict) and is_number(counts.get("original")):
        effective, original = counts.get("effective"), counts["original"]
        return int(effective) if is_number(effective) and effective < original else None
    limit = config.get("limit")
    return int(limit) if is_number(limit) and limit >= 1 else None


def _wrong_option(options: Mapping[str, Any]) -> str:
    """What is wrong with the options that name and describe a task; "" where nothing is."""
    for name in ("dataset", "style", "budget"):
        if not isinstance(options[name], str) or not options[name]:
            return f"{name} is {_short(options[name])}, not a name"
    for name in ("labels", "titles"):
        value = options.get(name)
        if name == "titles" and value is None:
            continue  # older versions recorded none
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            return f"{name} is {_short(value)}, not a list of texts"
        if len(set(value)) < len(value):
            return f"{name} has equal entries: {_short(value)}"
    return ""


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _reported_means(results: Any) -> dict[str, float]:
    """Means by metric. lm-eval's keys are `<metric>,<filter>`; standard errors and "N/A" are left out."""
    means = {}
    for key, value in results.items() if isinstance(results, dict) else ():
        metric, comma, _ = str(key).partition(",")
        if comma and is_number(value) and not metric.endswith("_stderr"):
            means[metric] = float(value)
    return means


def _not_measurable(results: Any) -> str:
    """The reason in `no (one answer for 16 of 16)`, which lm-eval's table has for the key `measurable`."""
    reported = results.items() if isinstance(results, dict) else ()
    value = next((value for key, value in reported if str(key).startswith("measurable,")), "")
    return value.removeprefix("no (").removesuffix(")") if isinstance(value, str) and value.startswith("no (") else ""


def _nested(value: Any, *keys: Any) -> Any:
    """value[key][key]...; None if a key is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _first_number(*values: Any) -> float:
    for value in values:
        with suppress(TypeError, ValueError, OverflowError):
            if is_number(float(value)):
                return float(value)
    return 0.0
