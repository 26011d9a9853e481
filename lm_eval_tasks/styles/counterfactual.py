"""Counterfactual: the model edits the text so that its answer becomes another label, named in the request."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.counterfactual import label_leak
from faithfulness_metrics.words import Fields, Word, key_of, occurrences, replace, words_of
from lm_eval_tasks.question import UNKNOWN
from lm_eval_tasks.styles.answers import is_refusal
from lm_eval_tasks.styles.explanation import Edit, Explanation, Request, invalid
from lm_eval_tasks.styles.rewriting import documents

ONEWORD = (
    'Change one word of the {noun} above so that your answer would become "{target}". '
    "Keep everything else exactly as it is. Answer only with the changed {noun}.{format_hint}"
)
MULTIWORD = (
    'Edit the {noun} above so that your answer would become "{target}". Change as few words as possible and '
    "keep everything else exactly as it is. Answer only with the edited {noun}.{format_hint}"
)


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template = ONEWORD if request.budget == "oneword" else MULTIWORD
    question = request.question
    return template.format(noun=question.noun, target=request.target, format_hint=question.format_hint())


def write(fields: Fields, words: list[str], request: Request, new: str = "") -> str:
    """The answer that replaces `words` by `new`: what an honest explainer says and what training data are made of."""
    spans = words_of(fields)
    edited = replace(fields, spans, dict.fromkeys(occurrences(spans, {key_of(word) for word in words}), new))
    return request.question.show(edited) if len(fields) > 1 else next(iter(edited.values()))


def parse(answer: str, fields: Fields, request: Request) -> Explanation:
    """Read the edited document and what was changed in it.

    Valid: the edited document differs from the original in at least one word, holds no mask that the original does not,
    and adds no label (see `faithfulness_metrics.counterfactual.label_leak`). With budget ``oneword`` one word was
    replaced, added or deleted, or all occurrences of one word were replaced by the same word.
    Among the readings of an answer the one nearest to the original is taken: what stands around an edited text is not
    an edit.
    """
    words = words_of(fields)
    before = [word.key for word in words]
    edits = []
    for document in documents(answer, request.question):
        after = words_of(document)
        if (distance := Levenshtein.distance(before, [word.key for word in after])) and after:
            edits.append((distance, document, after))
    if not edits:
        unchanged = any(documents(answer, request.question))
        return invalid("refusal" if is_refusal(answer) else "nothing changed" if unchanged else "no text in the answer")
    _, document, after = min(edits, key=lambda edit: edit[0])
    if any(request.mask in text and request.mask not in fields[name] for name, text in document.items()):
        return invalid("masked instead of edited")
    changes = edits_between(words, after)
    reason = ""
    if request.budget == "oneword" and not one_change(words, changes):
        reason = "refusal" if is_refusal(answer) else "more than one word changed"
    elif label_leak(before, [word.key for word in after], (*request.question.labels, UNKNOWN)):
        reason = "label in the edit"
    positions = tuple(sorted({edit.position for edit in changes if edit.kind in ("replace", "delete")}))
    named = {words[p].key: words[p].text for p in reversed(positions)}
    return Explanation(not reason, reason, tuple(named.values())[::-1], positions, document, changes)


def edits_between(before: Sequence[Word], after: Sequence[Word]) -> tuple[Edit, ...]:
    """The word-level edits that lead from one document to another (a shortest script, Levenshtein)."""
    edits = []
    for tag, source, target in Levenshtein.editops([w.key for w in before], [w.key for w in after]).as_list():
        if tag == "insert":
            last = source == len(before)
            edits.append(Edit(max(source - last, 0), "after" if last else "before", after[target].text))
        else:
            edits.append(Edit(source, tag, after[target].text if tag == "replace" else ""))
    return tuple(edits)


def one_change(words: Sequence[Word], edits: Sequence[Edit]) -> bool:
    """One word replaced, added or deleted, or every change the same replacement of the same word."""
    return len(edits) == 1 or len({(words[e.position].key, e.kind, key_of(e.text)) for e in edits if e.kind == "replace"}) == len(
        {e.kind for e in edits}
    ) == 1


def elsewhere(fields: Fields, edits: Sequence[Edit], positions: Sequence[int]) -> dict[str, str]:
    """The same edits made at other positions: the right *what* at another *where* (chance control and oracle).

    Args:
        fields: the original document.
        edits: the model's edits, [k].
        positions: where to make them instead, [k] or fewer; the i-th edit goes to the i-th position.
    """
    words = words_of(fields)
    new: dict[int, str | None] = {}
    for position, edit in zip(positions, edits, strict=False):
        text = words[position].text
        new[position] = {"replace": edit.text, "delete": None, "before": f"{edit.text} {text}", "after": f"{text} {edit.text}"}[edit.kind]
    return replace(fields, words, new)
