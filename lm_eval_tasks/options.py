"""Options of a task: what a user may set with `--metadata`, checked before anything is loaded.

lm-eval passes `--metadata` and `--model_args` in one mapping, so an unknown name may be a model argument. Names that
are nearly an option are refused, because lm-eval would silently ignore them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from faithful_se.errors import UsageError

CHOICES: dict[str, tuple[str, ...]] = {
    "classifier": ("generate", "loglikelihood"),
    "context": ("same", "fresh"),
    "operator": ("mask", "delete", "substitute"),
    "order": ("file", "balanced"),
}
# The least value of whole numbers.
LEAST = {"draws": 1, "order_seed": 0}
CONTROLS = ("random", "oracle", "stability")


@dataclass(frozen=True)
class Options:
    """How explanations are asked for and scored. docs/protocol.md, "Options of a task"."""

    data: str = "hub"  # ``hub``, ``mini`` or a folder
    classifier: str = "generate"  # ``generate`` (reads the generated label) or ``loglikelihood`` (ranks the labels)
    context: str = "same"  # ``same`` conversation as the answer, or ``fresh``
    mask: str = "[REDACTED]"  # the text in place of a removed word
    unknown: bool = False  # whether to offer "unknown" as a label
    # which of `CONTROLS` run; ``oracle`` includes ``random``, because ccf needs both
    controls: tuple[str, ...] = ("random",)
    operator: str = "mask"  # how named words are removed: ``mask``, ``delete`` or ``substitute``
    draws: int = 2  # random sets of words per document, for the chance control
    # ``file`` takes the documents as they come, ``balanced`` takes every gold label equally often: for `--limit`
    order: str = "file"
    order_seed: int = 0  # of the draw of ``balanced``

    def as_dict(self) -> dict[str, Any]:
        """Plain values for transcripts and result files."""
        return {**asdict(self), "controls": list(self.controls)}


def read_options(task: str, declared: Mapping[str, Any], overrides: Mapping[str, Any]) -> Options:
    """Options of one task: the defaults, overridden by its YAML, overridden by the user.

    `declared` is the YAML's ``metadata.faithful_se``. `overrides` is ``metadata`` as lm-eval passes it: the user's
    `--metadata` mixed with `--model_args`.

    Raises:
        UsageError: a value is not allowed, or a name is nearly an option.
    """
    names = [field.name for field in fields(Options)]
    for name in overrides:
        near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.8)
        if near and name not in names:
            raise UsageError(f"{task}: --metadata {name}=…: no such option; did you mean {near[0]}?")
    values: dict[str, Any] = {}
    for source in (declared, overrides):  # a mistake in the YAML is refused even where the user overrides it
        values |= {name: _read_value(task, name, source[name]) for name in names if name in source}
    options = Options(**values)
    if options.order_seed and options.order != "balanced":
        raise UsageError(f"{task}: order_seed={options.order_seed} is for order=balanced: leave it out")
    return options


def _read_value(task: str, name: str, value: Any) -> Any:
    if name == "controls":
        return _read_controls(task, value)
    if name == "unknown":
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise UsageError(f"{task}: unknown={value!r}: give true or false")
        return value
    if name in LEAST:
        if isinstance(value, bool) or not str(value).isdigit() or int(value) < LEAST[name]:
            raise UsageError(f"{task}: {name}={value!r}: give a whole number from {LEAST[name]}")
        return int(value)
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{task}: {name}={value!r}: give one of {', '.join(CHOICES[name])}")
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{task}: {name}={value!r}: give a text that is not empty")
    if name == "mask" and "\n" in value:
        raise UsageError(f"{task}: mask={value!r}: a mask cannot hold a line break")
    return value


def _read_controls(task: str, value: Any) -> tuple[str, ...]:
    # random | random+oracle | [random, oracle] | none | all
    if isinstance(value, str):
        text = value.strip().strip("[]()")
        names = [part.strip().strip("'\"") for part in text.replace("+", ",").split(",") if part.strip()]
    else:
        names = [str(part) for part in value] if isinstance(value, (list, tuple)) else [str(value)]
    if names == ["none"] or not names:
        return ()
    if names == ["all"]:
        return CONTROLS
    if not set(names) <= set(CONTROLS):
        allowed = f"any of {', '.join(CONTROLS)} joined by '+', or none, or all"
        raise UsageError(f"{task}: controls={value!r}: give {allowed}")
    return tuple(name for name in CONTROLS if name in names or (name == "random" and "oracle" in names))
