"""One document through the protocol: classify, explain, perturb, classify again.

The procedure is a generator that yields lists of calls and receives the lists of their answers. It imports neither
lm-eval nor torch. The evaluation runs thousands of generators in lock step (`lm_eval_tasks.scheduler`). The training
package verifies its data with the same function, and tests send answers by hand.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import chain

from faithful_se.transcript import ExplanationRecord, RationaleRecord, Transcript
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks.calls import Answer, Call, Classify, Messages, answer_record, as_chat
from lm_eval_tasks.cued import ask_with_cue
from lm_eval_tasks.document import Document
from lm_eval_tasks.elicitation import elicit
from lm_eval_tasks.erasure_sets import erasure_sets
from lm_eval_tasks.further_operators import FurtherOperators
from lm_eval_tasks.greedy_oracle import greedy_oracle
from lm_eval_tasks.label_prior import with_prior
from lm_eval_tasks.neutral_variants import neutral_variants
from lm_eval_tasks.options import FROM_MODEL, NO_CUE
from lm_eval_tasks.proposals import with_proposals
from lm_eval_tasks.sampled_answers import ask_repeatedly
from lm_eval_tasks.server_problems import worst_problem
from lm_eval_tasks.simulation import simulate
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation

Procedure = Generator[Sequence[Call], Sequence[Answer], Transcript]


def self_explain(spec: TaskSpec, document: Document) -> Procedure:
    """Take one document through the protocol.

    Yields lists of calls, expects their answers in the same order, and returns the transcript. Where the protocol
    cannot continue (no label, no words, a prompt beyond the context), it ends early. The transcript then names the
    `problem`, and the document counts as unfaithful. With `samples=k`, each classification is asked k times.
    """
    procedure = _explain_and_check(spec, document)
    return ask_repeatedly(procedure) if spec.options.samples > 1 else procedure


def _explain_and_check(spec: TaskSpec, document: Document) -> Procedure:
    document = spec.in_units(document)
    spec = yield from with_prior(spec, document)
    call = spec.classify(document)
    (prediction,) = yield [call]
    transcript = new_transcript(spec, document, call, prediction)
    if spec.options.cue != NO_CUE and prediction.label is not None and document.words:
        document, call, prediction, cue = yield from ask_with_cue(spec, document, prediction, transcript)
        transcript = {**new_transcript(spec, document, call, prediction), "hash": transcript["hash"], "cue": cue}
    if prediction.label is None:
        transcript["problem"] = prediction.problem or "no label in the answer"
        return transcript
    if not document.words:
        transcript["problem"] = "no words in the text"
        return transcript

    target = spec.target(document, prediction.label)
    if spec.source:
        explanation, text, target = spec.source.explain(document, prediction.label, target)
        transcript["explanation"] = explanation_record((), Answer(text), target, explanation)
    else:
        messages, answer, explanation = yield from elicit(spec, document, prediction, target)
        transcript["explanation"] = explanation_record(messages, answer, target, explanation)
        transcript["problem"] = answer.problem
    yield from _check(spec, document, prediction, explanation, transcript)
    if STYLES[spec.style].SIMULATES:
        yield from simulate(spec, document, prediction, transcript)
    return transcript


def new_transcript(spec: TaskSpec, document: Document, call: Classify, prediction: Answer) -> Transcript:
    """The transcript of a document after its classification."""
    transcript = Transcript(
        dataset=spec.question.dataset,
        style=spec.style,
        budget=spec.budget,
        options=spec.options.as_dict(),
        hash=document.hash,
        fields=dict(document.fields),
        gold=document.gold,
        rationale=rationale_record(document),
        prediction={"messages": as_chat(call.messages), **answer_record(prediction)},
        explanation=None,
        perturbed=None,
        random=[],
        oracle=None,
        stability=[],
        prior=dict(spec.prior) if spec.prior else None,
        problem="",
    )
    if document.unit != WORD_UNIT:
        # Positions are then those of a splitter, whose next version may cut otherwise.
        transcript["units"] = [{"field": unit.field, "start": unit.start, "end": unit.end} for unit in document.units]
    return transcript


def rationale_record(document: Document) -> RationaleRecord | None:
    """The words that people marked, or the sentences that hold them, as they stand in a transcript."""
    if document.marked is None:
        return None
    positions, words = list(document.marked), [document.units[position] for position in document.marked]
    return {"positions": positions, "fields": [word.field for word in words], "words": [word.text for word in words]}


def explanation_record(messages: Messages, answer: Answer, target: str, explanation: Explanation) -> ExplanationRecord:
    """An explanation as it stands in a transcript; without messages where the model was not asked for it."""
    return {
        "messages": as_chat(messages),
        "answer": answer.text,
        "target": target,
        "valid": explanation.valid,
        "reason": answer.problem or explanation.reason,
        "words": list(explanation.words),
        "positions": list(explanation.positions),
        "edited": dict(explanation.edited) if explanation.edited else None,
        "edits": [[edit.position, edit.kind, edit.text] for edit in explanation.edits],
    }


def _check(
    spec: TaskSpec, document: Document, prediction: Answer, explanation: Explanation, transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], None]:
    """Everything that follows from the explanation, in one round of calls: the check itself and the controls."""
    style, options = STYLES[spec.style], spec.options

    random_sets = style.random_sets(document, explanation, options) if "random" in options.controls else []
    single_sets = style.single_word_sets(document, explanation) if "oracle" in options.controls else []
    if options.infill_from == FROM_MODEL and style.REMOVES_WORDS:
        searched = single_sets if options.operators[0] == "infill" else []
        removed = chain(explanation.positions, *random_sets, *searched)
        document = yield from with_proposals(spec, document, removed, transcript)

    def classify(fields: dict[str, str]) -> Classify:
        return spec.classify(document.with_fields(fields))

    def perturb_at(positions: Sequence[int]) -> dict[str, str]:
        return style.perturb_at(document, explanation, positions, options)

    perturbed = style.perturb(document, explanation, options) if explanation.valid else None
    random_documents = [perturb_at(positions) for positions in random_sets]
    neutral = neutral_variants(spec, document) if "stability" in options.controls else []
    further = FurtherOperators(spec, document, explanation, random_sets)

    check = [classify(perturbed)] if perturbed is not None else []
    answers = yield [
        *check,
        *map(classify, random_documents),
        *(classify(perturb_at(positions)) for positions in single_sets),
        *(spec.classify(variant) for _, variant in neutral),
        *further.calls(),
    ]
    transcript["problem"] = worst_problem([transcript["problem"], *(answer.problem for answer in answers)])
    records = map(answer_record, answers)  # consumed in the order of the calls
    if perturbed is not None:
        transcript["perturbed"] = {
            "fields": perturbed, "messages": as_chat(check[0].messages), **next(records)
        }  # fmt: skip
    transcript["random"] = [
        {"positions": positions, "fields": fields, **next(records)}
        for positions, fields in zip(random_sets, random_documents, strict=True)
    ]
    if "oracle" in options.controls:
        transcript["oracle"] = {
            "singles": [{"positions": positions, **next(records)} for positions in single_sets],
            "greedy": [],
        }
    transcript["stability"] = [{"variant": name, **next(records)} for name, _ in neutral]
    if further.named:
        transcript["operators"] = further.records(records)

    several_words = spec.budget == "multiword" and style.REMOVES_WORDS and len(explanation.positions) > 1
    oracle = transcript["oracle"]
    if oracle and oracle["singles"] and several_words and prediction.logprobs:
        transcript["erasure"] = yield from erasure_sets(spec, document, explanation, transcript)
        oracle["greedy"] = yield from greedy_oracle(spec, document, prediction, explanation, oracle["singles"])
