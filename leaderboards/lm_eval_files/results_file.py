"""Parses a `results_<date>.json` of lm-eval into runs: which model, which task, which options, how many documents."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from leaderboards.lm_eval_files.find_results import ResultsFile

# The option that holds the folder of the data. It says nothing about the documents; `data_fingerprint` does.
DATA_FOLDER = "data"

# Model arguments that name the weights. The first one that is set names the model.
_PATH_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")
_WEIGHTS = ("model_revision", "model_sha", "peft_sha", "model_num_parameters")

# Options that every faithful_se task records.
_TASK_OPTIONS = {"dataset", "style", "budget", "labels"}


class BrokenError(ValueError):
    """A file that cannot be used; the text says why in a few words."""


class TaskKey(NamedTuple):
    """What runs must share to be compared: the task, its version, and its options as JSON."""

    task: str
    version: float
    options: str


@dataclass(frozen=True)
class Model:
    """What distinguishes models: equal values mean the same model.

    Attributes:
        backend: lm-eval's --model.
        name: its path, else the backend (lm-eval makes up a hash where there is no path).
        arguments: model_args, sorted, as "name=value, ...".
        path: folder or hub name of its weights; "" if there are none (a server, a rule-based model).
        pretrained: base model of an adapter, else "".
        prompting: everything else that changes prompts or answers: system instruction, chat template, generation
            settings.
        weights: commit hashes and number of parameters, as far as recorded.
    """

    backend: str
    name: str
    arguments: str
    path: str
    pretrained: str
    prompting: str = ""
    weights: str = ""


@dataclass(frozen=True)
class Run:
    """One task of one results file.

    Attributes:
        file: the results file.
        output_path: lm_eval's --output_path. lm-eval writes into a folder below it, named after the model.
        date: ISO 8601, from the file's name.
        task: name in lm-eval.
        version: of the task.
        options: from `configs[task].metadata.faithful_se`.
        n: number of evaluated documents; None if not recorded.
        limit: documents that `--limit` left; None for all.
        reported: metric -> mean, as in the results, without undefined ones.
        samples: samples file; None without --log_samples.
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
    samples: Path | None
    not_measurable: str = ""

    @property
    def key(self) -> TaskKey:
        """Runs with the same key can be compared."""
        ignored = {DATA_FOLDER} if "data_fingerprint" in self.options else set()
        options = {name: value for name, value in self.options.items() if name not in ignored}
        return TaskKey(self.task, self.version, json.dumps(options, sort_keys=True, ensure_ascii=False))


def read_results(file: ResultsFile) -> tuple[list[Run], int]:
    """The faithful_se runs of a results file, and the number of other tasks in it.

    Raises:
        BrokenError: the file cannot be read, is cut, or holds no results of lm-eval.
    """
    content = _read_json(file.path)
    configs, results, config = content.get("configs"), content.get("results"), content.get("config")
    if not (isinstance(configs, dict) and isinstance(results, dict) and isinstance(config, dict)):
        raise BrokenError("JSON, but no results of lm_eval (configs, results or config is missing)")
    runs, foreign = [], 0
    model, folder = parse_model(content, config), file.path.parent
    output_path = folder.parent if folder.name == content.get("model_name_sanitized") else folder
    for task, task_config in configs.items():
        options = _nested(task_config, "metadata", "faithful_se")
        if not isinstance(options, dict) or not set(options) >= _TASK_OPTIONS:
            foreign += 1
            continue
        counts = _nested(content, "n-samples", task)
        n = counts.get("effective") if isinstance(counts, dict) else _nested(results, task, "sample_len")
        runs.append(
            Run(
                file=file.path,
                output_path=output_path,
                date=iso_date(file.date),
                model=model,
                task=str(task),
                version=_first_number(_nested(content, "versions", task), _nested(task_config, "metadata", "version")),
                options=options,
                n=int(n) if isinstance(n, (int, float)) and math.isfinite(n) else None,
                limit=_limit(counts, config),
                reported=_reported_means(results.get(task)),
                samples=file.samples.get(str(task)),
                not_measurable=_not_measurable(results.get(task)),
            )
        )
    return runs, foreign


def parse_model(content: Mapping[str, Any], config: Mapping[str, Any]) -> Model:
    """The model of a results file."""
    arguments = _model_arguments(config.get("model_args"))
    path = next((str(arguments[name]) for name in _PATH_ARGUMENTS if arguments.get(name)), "")
    prompting = {
        "system instruction": content.get("system_instruction") or None,
        "no chat template": None if content.get("chat_template") else True,
        "gen_kwargs": config.get("gen_kwargs") or None,
    }
    return Model(
        backend=str(config.get("model") or "?"),
        name=path or str(config.get("model") or "?"),
        arguments=", ".join(f"{name}={as_text(value)}" for name, value in sorted(arguments.items())),
        path=path,
        pretrained=str(arguments.get("pretrained") or "") if arguments.get("peft") else "",
        prompting="; ".join(
            name if value is True else f"{name} {as_text(value)}" for name, value in prompting.items() if value
        ),
        weights=", ".join(f"{key}={config[key]}" for key in _WEIGHTS if config.get(key) not in (None, "", "main")),
    )


def iso_date(date: str) -> str:
    """lm-eval's date in a file name, `2026-11-23T21-30-17.057352`, as ISO 8601. Other dates are returned unchanged."""
    day, separator, time = date.partition("T")
    return day + separator + time.replace("-", ":", 2) if separator else date


def as_text(value: Any) -> str:
    """A value of an option: strings unchanged, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def to_strict_json(value: Any) -> Any:
    """What Python read from JSON, as values that strict JSON in UTF-8 can hold.

    Models may write lone surrogates, which UTF-8 cannot hold: they are replaced. nan and infinity become None.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {to_strict_json(key): to_strict_json(item) for key, item in value.items()}
    return [to_strict_json(item) for item in value] if isinstance(value, list) else value


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BrokenError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BrokenError("is not text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        empty = not path.stat().st_size
        raise BrokenError("is empty" if empty else f"is not complete JSON, cut or damaged ({error})") from error
    if not isinstance(content, dict):
        raise BrokenError("JSON, but no results of lm_eval")
    strict: dict[str, Any] = to_strict_json(content)
    return strict


def _model_arguments(arguments: Any) -> dict[str, Any]:
    """lm-eval records model_args as an object or as the string of the command line."""
    if isinstance(arguments, dict):
        return arguments
    pairs = [part.partition("=") for part in str(arguments or "").split(",") if part.strip()]
    return {name.strip(): value for name, _, value in pairs}


def _limit(counts: Any, config: Mapping[str, Any]) -> int | None:
    if isinstance(counts, dict) and counts.get("original") is not None:
        effective, original = counts.get("effective"), counts["original"]
        return int(effective) if isinstance(effective, int) and effective < original else None
    limit = config.get("limit")
    return int(limit) if isinstance(limit, (int, float)) and limit >= 1 else None


def _reported_means(results: Any) -> dict[str, float]:
    """Means by metric. lm-eval's keys are `<metric>,<filter>`; standard errors and "N/A" are left out."""
    means = {}
    for key, value in results.items() if isinstance(results, dict) else ():
        metric, comma, _ = str(key).partition(",")
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if comma and is_number and not metric.endswith("_stderr"):
            means[metric] = float(value)
    return means


def _not_measurable(results: Any) -> str:
    """The reason in `no (one answer for 16 of 16)`, which lm-eval's table has for the key `measurable`."""
    value = next((v for k, v in results.items() if str(k).startswith("measurable,")), "") if results else ""
    return value.removeprefix("no (").removesuffix(")") if isinstance(value, str) and value.startswith("no (") else ""


def _nested(value: Any, *keys: Any) -> Any:
    """value[key][key]...; None if a key is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _first_number(*values: Any) -> float:
    for value in values:
        try:
            return float(value)
        except (TypeError, ValueError):
            continue
    return 0.0
