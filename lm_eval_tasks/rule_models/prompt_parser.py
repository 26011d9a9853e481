"""Parses the prompts of this package back, for the rule-based models.

The patterns are built from the prompt objects themselves, so that a changed prompt cannot be misread silently.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.units import WORD_UNIT
from faithfulness_metrics.words import Word, words_of
from lm_eval_tasks.asked_questions import noted_questions
from lm_eval_tasks.classification import Message, Question
from lm_eval_tasks.dataset_index import dataset_names, dataset_spec
from lm_eval_tasks.languages import option_problem
from lm_eval_tasks.proposals import GAP, gap_request
from lm_eval_tasks.rule_models.read_cues import ReadCue
from lm_eval_tasks.rule_models.requests import DEFAULT_MASK, asked_of, units_of_prompts
from lm_eval_tasks.rule_models.text_blocks import fields_of, is_titled, with_choices_of
from lm_eval_tasks.styles.explanation import Request


def _pattern(template: str, **parts: str) -> str:
    """A prompt template as a regular expression, with expressions for its fields."""
    pattern = re.escape(template)
    for name, part in parts.items():
        pattern = pattern.replace(re.escape("{" + name + "}"), part)
    return pattern


@dataclass(frozen=True)
class Conversation:
    """The content of a conversation: a document, and the question about it."""

    question: Question  # the dataset's
    fields: dict[str, str]  # the document
    mask: str  # the mask that the prompt announces, or the default one
    unknown: bool  # whether "unknown" is offered
    request: Request | None = None  # the request for an explanation; None where the last turn asks for a label
    style: str = ""  # of the request; "" where the last turn asks for a label
    gap: bool = False  # whether a word is asked for in the place of the gaps of the document
    reasons: bool = False  # whether the last turn asks for a sentence of reasoning
    word: str = ""  # of which the last turn asks whether the answer would change without it; "" elsewhere
    lightest_decides: bool = False  # whether the rule is turned round in this document (`rule=context`)
    cue: ReadCue | None = None  # what stood in the document, which is then without it; None where it is plain text

    @property
    def target(self) -> str:
        """The label that the explanation must reach; "" where there is none."""
        return self.request.target if self.request else ""

    @property
    def words(self) -> list[Word]:
        """Words of the document without its masks."""
        return words_of(self.fields, self.mask)

    @property
    def unit(self) -> str:
        """What the request asks for: words or sentences."""
        return self.request.unit if self.request else WORD_UNIT

    @property
    def units(self) -> list[Word]:
        """What an explanation of the document can name."""
        return self.words if self.request is None or self.unit == WORD_UNIT else self.request.units(self.fields)


def read(messages: Sequence[Message]) -> Conversation:
    """Read a conversation of this package; a `ValueError` where it is none.

    Raises:
        UsageError: no dataset asks this question.
    """
    turns = [message["content"] for message in messages if message["role"] == "user"]
    if len(turns) == 1 and GAP in turns[0] and (conversation := _read_gap(turns[0])):
        return conversation
    by_wording: dict[Wording, list[Question]] = {}
    for question in questions():
        by_wording.setdefault(wording_of(question), []).append(question)
    for wording, asked in by_wording.items():
        if fresh := wording.fresh.fullmatch(turns[-1]):
            return _read_fresh(asked, **fresh.groupdict())
        if len(turns) > 1 and (fresh := wording.fresh.fullmatch(turns[-2])):  # it asks for reasoning
            return _read_fresh(asked, **{**fresh.groupdict(), "request": turns[-1]})
    for wording, asked in by_wording.items():
        # Examples are questions with their answers: the last question is the one that is asked.
        classifications = [turn for turn in turns if wording.tail.rstrip() in turn]
        if classifications:
            is_last = turns[-1] is classifications[-1]
            conversation = _read_classification(wording, asked, classifications[-1], "" if is_last else turns[-1])
            return conversation if is_last else _explain(conversation.question, conversation.fields, turns[-1])
    raise ValueError(f"not a prompt of faithful-se: {turns[0][:80]!r}")


@dataclass(frozen=True)
class Wording:
    """What stands around questions, labels and texts in the prompts of a language."""

    answer: str  # in a classification, between the question and the labels
    tail: str  # between the labels and the text
    mask: re.Pattern[str]  # announces the mask
    label: re.Pattern[str]  # a label in quotes
    fresh: re.Pattern[str]  # the prompt of `context=fresh`


@lru_cache(maxsize=1 << 12)  # every conversation that is read looks through all questions
def wording_of(question: Question) -> Wording:
    """The wording of a question's prompts."""
    notes = tuple(question.prompt(f"mask_note.{unit}") for unit in units_of_prompts(question))
    return _wording(notes, *map(question.prompt, ("classify", "label", "fresh")))


@cache
def _wording(mask_notes: tuple[str, ...], classify: str, label: str, fresh: str) -> Wording:
    before, _, after = classify.partition("{labels}")
    return Wording(
        before.rpartition("}")[2],
        after.replace("{text}", ""),
        re.compile("|".join(_pattern(note, noun=".+?", mask="(.+?)") for note in mask_notes)),
        re.compile(_pattern(label, label="(.+?)")),
        re.compile(
            _pattern(
                fresh, text=r"(?P<text>[\s\S]*)", noun=".+?", label="(?P<label>.+?)", request=r"(?P<request>[\s\S]+)"
            )
        ),
    )


def _read_gap(prompt: str) -> Conversation | None:
    """A request for a word; None where it is another prompt."""
    for question in questions():
        if option_problem("infill_from", question.language, dict(question.prompts)):
            continue
        before = gap_request(question, "")
        text = prompt.removeprefix(before)
        if text != prompt and (of_text := with_choices_of(question, text)) and is_titled(of_text, text):
            return Conversation(of_text, fields_of(of_text, text), GAP, False, gap=True)
    return None


def _read_fresh(asked: Sequence[Question], text: str, label: str, request: str) -> Conversation:
    for question in filter(None, (with_choices_of(question, text) for question in asked)):
        # Datasets can share a title ("Tweet"), but not also a label and the request. Where "unknown" is offered, a
        # calibrated answer can be that.
        is_asked = label in (*question.labels, UNKNOWN) and is_titled(question, text)
        if is_asked and asked_of(question, request):
            return _explain(question, fields_of(question, text), request)
    raise ValueError(f"no dataset shows {text[:80]!r}")


def _read_classification(wording: Wording, asked: Sequence[Question], prompt: str, request: str = "") -> Conversation:
    head, _, text = prompt.partition(wording.tail.rstrip())
    text = text.removeprefix(wording.tail[len(wording.tail.rstrip()) :])
    announced = wording.mask.search(head)
    mask = announced[announced.lastindex or 1] if announced else DEFAULT_MASK
    offered = wording.label.findall(head.rpartition(wording.answer)[2])
    choices = tuple(label for label in offered if label != UNKNOWN)
    if not text:  # of the question alone (`prior=domain`) the labels say how many choices there are
        asked = [question.with_choices(len(choices)) if question.words_of else question for question in asked]
    fitting = [
        question
        for question in filter(None, (with_choices_of(question, text) for question in asked))
        if _asks(question, head, choices, text)
        # One dataset with other words that count: the noun tells them apart.
        and (not (question.letters and announced) or any(note in head for note in _mask_notes(question, mask)))
        and (not (question.letters and request) or asked_of(question, request))
    ]
    question = next(iter(fitting), None)
    if question is None:
        raise UsageError(
            f"the rule-based models know no dataset that asks {' '.join(head.split())[:80]!r} with the labels "
            f"{', '.join(choices)}: they answer tasks of `lm_eval` and texts of `faithful_se.evaluate` only"
        )
    if not question.labels:
        question = replace(question, labels=choices)
    # Without a text, the question alone is asked (`prior=domain`).
    fields = fields_of(question, text) if text else dict.fromkeys(question.fields, "")
    return Conversation(question, fields, mask, UNKNOWN in offered)


def questions() -> tuple[Question, ...]:
    """The questions of the tasks of this process, the newest first, and those of all datasets of the package."""
    return (*reversed(noted_questions()), *_questions_of_the_package())


@cache
def _questions_of_the_package() -> tuple[Question, ...]:
    return tuple(dataset_spec(name).question for name in dataset_names())


def _asks(question: Question, head: str, choices: Sequence[str], text: str) -> bool:
    """Whether a classification prompt is of this dataset: two can ask alike and offer other labels, in any order."""
    by_text = question.letters and question.answer_with == "text"  # the prompt does not repeat the choices
    same_labels = not question.labels or sorted(choices) == ([] if by_text else sorted(question.labels))
    return head.startswith(question.question) and same_labels and (not text or is_titled(question, text))


def _explain(question: Question, fields: dict[str, str], text: str) -> Conversation:
    if not (asked := asked_of(question, text)):
        raise ValueError(f"not a request of faithful-se: {text[:80]!r}")
    request = asked.request
    return Conversation(question, fields, request.mask, False, request, asked.style, False, asked.reasons, asked.word)


def _mask_notes(question: Question, mask: str) -> list[str]:
    return [
        question.prompt(f"mask_note.{unit}").format(noun=question.noun, mask=mask)
        for unit in units_of_prompts(question)
    ]
