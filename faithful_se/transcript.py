"""The transcript of one document as it stands in lm-eval's sample files: a JSON object in the response.

`lm_eval_tasks.protocol` writes it. `lm_eval_tasks.scoring`, `training` and `leaderboards` read it. Words are named by
their positions in `faithfulness_metrics.words.words_of(fields)`, first field first. With `unit=sentence`, "words" are
sentences, whose positions are those of `units`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired


class Message(TypedDict):
    """One turn of a conversation. `role` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


class AnswerRecord(TypedDict):
    """What the model answered to one classification."""

    answer: str  # the text as generated; the label itself where labels were ranked
    label: str | None  # the parsed label; None where the answer could not be read
    logprobs: dict[str, float] | None  # label -> log-probability in nats; None where labels were not ranked
    # only with `samples=k`: the labels of all k answers, of which `label` is the majority and `answer` the first of it
    samples: NotRequired[list[str | None]]


class Prediction(AnswerRecord):
    """The classification of the document itself."""

    messages: list[Message]


class ExplanationRecord(TypedDict):
    """The explanation as the model wrote it and as it was read."""

    messages: list[Message]  # the conversation that asked for it; empty where another explained
    answer: str  # the text as generated
    target: str  # the label that the perturbed document must reach; "" in styles without one
    valid: bool  # whether the explanation could be read and obeys its format
    reason: str  # why it is not valid; "" where it is
    words: list[str]  # the words named or changed, each type of word once, as written in the document
    positions: list[int]  # all their positions
    edited: dict[str, str] | None  # the model's own document, field -> text; None in styles that remove words
    edits: list[list[int | str]]  # [position, kind, new word] of every change; see `lm_eval_tasks.styles.edits.Edit`


class Perturbed(AnswerRecord):
    """The classification of the document that the explanation leads to."""

    fields: dict[str, str]
    messages: list[Message]


class RandomVariant(AnswerRecord):
    """The classification of the document perturbed at random positions."""

    positions: list[int]
    fields: dict[str, str]


class OperatorRecord(TypedDict):
    """What another operator than the first leads to: without the named words, and without each random set."""

    perturbed: RandomVariant | None  # None where the explanation is not valid
    random: list[RandomVariant]


class ProposalRecord(TypedDict):
    """The word that the model would write in the place of another, which stands nowhere then."""

    key: str  # of the word, all occurrences of which are gaps
    answer: str  # the text as generated
    word: str | None  # None where the answer is not one word, or the same word again


class OracleVariant(AnswerRecord):
    """The classification of the document perturbed at positions that the oracle tries."""

    positions: list[int]


class OracleRecord(TypedDict):
    """What the oracle tried: every single type of word, then the steps of the greedy search over several words."""

    singles: list[OracleVariant]
    greedy: list[OracleVariant]


class ErasureRecord(TypedDict):
    """Sets of an explanation of several words. `positions` are those that were removed."""

    only: OracleVariant  # all but the named words are removed
    only_random: list[OracleVariant]  # all but the words of each random set
    first: list[OracleVariant]  # the named words with the largest effects; the last set is all of them


class StabilityVariant(AnswerRecord):
    """The classification after a change that leaves the meaning alone. `variant` names the change."""

    variant: str


class SimulationRecord(AnswerRecord):
    """What the model says of a word: whether its answer would change without it; and whether it does."""

    of: str  # why it was asked about: ``named``, ``oracle`` or ``random``, the first of these that holds
    word: str  # as first written in the document
    positions: list[int]  # all its occurrences
    changes: bool  # whether the answer changes without it, by the rule of `faithful`
    says_so: bool | None  # whether the model says that it would; None where its answer could not be read, or is a tie


class CueRecord(TypedDict):
    """What was inserted into the document before the model explained, and the answer without it."""

    text: str  # what was inserted, a sentence or a word
    label: str  # the label that it speaks for or against; "" for a word
    target: str  # the answer that follows it; "" where every other answer than without it does
    positions: list[int]  # of its words that stand nowhere else in the text: whoever names one names the cue
    fields: dict[str, str]  # the document without it
    prediction: Prediction  # the model's answer on that


class RationaleRecord(TypedDict):
    """The words that people marked: positions, fields and texts, in step."""

    positions: list[int]
    fields: list[str]
    words: list[str]


class UnitRecord(TypedDict):
    """Where a sentence is: characters `start` to `end` of a field."""

    field: str
    start: int
    end: int


class Transcript(TypedDict):
    """Every question, answer and conclusion about one document."""

    dataset: str  # name of the dataset in task names
    style: str  # a key of `lm_eval_tasks.styles.STYLES`
    budget: str  # ``oneword`` or ``multiword``
    options: dict[str, Any]  # the options of the task; see `lm_eval_tasks.options.Options`
    hash: str  # 16 hex digits of the text
    fields: dict[str, str]  # the document, field -> text
    gold: str | None  # its label in the dataset; None where there is none
    rationale: RationaleRecord | None  # the words that people marked; None where nobody did
    prediction: Prediction  # the model's answer on the document
    explanation: ExplanationRecord | None  # None where the protocol ended before
    perturbed: Perturbed | None  # None where the explanation is not valid
    random: list[RandomVariant]  # one entry per random draw of the chance control; empty without that control
    oracle: OracleRecord | None  # None without that control
    stability: list[StabilityVariant]  # one entry per neutral change; empty without that control
    prior: dict[str, float] | None  # label -> nats that were subtracted from its log-probability; None where none was
    operators: NotRequired[dict[str, OperatorRecord]]  # every operator but the first, only with several
    proposals: NotRequired[list[ProposalRecord]]  # one entry per word that is removed, only with infill_from=model
    erasure: NotRequired[ErasureRecord]  # only with the oracle, ranked labels and several named words
    units: NotRequired[list[UnitRecord]]  # every sentence of the document, only with unit=sentence
    # one entry per word of which the model was asked whether its answer would change; only in the style `simulation`
    simulations: NotRequired[list[SimulationRecord]]
    # only with the option `cue`, where the document was answered without it: `fields`, `prediction` and all that
    # follows are then of the document with the cue, and `hash` is of the one without
    cue: NotRequired[CueRecord]
    problem: str  # why the document could not go through the protocol; "" where it did
