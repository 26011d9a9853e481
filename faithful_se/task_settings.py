"""What is asked about texts: the keyword arguments that `evaluate`, `judge` and `attribute` share, checked here."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from faithful_se.errors import UsageError
from faithful_se.given_texts import read_examples, read_infill_texts, read_prior_documents
from lm_eval_tasks.asked_questions import note_question
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.declaration import label_problem
from lm_eval_tasks.examples import example_turns
from lm_eval_tasks.label_checks import ranking_problem, reading_problem
from lm_eval_tasks.languages import ENGLISH, language_problem, prompts_of
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, STYLES

# Transcripts say where the texts are from. These were handed over in Python.
DATA = "python"


class QuestionSettings(TypedDict, total=False):
    """What a model is asked to classify. Give `dataset`, or `labels` and what else shall differ from the defaults.

    Attributes:
        dataset: name of a dataset of the tasks (`DATASETS`), or of `include_path`: its labels, question and so on.
        include_path: a folder of datasets outside the package, as `faithful-se new` writes them.
        labels: what the model may answer, in the order of the prompt.
        question: the classification question, without the labels.
        noun: what a text is called in the prompts, such as "tweet"; "text" by default.
        language: of the prompts: ``en`` (default), ``de`` or ``zh``.
        titles: what is written before each field, such as ("Premise", "Hypothesis"); the noun or the fields' names.
        system: a message that opens every conversation.
        mask: what is written in place of a word; "[REDACTED]" by default.
        unit: what is scored and named: ``word`` (default) or ``sentence``.
        unknown: offer "unknown" as a label.
        classifier: ``generate`` (default: what the model says), ``loglikelihood`` (which label it ranks first) or
            ``calibrated`` (which label it ranks first, minus a prior for each label).
        prior: of ``calibrated``: ``texts`` (default), ``contextual`` or ``domain``.
        prior_texts: texts that the prior ``texts`` is measured on: like those of the call, and none of them.
        examples: (text, label) pairs that the model reads before every question.
    """

    dataset: str
    include_path: str | Path
    labels: Sequence[str]
    question: str
    noun: str
    language: str
    titles: Sequence[str]
    system: str
    mask: str
    unit: str
    unknown: bool
    classifier: str
    prior: str
    prior_texts: Sequence[Any]
    examples: Sequence[tuple[Any, str]]


class TaskSettings(QuestionSettings, total=False):
    """What a model is asked, and how its explanations are tested. The options of the tasks, by the same names.

    Attributes:
        style: ``attribution`` (default), ``redaction`` or ``counterfactual``.
        budget: ``oneword`` (default) or ``multiword``.
        context: ask for the explanation in the ``same`` conversation (default) or in a ``fresh`` one.
        controls: ``random``, ``oracle``, ``stability`` joined by "+", or ``none``, or ``all``.
        operator: how named words are removed: ``mask`` (default), ``delete``, ``substitute``, ``infill``, or several
            joined by "+".
        infill_texts: texts that ``infill`` takes words from: like those of the call, and none of them.
        draws: random sets of words per text; 2 by default.
        elicit: ask for the explanation at once (``direct``, default), or first for a sentence of reasoning
            (``rationale_first``).
        thinking_tokens: room for a thought before each answer, in tokens.
        thoughts: ``drop`` or ``keep``: whether the answer stands in the conversation with its thought.
        generation: settings of explanations in lm-eval's terms, such as ``{"max_gen_toks": 64}``; greedy by default.
    """

    style: str
    budget: str
    context: str
    controls: str | Sequence[str]
    operator: str | Sequence[str]
    infill_texts: Sequence[Any]
    draws: int
    elicit: str
    thinking_tokens: int
    thoughts: str
    generation: Mapping[str, Any]


QUESTION_SETTINGS = tuple(QuestionSettings.__annotations__)
TASK_SETTINGS = tuple(TaskSettings.__annotations__)
_TEXTS = ("question", "noun")
_OPTIONS = (
    *("classifier", "prior", "context", "mask", "unit", "unknown", "controls", "operator", "draws"),
    *("thinking_tokens", "thoughts", "elicit"),
)


def task_of(caller: str, fields: Sequence[str], settings: Mapping[str, Any]) -> TaskSpec:
    """The task that the settings, a `TaskSettings`, describe about texts with these fields.

    Raises:
        UsageError: an unknown setting, or a value that it cannot have.
    """
    check_names(caller, settings, TASK_SETTINGS)
    style, budget = settings.get("style", "attribution"), settings.get("budget", "oneword")
    for name, value, choices in (("style", style, tuple(STYLES)), ("budget", budget, BUDGETS)):
        if value not in choices:
            raise UsageError(f"{caller}: {name}={value!r}: give one of {', '.join(choices)}")
    options = read_options(caller, {"data": DATA}, {name: settings[name] for name in _OPTIONS if name in settings})
    question = question_of(caller, fields, settings)
    if options.classifier == "loglikelihood" and (problem := ranking_problem(question.labels)):
        raise UsageError(f"{caller}: classifier='loglikelihood': {problem}: give 'generate', or 'calibrated'")
    greedy = {"until": [], "do_sample": False}
    spec = TaskSpec(
        question=question,
        style=style,
        budget=budget,
        options=options,
        system=settings.get("system"),
        generation=json.dumps({**greedy, **settings.get("generation", {})}, sort_keys=True),
    )
    spec = replace(spec, examples=example_turns(spec, read_examples(caller, question, settings)))
    spec = replace(spec, others=read_infill_texts(caller, spec, settings))
    documents = read_prior_documents(caller, spec, settings)
    return replace(spec, options=replace(options, prior_texts=len(documents)), prior_documents=documents)


def question_of(caller: str, fields: Sequence[str], settings: Mapping[str, Any]) -> Question:
    """The question of the settings: a dataset's own, or one about the given labels."""
    if name := settings.get("dataset"):
        question = dataset_spec(name, settings.get("include_path", "")).question
        if tuple(fields) != question.fields:
            raise UsageError(
                f"{caller}: dataset={name!r} has the fields {', '.join(question.fields)}, "
                f"the texts have {', '.join(fields)}: give texts as mappings with these fields, in this order"
            )
    elif settings.get("include_path"):
        raise UsageError(f"{caller}: include_path=…: is for dataset=…, the name of a dataset in it")
    elif "labels" not in settings:
        raise UsageError(
            f"{caller}: labels are missing: give labels=[…], the answers to choose from, or the dataset=… of a task"
        )
    else:
        noun = settings.get("noun") or (" and ".join(fields) if len(fields) > 1 else "text")
        names = fields if len(fields) > 1 else [noun]
        titles = tuple(name[:1].upper() + name[1:] for name in names)
        language = settings.get("language", ENGLISH)
        if problem := language_problem(language, None):
            raise UsageError(f"{caller}: language {problem}")
        asked = prompts_of(language)["plain_question.noun"].format(noun=noun)
        question = Question(DATA, noun, asked, tuple(fields), titles, labels=(), language=language)
    changes: dict[str, Any] = {name: _text(caller, name, settings[name]) for name in _TEXTS if name in settings}
    if "titles" in settings:
        changes["titles"] = _texts(caller, "titles", settings["titles"])
    if "labels" in settings:
        labels: Any = settings["labels"]
        if isinstance(labels, Iterable) and not isinstance(labels, str):
            labels = tuple(labels)
        if problem := label_problem(labels, settings.get("unknown") is True):
            raise UsageError(f"{caller}: labels={settings['labels']!r:.80}: {problem}")
        if problem := reading_problem(labels):
            raise UsageError(f"{caller}: labels={settings['labels']!r:.80}: {problem}")
        question = question.with_labels(labels)
    question = replace(question, **changes)
    if len(question.titles) != len(fields):
        raise UsageError(
            f"{caller}: {len(question.titles)} titles for the fields {', '.join(fields)}: give one a field"
        )
    note_question(question)
    return question


def check_names(caller: str, settings: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse, with a `UsageError`, keyword arguments that there are not."""
    for name in settings:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise UsageError(f"{caller}: {name}=…: no such setting; {remedy}")


def _text(caller: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{caller}: {name}={value!r}: give a text that is not empty")
    return value


def _texts(caller: str, name: str, values: Any) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) and value.strip() for value in values):
        raise UsageError(f"{caller}: {name}={values!r}: give a list of texts that are not empty")
    if len(set(values)) < len(values):
        raise UsageError(f"{caller}: {name}={list(values)}: give each once")
    return tuple(values)
