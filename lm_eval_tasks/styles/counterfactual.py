"""Counterfactual: the model edits the text so that its answer becomes another label, which the request names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.counterfactual import edit_distance
from faithfulness_metrics.edited_words import edited_keys, edited_words
from faithfulness_metrics.random_words import random_positions, random_sentences
from faithfulness_metrics.units import WORD_UNIT, unit_key
from faithfulness_metrics.words import (
    WORD,
    Fields,
    Word,
    keys_by_field,
    occurrences,
    positions_by_key,
    replace,
    seed_of,
    words_of,
)
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.styles.edits import edits_between, move_edits, one_change
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of
from lm_eval_tasks.styles.rewritten_text import documents, mask_pattern, too_long
from lm_eval_tasks.styles.sentence_edits import sentence_edits_between
from lm_eval_tasks.styles.unwrap import is_refusal

# Beside the text itself: "Sure! Here is the tweet:", titles, quotes.
MAX_TOKENS = {"oneword": 32, "multiword": 32}
WANTS_TARGET = True
REMOVES_WORDS = False
ANSWERS_WITH_TEXT = True
SIMULATES = False


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template, question = request.prompt("counterfactual"), request.question
    return template.format(noun=question.noun, target=request.target, format_hint=question.format_hint())


def write(fields: Fields, words: Sequence[str], request: Request, new_word: str = "") -> str:
    """The answer that puts `new_word` in the place of `words`, as honest explainers and training data write it."""
    spans, keys = request.units(fields), {unit_key(word, request.unit) for word in words}
    edited = replace(fields, spans, dict.fromkeys(occurrences(spans, keys), new_word))
    return request.question.as_answer(edited)


# A change that is described instead of made: I love -> hate it | I ~~love~~ hate it | love → hate
_DESCRIBED_CHANGE = re.compile(r"->|=>|→|~~")

# I ____ it | I [MASK] it | I [blank] it
_BLANK = re.compile(r"_{3,}|█+|[\[<](?:mask(?:ed)?|blank|redacted|word)[\]>]", re.IGNORECASE)

_THINGS = (
    "text",
    "sentence",
    "words?",
    "sentiment",
    "label",
    "answer",
    "classification",
    "original",
    "changes?",
    "edits?",
)
_TALK = (
    # The tweet is already … | No change is needed. | There is no single word. | Your answer would be … | Word: … | N/A
    r"\b(?:the|this|my|your|original|given|no|none of the|any|any of the|one|several)"
    r"(?: single| one| new| changed| edited)? (?:%s)\b"
    r"|\bword:|^\W*n/a\b"
    # Replace "love" with "hate". | To change the sentiment … | I would add … | It is not possible …
    r"|\b(?:chang|replac|edit)(?:e|ing|ed)?\b.{0,80}\b(?:to|with|by)\b"
    r"|\bi would (?:say|add|change|replace|edit|remove|write)\b|\bnot possible\b"
)


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Read the edited document and what was changed in it.

    Valid: the edited document differs from the original in at least one word and has no more masks than it. It adds no
    label (see `faithfulness_metrics.counterfactual.label_leak`). With budget ``oneword`` one word or sentence is
    replaced, added or deleted, or all edits do the same to its occurrences.

    Of several readings of an answer the nearest to the original counts, because text around an edited document is no
    edit. Among equally near readings the one with more words counts, then the nearest between the words.
    """
    words, original = words_of(fields), keys_by_field(fields)
    nearest: tuple[tuple[int, int, int], dict[str, str], list[Word]] | None = None
    for document in documents(answer, request.question, fields):
        if too_long(document, fields) or not words_of(document):
            continue
        by_field = edited_words(document, fields)
        distance = edit_distance(original, edited_keys(document, fields))
        if not distance:
            return invalid("nothing changed")
        between = sum(
            Levenshtein.distance(WORD.sub("w", fields[name]), WORD.sub("w", document[name])) for name in fields
        )
        new_words = [word for of_field in by_field.values() for word in of_field]
        rank = (distance, -len(new_words), between)
        if nearest is None or rank < nearest[0]:
            nearest = rank, document, new_words
    if nearest is None:
        return invalid("refusal" if is_refusal(answer, request.question) else "no text in the answer")
    (distance, *_), document, new_words = nearest
    of_words, units = request.unit == WORD_UNIT, request.units(fields)
    language = request.question.language
    edits = edits_between(fields, document) if of_words else sentence_edits_between(fields, document, language)
    single = one_change(units, edits, request.unit)
    mostly_changed = 2 * distance > max(len(words), len(new_words))
    # A refusal in place of the only sentence changes one sentence.
    if mostly_changed and not (single and of_words) and (reason := _not_a_text(document, new_words, request)):
        return invalid(reason)
    masks = (mask_pattern(request.mask), _BLANK)
    if any(_count(mask, document) > _count(mask, fields) for mask in masks):
        return invalid("masked instead of edited")
    if _count(_DESCRIBED_CHANGE, document) > _count(_DESCRIBED_CHANGE, fields):
        reason = "change shown instead of made"
    elif request.budget == "oneword" and not single:
        reason = f"more than one {request.unit} changed"
    elif request.question.pastes_label(fields, document):
        reason = "label in the edit"
    else:
        reason = ""
    positions = tuple(sorted({edit.position for edit in edits if edit.kind in ("replace", "delete")}))
    return Explanation(not reason, reason, tuple(types_of(units, positions).values()), positions, document, edits)


def _not_a_text(document: Fields, words: Sequence[Word], request: Request) -> str:
    """Why an answer that differs from the original in most words is no edited document; "" where it may be one."""
    text = "\n".join(document.values())
    if is_refusal(text, request.question):
        return "refusal"
    things = "|".join((*_THINGS, *map(re.escape, (request.question.noun, *request.question.titles))))
    # One word: the new word alone.
    talks = len(words) == 1 or re.search(_TALK % things, text, re.IGNORECASE)
    return "no text in the answer" if talks else ""


def _count(pattern: re.Pattern[str], fields: Fields) -> int:
    return sum(len(pattern.findall(text)) for text in fields.values())


def target(document: Document, labels: Sequence[str], predicted: str) -> str:
    """Another label than the predicted one, drawn by the document's hash."""
    others = [label for label in labels if label != predicted]
    return others[seed_of(document.hash, "target") % len(others)]


def perturb(document: Document, explanation: Explanation, options: Options) -> dict[str, str]:
    """The model's own edited document."""
    assert explanation.edited is not None, "only valid counterfactuals are applied"
    return dict(explanation.edited)


def perturb_at(
    document: Document, explanation: Explanation, positions: Sequence[int], options: Options
) -> dict[str, str]:
    """The model's own edits, made at other positions."""
    return move_edits(document.fields, explanation.edits, positions, document.units)


def random_sets(document: Document, explanation: Explanation, options: Options) -> list[list[int]]:
    """Random positions for the model's own new words; none where no valid edit has a word to move."""
    if not explanation.valid:
        return []
    edited = sorted({edit.position for edit in explanation.edits})
    seed = seed_of(document.hash, "random")
    if document.unit == WORD_UNIT:
        return random_positions(document.compared, edited, options.draws, seed)
    return random_sentences(document.compared, edited, options.draws, seed, same_number=True)


def single_word_sets(document: Document, explanation: Explanation) -> list[list[int]]:
    """Where an edit of one new word can be made: at every position, or over all occurrences of another word.

    The latter only where the model wrote its word over several occurrences, and over at most as many. Edits with
    several new words have no such search: their oracle is what the explanation and the random sets reach.
    """
    words = document.units
    if not explanation.valid or not one_change(words, explanation.edits, document.unit):
        return []
    repeated = [
        positions for positions in positions_by_key(words).values() if 1 < len(positions) <= len(explanation.edits)
    ]
    return [*([position] for position in range(len(words))), *repeated]
