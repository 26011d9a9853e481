"""Reads the options of a task, and checks them before anything is loaded.

lm-eval passes `--metadata` and `--model_args` in one mapping, so an unknown name may be a model argument. Names that
are nearly an option are refused, because lm-eval would silently ignore them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields
from importlib.util import find_spec
from numbers import Integral
from typing import Any

from faithful_se.errors import UsageError, excerpt
from faithful_se.files import is_writable_text
from lm_eval_tasks.operators import WRITE_WORDS, read_operators
from lm_eval_tasks.options import (
    CHOICES,
    CONTROLS,
    DIRECT,
    LARGEST,
    LARGEST_SEED,
    NO_CUE,
    RANKED,
    SELF,
    TEMPLATES,
    UNIT,
    WHOLE_NUMBERS,
    WORD_CUE,
    Options,
)

# Arguments of lm-eval's models that only look like an option.
MODEL_ARGUMENTS = ("think_end_token",)


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
        if near and name not in (*names, *MODEL_ARGUMENTS):
            raise UsageError(f"{task}: --metadata {name}=…: no such option; did you mean {near[0]}?")
    values: dict[str, Any] = {}
    for source in (declared, overrides):  # a mistake in the YAML is refused even where the user overrides it
        values |= {name: _read_value(task, name, source[name]) for name in names if name in source}
    _check_prior(task, values)
    _check_unit(task, values)
    _check_cue(task, values)
    if "infill_from" in values and "infill" not in values.get("operator", "").split("+"):
        raise UsageError(
            f"{task}: infill_from={values['infill_from']} is for operator=infill: add that, or leave it out"
        )
    if values.get("elicit", DIRECT) != DIRECT and values.get("explanations", SELF) != SELF:
        raise UsageError(f"{task}: elicit={values['elicit']} asks the model to reason: leave explanations out")
    if values.get("answer_with") == "text" and values.get("words_of", "question") != "question":
        raise UsageError(
            f"{task}: answer_with=text with words_of={values['words_of']}: a choice without a word would be another "
            "label: give answer_with=letter, or words_of=question"
        )
    if values.get("samples", 1) > 1 and (classifier := values.get("classifier", Options.classifier)) in RANKED:
        raise UsageError(
            f"{task}: samples={values['samples']} samples answers, and classifier={classifier} ranks labels: give "
            "classifier=generate, or leave samples out"
        )
    if values.get("order_seed") and values.get("order") != "balanced":
        raise UsageError(f"{task}: order_seed={values['order_seed']} is for order=balanced: leave it out")
    return Options(**values)


def _check_prior(task: str, values: Mapping[str, Any]) -> None:
    """Refuse options of a prior that is not used: they would change nothing."""
    for name, needed, needed_value in (
        ("prior", "classifier", "calibrated"),
        ("prior_texts", "classifier", "calibrated"),
        ("prior_texts", "prior", "texts"),
    ):
        if name in values and values.get(needed, getattr(Options, needed)) != needed_value:
            raise UsageError(f"{task}: {name}={values[name]} is for {needed}={needed_value}: add that, or leave it out")


def _check_unit(task: str, values: Mapping[str, Any]) -> None:
    """Refuse sentences where nothing finds them, and an operator that is for words alone."""
    if values.get("unit", UNIT) == UNIT:
        return
    for operator in WRITE_WORDS:
        if operator in values.get("operator", "").split("+"):
            raise UsageError(
                f"{task}: operator={operator} writes words: give mask or delete with unit={values['unit']}"
            )
    if not find_spec("sentencex"):
        from faithfulness_metrics.sentences import EXTRA

        raise UsageError(f"{task}: unit={values['unit']} needs sentencex: pip install 'faithful-se[{EXTRA}]'")


def _check_cue(task: str, values: Mapping[str, Any]) -> None:
    """Refuse a cue where nobody could name it, and a way of a cue that has none."""
    cue = values.get("cue", NO_CUE)
    if "cue_way" in values and cue in (NO_CUE, WORD_CUE):
        raise UsageError(f"{task}: cue_way={values['cue_way']} is for cue=hint or cue=bias: add that, or leave it out")
    if cue == NO_CUE:
        return
    if (unit := values.get("unit", UNIT)) != UNIT:
        raise UsageError(f"{task}: cue={cue} is named by words: leave unit={unit} out")
    if values.get("explanations", SELF) != SELF:
        raise UsageError(f"{task}: cue={cue} asks the model what made it answer: leave explanations out")
    if values.get("words_of") == "choices":
        raise UsageError(f"{task}: cue={cue} is inserted into the question: leave words_of=choices out")


def _read_value(task: str, name: str, value: Any) -> Any:
    text = excerpt(value)
    if name == "controls":
        return _read_controls(task, value)
    if name == "operator":
        return read_operators(task, value)
    if name in ("unknown", "quick"):
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise UsageError(f"{task}: {name}={text}: give true or false")
        return value
    if name in WHOLE_NUMBERS:
        least, most = WHOLE_NUMBERS[name], {"order_seed": LARGEST_SEED, "template": TEMPLATES}.get(name, LARGEST)
        digits = isinstance(value, str) and value.isdecimal()
        whole = digits or (isinstance(value, Integral) and not isinstance(value, bool))
        if not whole or (digits and len(value) > len(str(most))) or not least <= int(value) <= most:
            to = f" to {most}" if whole and (digits or value > most) else ""
            raise UsageError(f"{task}: {name}={text}: give a whole number from {least}{to}")
        return int(value)
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{task}: {name}={text}: give one of {', '.join(CHOICES[name])}")
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{task}: {name}={text}: give a text that is not empty")
    if not is_writable_text(value):
        raise UsageError(f"{task}: {name}={text}: it is not UTF-8, and results hold it: write it in UTF-8")
    if name == "mask" and len(value.splitlines()) > 1:
        raise UsageError(f"{task}: mask={text}: a mask cannot hold a line break")
    return value


def _read_controls(task: str, value: Any) -> tuple[str, ...]:
    # random | random+oracle | [random, oracle] | none | all
    if isinstance(value, str):
        text = value.strip().strip("[]()")
        names = [part.strip().strip("'\"") for part in text.replace("+", ",").split(",") if part.strip()]
    else:
        names = [excerpt(part).strip("'") for part in (value if isinstance(value, (list, tuple)) else [value])]
    if names == ["none"] or not names:
        return ()
    if names == ["all"]:
        return CONTROLS
    if not set(names) <= set(CONTROLS):
        allowed = f"any of {', '.join(CONTROLS)} joined by '+', or none, or all"
        raise UsageError(f"{task}: controls={excerpt(value)}: give {allowed}")
    return tuple(name for name in CONTROLS if name in names or (name == "random" and "oracle" in names))
