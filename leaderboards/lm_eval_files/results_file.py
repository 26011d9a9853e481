"""One results file of lm-eval -> its runs: which model, which task, which options, how many documents."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaderboards.find_results import Found

# Where the documents lay says nothing about them: `data_fingerprint` does.
PLACE = "data"


# Arguments that say what a model is, as lm-eval reads them, the last first.
_PATHS = ("peft", "delta", "pretrained", "model", "path", "engine")


class BrokenError(ValueError):
    """A file that cannot be used, and why, in a few words."""


@dataclass(frozen=True)
class Model:
    """What tells a model from others: equal values, equal model.

    Attributes:
        backend: lm-eval's --model.
        name: its path, else the backend: where lm-eval finds no path it makes up a hash.
        arguments: model_args, sorted, as "name=value, …".
        path: the path or hub name of its weights; "" where there are none (a server, a rule).
        pretrained: base of an adapter, else "".
        asked: what else changes its prompts or answers: system instruction, chat template, generation settings.
        weights: commit hashes and number of parameters, where recorded.
    """

    backend: str
    name: str
    arguments: str
    path: str
    pretrained: str
    asked: str = ""
    weights: str = ""


@dataclass(frozen=True)
class Run:
    """One task of one results file.

    Attributes:
        file: the results file.
        place: what was given to lm_eval as --output_path: it writes into a folder named after the model inside.
        date: ISO 8601, from the file's name.
        task: as lm-eval knows it.
        options: under `configs[task].metadata.faithful_se`.
        n: documents it says it evaluated; None where it does not say.
        limit: of the call; None for all.
        reported: metric -> mean, as in the results; undefined ones left out.
        samples: None without --log_samples.
    """

    file: Path
    place: Path
    date: str
    model: Model
    task: str
    version: float
    options: dict[str, Any]
    n: int | None
    limit: int | None
    reported: dict[str, float]
    samples: Path | None

    @property
    def sheet(self) -> tuple[str, float, str]:
        """Task, version and options: runs are compared within one of these only."""
        options = {
            key: value for key, value in self.options.items() if key != PLACE or "data_fingerprint" not in self.options
        }
        return self.task, self.version, json.dumps(options, sort_keys=True, ensure_ascii=False)


def read_results(found: Found) -> tuple[list[Run], int]:
    """The runs of a results file that are ours, and how many tasks of others it holds.

    Raises:
        BrokenError: not readable, cut, or no results of lm-eval.
    """
    content = _content(found.path)
    configs, results = content.get("configs"), content.get("results")
    config = content.get("config")
    if not all(isinstance(part, dict) for part in (configs, results, config)):
        raise BrokenError("JSON, but no results of lm_eval (configs, results or config is missing)")
    assert isinstance(configs, dict) and isinstance(results, dict) and isinstance(config, dict)
    runs, foreign = [], 0
    model, folder = model_of(content, config), found.path.parent
    place = folder.parent if folder.name == content.get("model_name_sanitized") else folder
    for task, settings in configs.items():
        options = _inside(settings, "metadata", "faithful_se")
        if not isinstance(options, dict) or not {"dataset", "style", "budget", "labels"} <= set(options):
            foreign += 1
            continue
        counts = _inside(content, "n-samples", task)
        n = counts.get("effective") if isinstance(counts, dict) else _inside(results, task, "sample_len")
        runs.append(
            Run(
                file=found.path,
                place=place,
                date=iso(found.date),
                model=model,
                task=str(task),
                version=_number(_inside(content, "versions", task), _inside(settings, "metadata", "version")),
                options=options,
                n=int(n) if isinstance(n, (int, float)) and math.isfinite(n) else None,
                limit=_limit(counts, config),
                reported=_reported(results.get(task)),
                samples=found.samples.get(str(task)),
            )
        )
    return runs, foreign


def model_of(content: Mapping[str, Any], config: Mapping[str, Any]) -> Model:
    """The model of a results file."""
    arguments = _arguments(config.get("model_args"))
    path = next((str(arguments[name]) for name in _PATHS if arguments.get(name)), "")
    asked = {
        "system instruction": content.get("system_instruction") or None,
        "no chat template": None if content.get("chat_template") else True,
        "gen_kwargs": config.get("gen_kwargs") or None,
    }
    kept = ("model_revision", "model_sha", "peft_sha", "model_num_parameters")
    return Model(
        backend=str(config.get("model") or "?"),
        name=path or str(config.get("model") or "?"),
        arguments=", ".join(f"{key}={_plain(value)}" for key, value in sorted(arguments.items())),
        path=path,
        pretrained=str(arguments.get("pretrained") or "") if arguments.get("peft") else "",
        asked="; ".join(key if value is True else f"{key} {_plain(value)}" for key, value in asked.items() if value),
        weights=", ".join(f"{key}={config[key]}" for key in kept if config.get(key) not in (None, "", "main")),
    )


def iso(date: str) -> str:
    """lm-eval's date in a file name, ``2026-11-23T21-30-17.057352``, as ISO 8601. Others stay as they are."""
    day, separator, time = date.partition("T")
    return day + separator + time.replace("-", ":", 2) if separator else date


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BrokenError(f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BrokenError("is not text in UTF-8") from error
    except (ValueError, RecursionError) as error:
        empty = not path.stat().st_size
        raise BrokenError("is empty" if empty else f"is not whole JSON, cut or damaged ({error})") from error
    if not isinstance(content, dict):
        raise BrokenError("JSON, but no results of lm_eval")
    plain: dict[str, Any] = encodable(content)
    return plain


def encodable(value: Any) -> Any:
    """What Python reads from JSON as what a strict file can hold.

    A lone surrogate (a model may write one) is replaced, since UTF-8 has none; nan and infinity become None.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list) else value


def _arguments(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    pairs = [part.partition("=") for part in str(given or "").split(",") if part.strip()]
    return {key.strip(): value for key, _, value in pairs}


def _limit(counts: Any, config: Mapping[str, Any]) -> int | None:
    if isinstance(counts, dict) and counts.get("original") is not None:
        effective, original = counts.get("effective"), counts["original"]
        return int(effective) if isinstance(effective, int) and effective < original else None
    limit = config.get("limit")
    return int(limit) if isinstance(limit, (int, float)) and limit >= 1 else None


def _reported(row: Any) -> dict[str, float]:
    """Means by metric key, without filters' suffix, companions and what is no number ("N/A", nan)."""
    found = {}
    for key, value in row.items() if isinstance(row, dict) else ():
        name, _, _ = str(key).partition(",")
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if "," in str(key) and number and not name.endswith("_stderr"):
            found[name] = float(value)
    return found


def _inside(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _number(*values: Any) -> float:
    for value in values:
        try:
            return float(value)
        except (TypeError, ValueError):
            continue
    return 0.0


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
