"""The languages of the prompts: every sentence that a model reads is in one file per language, beside this one.

Keys are parted by full stops: what is asked, the unit of an explanation (``word`` or ``sentence``), the budget. A
dataset names its language in its YAML, and may replace single sentences there: docs/own_data.md, "Another language".
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.units import SENTENCE_UNIT

FOLDER = Path(__file__).parent
ENGLISH = "en"
_WORDS_OF = ("question", "choices", "both")

# What answers say. English answers are read by the rules of the styles and of `lm_eval_tasks.label_reading`, in every
# language; these phrases are read beside them.
ANSWERS = {
    "refusals": "begin an answer that declines",
    "openings": "begin what stands before an answer, up to a colon",
    "notes": "begin what stands behind an answer, up to a colon",
    "titles": "say that words follow",
    "is": "stand between such a title and a word",
    "and": "join the words of a list",
    "because": "stand before the reason for an answer",
    "denials": "stand before a label that is denied",
}

# Sentences of multiple choice.
OF_CHOICES = (
    "choice",
    "choices.text",
    "plain_question.choices",
    "format_hint.choices",
    *(f"choices.noun.{of}" for of in _WORDS_OF),
)

# Sentences of operators that a language may do without: `lm_eval_tasks.operators.prompt_problem` asks for them.
OF_OPERATORS = ("removed.word.infill", "removed.word.several", "removed.sentence.several")
# Sentences of the style that asks whether an answer would change, which a language can do without.
OF_SIMULATION = ("simulation.of_word", "simulation.of_sentence", "simulation.yes", "simulation.no")

# Options that take a sentence which a language can do without, and what that asks for.
OF_OPTIONS = {"elicit": ("rationale_first", "reasoning first"), "infill_from": ("infill", "a word")}

# A part of a template that may be left out, because it is declined in some languages.
_OPTIONAL_PARTS = {"noun", "lower_title"}


@lru_cache(maxsize=64)
def prompts_of(language: str) -> Mapping[str, str]:
    """The sentences of a language: key -> template. Keys are those of ``en.yaml``.

    >>> prompts_of("en")["removed.word.mask"]
    'were replaced by "{mask}"'
    """
    return {key: value for key, value in _read(language).items() if key not in ("answers", "answer_forms")}


@lru_cache(maxsize=64)
def wordings_of(language: str) -> Mapping[str, Sequence[str]]:
    """Other wordings of the requests for an explanation, if any: key of `prompts_of` -> templates 2, 3, …"""
    return _read(f"wordings/{language}")


@lru_cache(maxsize=64)
def cues_of(language: str) -> Mapping[str, Any]:
    """What the option `cue` inserts, if the language has it: ``<cue>.<cue_way>`` -> sentence, ``words`` -> words."""
    return _read(f"cues/{language}")


def unit_problem(unit: str, language: str, prompts: Collection[str]) -> str:
    """Why a dataset has no prompts about a unit, with the remedy; "" where it has them.

    Args:
        unit: ``word`` or ``sentence``.
        language: of the dataset.
        prompts: the keys of the dataset's own sentences.
    """
    needed = [key for key in prompts_of(ENGLISH) if unit in key.split(".") and key not in OF_OPERATORS]
    remedy = _missing(needed, language, prompts)
    return f"unit={unit}: {language} has no prompts for it: {remedy}" if remedy else ""


def simulation_problem(language: str, prompts: Collection[str]) -> str:
    """Why a dataset cannot ask whether an answer would change, with the remedy; "" where it can.

    Arguments are those of `unit_problem`.
    """
    remedy = _missing(OF_SIMULATION, language, prompts)
    return f"{language} has no prompts that ask whether an answer would change: {remedy}" if remedy else ""


def option_problem(option: str, language: str, prompts: Collection[str]) -> str:
    """Why a dataset has no prompt for an option of `OF_OPTIONS`, with the remedy; "" where it has one.

    The other arguments are those of `unit_problem`.
    """
    key, asks_for = OF_OPTIONS[option]
    remedy = _missing([key], language, prompts)
    return f"{language} has no prompt that asks for {asks_for}: {remedy}" if remedy else ""


def _missing(keys: Sequence[str], language: str, prompts: Collection[str]) -> str:
    """The remedy where a language and a dataset lack some of these sentences; "" where they have all."""
    missing = [key for key in keys if key not in prompts_of(language) and key not in prompts]
    return f"give each under prompts; {missing[0]} is missing" if missing else ""


def wording_problem(language: str, prompts: Collection[str]) -> str:
    """Why a dataset's requests have one wording, with the remedy; "" where they have several.

    Args:
        language: of the dataset.
        prompts: the keys of the dataset's own sentences.
    """
    wordings = wordings_of(language)
    if not wordings:
        return f"the requests in {language} have one wording: leave template out"
    own = next((key for key in prompts if key in wordings), "")
    return f"the dataset has a wording of its own of {own}: leave template out" if own else ""


@lru_cache(maxsize=64)
def answers_of(language: str) -> Mapping[str, tuple[str, ...]]:
    """What answers say in a language: a key of `ANSWERS` -> phrases; none for English."""
    return {key: tuple(phrases) for key, phrases in _read(language).get("answers", {}).items()}


@lru_cache(maxsize=64)
def answer_forms_of(language: str) -> tuple[str, ...]:
    """Shapes of an answer in a language, with ``{label}`` and ``{noun}``; of English where it has none."""
    return tuple(_read(language).get("answer_forms") or _read(ENGLISH)["answer_forms"])


@lru_cache(maxsize=1 << 10)
def any_phrase(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """Matches any of some phrases as whole words, longest first; nothing where there are none.

    >>> bool(any_phrase(("ich kann nicht",)).match("Ich kann nichts")), bool(any_phrase(("抱歉",)).match("抱歉我"))
    (False, True)
    """
    parts = [
        re.escape(phrase) if is_unspaced(phrase) else rf"(?<!\w){re.escape(phrase)}(?!\w)"
        for phrase in sorted(phrases, key=len, reverse=True)
    ]
    return re.compile("|".join(parts) or "(?!)", re.IGNORECASE)


def _read(language: str) -> dict[str, Any]:
    path = FOLDER / f"{language}.yaml"
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


def language_names() -> tuple[str, ...]:
    """The languages that have a file."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def language_problem(language: Any, prompts: Any, has_choices: bool = False) -> str:
    """What is wrong with the language of a dataset, in a few words with the remedy; "" where nothing is."""
    if not isinstance(language, str) or not language.strip():
        return f"is {language!r}: give {', '.join(language_names())}, or another with prompts of your own"
    if language in language_names():
        return ""
    own = prompts if isinstance(prompts, Mapping) else {}
    optional = (
        *OF_SIMULATION,
        *(key for key, _ in OF_OPTIONS.values()),
        *OF_OPERATORS,
        *(() if has_choices else OF_CHOICES),
    )
    needed = [key for key in prompts_of(ENGLISH) if key not in optional]
    missing = [key for key in needed if key not in own and SENTENCE_UNIT not in key.split(".")]
    there = f"the package has {', '.join(language_names())}"
    return f"is {language}; {there}: give each sentence under prompts; {missing[0]} is missing" if missing else ""


def prompts_problem(prompts: Any) -> str:
    """What is wrong with a dataset's own sentences, in a few words with the remedy; "" where nothing is."""
    english = prompts_of(ENGLISH)
    if not isinstance(prompts, Mapping):
        return f"is {prompts!r:.60}: give sentences by their keys, such as {{classify: …}}"
    for key, template in prompts.items():
        if key not in english:
            near = difflib.get_close_matches(str(key), english, n=1)
            return f"{key}: no such sentence; did you mean {near[0]}?" if near else f"{key}: no such sentence"
        if not isinstance(template, str) or not template:
            return f"{key}: is {template!r:.60}: give a text"
        try:
            parts, needed = _parts(template), _parts(english[key])
        except ValueError as error:
            return f"{key}: {error}: write a brace that is meant as one twice"
        if strange := sorted(parts - needed - _OPTIONAL_PARTS):
            return f"{key}: {{{strange[0]}}} stands for nothing here; there are {_in_braces(needed)}"
        if missing := sorted(needed - parts - _OPTIONAL_PARTS):
            return f"{key}: {{{missing[0]}}} is missing; a prompt needs {_in_braces(needed - _OPTIONAL_PARTS)}"
    order = ["question", "mask_note", "labels", "text"]
    classify = str(prompts.get("classify", english["classify"]))
    if sorted(order, key=lambda part: classify.index("{" + part + "}")) != order or not classify.endswith("{text}"):
        return "classify: give {question}, {mask_note}, {labels} and, at the end, {text}, in this order"
    return ""


def answers_problem(answers: Any) -> str:
    """What is wrong with a dataset's own phrases of answers, in a few words with the remedy; "" where nothing is."""
    if not isinstance(answers, Mapping):
        return f"is {answers!r:.60}: give lists of phrases by their keys, such as {{refusals: […]}}"
    for key, phrases in answers.items():
        if key not in ANSWERS:
            return f"{key}: no such key; there are {', '.join(ANSWERS)}"
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) and phrase.strip() for phrase in phrases):
            return f"{key}: is {phrases!r:.60}: give a list of phrases"
    return ""


def _parts(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def _in_braces(names: set[str]) -> str:
    return ", ".join("{" + name + "}" for name in sorted(names))
