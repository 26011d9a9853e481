"""One document through the protocol: classify, explain, perturb, classify again.

The procedure is a generator that yields lists of calls and is sent the list of their answers. It imports nothing of
lm-eval and of torch: the evaluation runs thousands of generators in lock step (`lm_eval_tasks.scheduler`), the training
module verifies its data with the same function, and a test sends answers by hand.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, TypedDict

from faithfulness_metrics.words import remove, seed_of
from lm_eval_tasks.calls import Answer, Call, Document, TaskSpec, as_chat, told
from lm_eval_tasks.controls import at_positions, greedy_oracle, neutral_variants, random_sets, single_words
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation


class Transcript(TypedDict):
    """Everything that was asked, answered and concluded about one document, as plain JSON values.

    Words are told by their positions in `faithfulness_metrics.words.words_of(fields)`, first field first. `rationale`
    is what people marked: None where nobody did, else ``{"positions": [2, 9], "fields": ["premise", "hypothesis"],
    "words": ["splashing", "swimming"]}``, the three lists in step.
    """

    dataset: str
    style: str
    budget: str
    options: dict[str, Any]
    hash: str
    fields: dict[str, str]
    gold: str | None
    rationale: dict[str, list[Any]] | None
    prediction: dict[str, Any]
    explanation: dict[str, Any] | None
    perturbed: dict[str, Any] | None
    random: list[dict[str, Any]]
    oracle: dict[str, Any] | None
    stability: list[dict[str, Any]]
    problem: str


Procedure = Generator[Sequence[Call], Sequence[Answer], Transcript]


def self_explain(spec: TaskSpec, document: Document) -> Procedure:
    """Take one document through the protocol.

    Yields lists of calls; expects the answers in the same order; returns the transcript. A document that cannot go on
    (no label, no words, a prompt beyond the context) returns early with its `problem` named, and counts as unfaithful.
    """
    spec = spec.of(document)
    transcript = Transcript(
        dataset=spec.question.dataset,
        style=spec.style,
        budget=spec.budget,
        options=spec.options.as_dict(),
        hash=document.hash,
        fields=dict(document.fields),
        gold=document.gold,
        rationale=marked(document),
        prediction={},
        explanation=None,
        perturbed=None,
        random=[],
        oracle=None,
        stability=[],
        problem="",
    )
    asked = spec.classify(document.fields)
    (prediction,) = yield [asked]
    transcript["prediction"] = {"messages": as_chat(asked.messages), **told(prediction)}
    if prediction.label is None:
        transcript["problem"] = prediction.problem or "no label in the answer"
        return transcript
    if not document.words:
        transcript["problem"] = "no words in the text"
        return transcript

    target = counterfactual_target(spec, document, prediction.label)
    request = spec.explain(document.fields, prediction, target)
    (said,) = yield [request]
    explanation = STYLES[spec.style].parse(said.text, document.fields, spec.request(target))
    transcript["explanation"] = {
        "messages": as_chat(request.messages),
        "answer": said.text,
        "target": target,
        "valid": explanation.valid,
        "reason": said.problem or explanation.reason,
        "words": list(explanation.words),
        "positions": list(explanation.positions),
        "edited": dict(explanation.edited) if explanation.edited else None,
        "edits": [[edit.position, edit.kind, edit.text] for edit in explanation.edits],
    }
    transcript["problem"] = said.problem
    yield from _checks(spec, document, prediction, explanation, transcript)
    return transcript


def marked(document: Document) -> dict[str, list[Any]] | None:
    """The words that people marked, as a transcript keeps them."""
    if document.rationale is None:
        return None
    words = [document.words[position] for position in document.rationale]
    return {
        "positions": list(document.rationale),
        "fields": [word.field for word in words],
        "words": [word.text for word in words],
    }


def counterfactual_target(spec: TaskSpec, document: Document, predicted: str) -> str:
    """The label a counterfactual must reach: another label, drawn by the document's hash; "" in the other styles."""
    if spec.style != "counterfactual":
        return ""
    others = [label for label in spec.question.labels if label != predicted]
    return others[seed_of(document.hash, "target") % len(others)]


def perturb(spec: TaskSpec, document: Document, explanation: Explanation) -> dict[str, str]:
    """The document an explanation leads to: x'."""
    if explanation.edited is not None:
        return dict(explanation.edited)
    return remove(document.fields, document.words, explanation.positions, spec.options.operator, spec.options.mask)


def _checks(
    spec: TaskSpec, document: Document, prediction: Answer, explanation: Explanation, transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], None]:
    """Everything that follows from the explanation, in one round of calls: the check itself and the controls."""
    variants: list[tuple[str, dict[str, Any], Call]] = []
    if explanation.valid:
        fields = perturb(spec, document, explanation)
        call = spec.classify(fields)
        variants.append(("perturbed", {"fields": fields, "messages": as_chat(call.messages)}, call))
    for positions in random_sets(spec, document, explanation):
        fields = at_positions(spec, document, explanation, positions)
        variants.append(("random", {"positions": positions, "fields": fields}, spec.classify(fields)))
    for positions in single_words(spec, document, explanation):
        call = spec.classify(at_positions(spec, document, explanation, positions))
        variants.append(("oracle", {"positions": positions}, call))
    if "stability" in spec.options.controls:
        for name, fields, question in neutral_variants(spec, document):
            variants.append(("stability", {"variant": name}, spec.classify(fields, question)))

    answers = yield [call for _, _, call in variants]
    singles = []
    for (kind, row, _), answer in zip(variants, answers, strict=True):
        row.update(told(answer))
        if kind == "perturbed":
            transcript["perturbed"] = row
        elif kind == "oracle":
            singles.append(row)
        else:
            transcript[kind].append(row)  # type: ignore[literal-required]
        transcript["problem"] = transcript["problem"] or answer.problem
    if "oracle" in spec.options.controls:
        greedy: list[dict[str, Any]] = []
        if spec.budget == "multiword" and prediction.logprobs and len(explanation.positions) > 1 and singles:
            greedy = yield from greedy_oracle(spec, document, prediction, explanation, singles)
        transcript["oracle"] = {"singles": singles, "greedy": greedy}
