"""Options of a task: what a user may set with `--metadata`, checked before anything is loaded.

lm-eval passes `--metadata` and `--model_args` in one mapping, so an unknown name may be a model argument. Names that
are nearly an option are refused, because lm-eval would silently ignore them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from numbers import Integral
from typing import Any

from faithful_se.errors import UsageError, excerpt
from faithful_se.files import is_writable_text
from lm_eval_tasks.operators import OPERATORS, SEVERAL, WRITE_WORDS, read_operators

CHOICES: dict[str, tuple[str, ...]] = {
    "classifier": ("generate", "loglikelihood", "calibrated"),
    "prior": ("texts", "contextual", "domain"),
    "context": ("same", "fresh"),
    "operator": OPERATORS,
    "thoughts": ("drop", "keep"),
    "order": ("file", "balanced"),
    "unit": ("word", "sentence"),  # `faithfulness_metrics.units.UNITS`, without the import of numpy
    "words_of": ("question", "choices", "both"),
    "answer_with": ("letter", "text"),
    "cue": ("none", "hint", "bias", "word"),
    "cue_way": ("persuade", "dissuade"),
}

# The options of multiple choice.
OF_CHOICES = ("words_of", "answer_with")
CONTROLS = ("random", "oracle", "stability")
UNIT = CHOICES["unit"][0]

# Who explains: the model itself, people, or what a path leads to (`lm_eval_tasks.sources`).
SELF, RATIONALES = "self", "rationales"

# Whether a cue is inserted into each text (`lm_eval_tasks.cues`), and the cue that is no sentence.
NO_CUE, WORD_CUE = CHOICES["cue"][0], CHOICES["cue"][-1]

# The seed of the examples (`--num_fewshot`) where none is given: lm-eval's own default (`--seed`, the fourth value).
FEWSHOT_SEED = 1234

# The classifiers that rank labels.
RANKED = ("loglikelihood", "calibrated")

# The smallest value of each option that is a whole number.
WHOLE_NUMBERS = {"draws": 1, "prior_texts": 1, "thinking_tokens": 0, "order_seed": 0, "template": 1, "samples": 1}

# The largest ones: a number of draws or tokens beyond it would fill the memory before anything is asked.
LARGEST, LARGEST_SEED = 10**6, 2**63 - 1

# Wordings of a request for an explanation: the first, and those of `lm_eval_tasks/languages/wordings/`.
TEMPLATES = 5

# Arguments of lm-eval's models that only look like an option.
MODEL_ARGUMENTS = ("think_end_token",)


@dataclass(frozen=True)
class Options:
    """How explanations are asked for and scored. docs/protocol.md, "Options of a task".

    Attributes:
        data: hub, mini (shipped texts) or a folder.
        classifier: generate reads the answer, loglikelihood ranks the labels, calibrated ranks them minus a prior.
        prior: what the prior of calibrated is measured on: texts, contextual or domain.
        prior_texts: texts of another split that prior=texts takes, at most.
        context: explain in the same conversation as the answer, or in a fresh one.
        mask: the text in place of a removed word.
        unknown: offer "unknown" as a label.
        controls: random, oracle, stability, joined by +; none; all. oracle includes random, because ccf needs both.
        operator: how named words are removed: mask, delete, substitute, infill, or several joined by +.
        unit: what an explanation names, and what is masked as one: word or sentence.
        draws: random sets of words per document, for the chance control.
        thinking_tokens: tokens that an answer may have on top, for a thought before it.
        thoughts: drop the thought before an answer from the conversation, or keep it.
        order: file takes the documents as they come, balanced every gold label equally often: for --limit.
        order_seed: of the draw of balanced.
        words_of: of multiple choice, whose words count: question, choices or both.
        answer_with: of multiple choice, whether the labels are the letters of the choices or their texts.
        template: wording of the request for an explanation, 1 to 5.
        samples: how often each classification is asked; more than once, answers are sampled and the majority counts.
        explanations: self, or whose are judged in place of the model's own: results of a run, attributions, a word
            list, or rationales.
        cue: what is inserted into each text before the model explains: none, hint, bias or word.
        cue_way: of hint and bias, whether it speaks for another label (persuade) or against the answer (dissuade).
        quick: let a local model rank and generate in our own forward pass; answers are equal.
    """

    data: str = "hub"
    classifier: str = "generate"
    prior: str = "texts"
    prior_texts: int = 64
    context: str = "same"
    mask: str = "[REDACTED]"
    unknown: bool = False
    controls: tuple[str, ...] = ("random",)
    operator: str = "mask"
    unit: str = "word"
    draws: int = 2
    thinking_tokens: int = 0
    thoughts: str = "drop"
    order: str = "file"
    order_seed: int = 0
    words_of: str = "question"
    answer_with: str = "letter"
    template: int = 1
    samples: int = 1
    explanations: str = SELF
    cue: str = NO_CUE
    cue_way: str = CHOICES["cue_way"][0]
    quick: bool = True

    @property
    def ranked(self) -> bool:
        """Whether labels are ranked by their log-probability, instead of read from generated text."""
        return self.classifier in RANKED

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators, the main one first."""
        return tuple(self.operator.split("+"))

    @property
    def removal(self) -> str:
        """How a request for an explanation says that words will be removed: the operator, or `SEVERAL`."""
        return self.operator if len(self.operators) == 1 else SEVERAL

    def as_dict(self) -> dict[str, Any]:
        """Plain values for transcripts and result files: what can change a number.

        Those of priors, thoughts, units, wordings, other explainers, cues and multiple choice only where they are used.
        """
        unused = {"quick"} | ({"prior", "prior_texts"} if self.classifier != "calibrated" else set())
        unused |= {"prior_texts"} if self.prior != "texts" else set()
        unused |= {"thinking_tokens", "thoughts"} if (self.thinking_tokens, self.thoughts) == (0, "drop") else set()
        unused |= {"unit"} if self.unit == UNIT else set()
        unused |= {name for name in ("template", "samples") if getattr(self, name) == 1}
        unused |= {"explanations"} if self.explanations == SELF else set()
        unused |= {"cue", "cue_way"} if self.cue == NO_CUE else {"cue_way"} if self.cue == WORD_CUE else set()
        unused |= {name for name in OF_CHOICES if getattr(self, name) == getattr(Options, name)}
        values = {**vars(self), "controls": list(self.controls)}
        return {name: value for name, value in values.items() if name not in unused}


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
