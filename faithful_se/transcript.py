"""The transcript of one document as it stands in lm-eval's sample files: a JSON object in the response.

`lm_eval_tasks.protocol` writes it. `lm_eval_tasks.scoring`, `training` and `leaderboards` read it. Words are named by
their positions in `faithfulness_metrics.words.words_of(fields)`, first field first.
"""

from __future__ import annotations

from typing import Any, TypedDict


class Message(TypedDict):
    """One turn of a conversation. `role` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


class AnswerRecord(TypedDict):
    """What the model answered to one classification.

    Attributes:
        answer: the text as generated; the label itself where labels were ranked.
        label: the parsed label; None where the answer could not be read.
        logprobs: label -> log-probability in nats; None where labels were not ranked.
    """

    answer: str
    label: str | None
    logprobs: dict[str, float] | None


class Prediction(AnswerRecord):
    """The classification of the document itself."""

    messages: list[Message]


class ExplanationRecord(TypedDict):
    """The explanation as the model wrote it and as it was read.

    Attributes:
        messages: the conversation that asked for it.
        answer: the text as generated.
        target: the label that the perturbed document must reach; "" in styles without one.
        valid: whether the explanation could be read and obeys its format.
        reason: why it is not valid; "" where it is.
        words: the words named or changed, each type of word once, as written in the document.
        positions: all their positions.
        edited: the model's own document, field -> text; None in styles that remove words.
        edits: [position, kind, new word] of every change; see `lm_eval_tasks.styles.edits.Edit`.
    """

    messages: list[Message]
    answer: str
    target: str
    valid: bool
    reason: str
    words: list[str]
    positions: list[int]
    edited: dict[str, str] | None
    edits: list[list[int | str]]


class Perturbed(AnswerRecord):
    """The classification of the document that the explanation leads to."""

    fields: dict[str, str]
    messages: list[Message]


class RandomVariant(AnswerRecord):
    """The classification of the document perturbed at random positions."""

    positions: list[int]
    fields: dict[str, str]


class OracleVariant(AnswerRecord):
    """The classification of the document perturbed at positions that the oracle tries."""

    positions: list[int]


class OracleRecord(TypedDict):
    """What the oracle tried: every single type of word, then the steps of the greedy search over several words."""

    singles: list[OracleVariant]
    greedy: list[OracleVariant]


class StabilityVariant(AnswerRecord):
    """The classification after a change that leaves the meaning alone. `variant` names the change."""

    variant: str


class RationaleRecord(TypedDict):
    """The words that people marked: positions, fields and texts, in step."""

    positions: list[int]
    fields: list[str]
    words: list[str]


class Transcript(TypedDict):
    """Every question, answer and conclusion about one document.

    Attributes:
        dataset: name of the dataset in task names.
        style: a key of `lm_eval_tasks.styles.STYLES`.
        budget: ``oneword`` or ``multiword``.
        options: the options of the task; see `lm_eval_tasks.options.Options`.
        hash: 16 hex digits of the text.
        fields: the document, field -> text.
        gold: its label in the dataset; None where there is none.
        rationale: the words that people marked; None where nobody did.
        prediction: the model's answer on the document.
        explanation: None where the protocol ended before.
        perturbed: None where the explanation is not valid.
        random: one entry per random draw of the chance control; empty without that control.
        oracle: None without that control.
        stability: one entry per neutral change; empty without that control.
        problem: why the document could not go through the protocol; "" where it did.
    """

    dataset: str
    style: str
    budget: str
    options: dict[str, Any]
    hash: str
    fields: dict[str, str]
    gold: str | None
    rationale: RationaleRecord | None
    prediction: Prediction
    explanation: ExplanationRecord | None
    perturbed: Perturbed | None
    random: list[RandomVariant]
    oracle: OracleRecord | None
    stability: list[StabilityVariant]
    problem: str
