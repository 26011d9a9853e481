"""The training rows: conversational prompt-completion, as TRL reads them."""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from faithfulness_metrics.units import unit_key
from faithfulness_metrics.words import mask_out, occurrences, seed_of
from lm_eval_tasks.calls import Answer, Call, Classify, Messages, as_chat
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.spec import TaskSpec
from training.build.attributions import AttributedText
from training.build.options import BuildOptions
from training.build.verify import Verdict, control_words, write

if TYPE_CHECKING:
    from typing_extensions import NotRequired

CLASSIFICATION = "classification"


class Row(TypedDict):
    """One row of `train.jsonl`. The dataset card describes its fields."""

    prompt: list[dict[str, str]]
    completion: NotRequired[list[dict[str, str]]]  # in pairs absent; they have the next two
    chosen: NotRequired[list[dict[str, str]]]
    rejected: NotRequired[list[dict[str, str]]]  # the own untrue explanation; of a replayed answer, another label
    dataset: str
    style: str
    budget: str
    hash: str
    prediction: str
    words: list[str]
    new: str
    source: str
    target: str
    flips: bool | None
    arm: str
    method: str
    rejected_words: NotRequired[list[str]]  # named, masked or replaced in `rejected`; only in pairs
    elsewhere: NotRequired[float | None]  # see `Verdict.control_flip_rate`; only in builds with `specific`
    # Arguments that TRL gives the chat template, those of the attribution; only where there are any.
    chat_template_kwargs: NotRequired[dict[str, Any]]


def explanation_row(
    spec: TaskSpec, text: AttributedText, verdict: Verdict, options: BuildOptions, method: str
) -> Row | None:
    """The row of an accepted explanation in the arm that is built; None if a control has no other word to name."""
    if options.arm == "answers":
        conversation = spec.classify(text.document).messages, verdict.answer
        return _row(spec, text, conversation, options, method, style=CLASSIFICATION, budget="")
    details: dict[str, Any] = {"new": verdict.new, "source": verdict.source, "target": verdict.target}
    if options.arm in ("random", "lowest"):  # nobody checks a control
        words = control_words(options.arm, text, verdict, options.seed)
        if not words:
            return None
        completion = write(spec, text, words, verdict.new, verdict.target)
    else:
        words, completion = verdict.words, verdict.completion
        details["flips"] = verdict.flips
        if options.specific:
            details["elsewhere"] = verdict.control_flip_rate
    row = _row(spec, text, (verdict.prompt, completion), options, method, words=list(words), **details)
    return _pair(row, verdict.own, verdict.own_words) if options.pairs else row


def classification_row(
    spec: TaskSpec, text: AttributedText, word: str, options: BuildOptions, method: str
) -> Generator[Sequence[Call], Sequence[Answer], Row | None]:
    """A classification with the model's own answer, which keeps its answers as they are while it learns to explain.

    In a pair it is preferred to the same answer with another label, which is drawn. Where the answer cannot be written
    with one, there is no row.

    Args:
        spec: any task of the dataset; all classify alike.
        text: what is classified.
        word: the word that is masked; empty for the text as it is.
        options, method: of the build.
    """
    fields = dict(text.document.fields)
    if word:
        words = text.document.units
        fields = mask_out(fields, words, occurrences(words, {unit_key(word, text.document.unit)}), spec.options.mask)
    call = spec.classify(text.document.with_fields(fields))
    (answer,) = yield [call]
    if answer.label is None:
        return None
    details = {"style": CLASSIFICATION, "budget": "", "prediction": answer.label, "words": [word] if word else []}
    own = spec.turn(answer)
    row = _row(spec, text, (call.messages, own), options, method, **details)
    if not options.pairs:
        return row
    draw = random.Random(seed_of(text.document.hash, f"other {options.seed} {word}"))
    other = with_label(own, answer.label, draw.choice([label for label in call.labels if label != answer.label]), call)
    return _pair(row, other, ()) if other else None


def with_label(answer: str, label: str, other: str, call: Classify) -> str:
    """An answer with another label in the place of its own; "" where it is not read as that label."""
    written = re.sub(rf"(?<!\w){re.escape(label)}(?!\w)", lambda _: other, answer, count=1, flags=re.IGNORECASE)
    return written if parse_label(written, call.labels, call.synonyms, call.denials) == other else ""


def replay_plan(texts: Sequence[AttributedText], count: int, seed: int) -> Iterator[tuple[AttributedText, str]]:
    """Which texts are classified, and which word of each is masked: a random word of every second text, or none.

    Texts are drawn without repetition. Once all are drawn they come again, with other words.
    """
    usable = [text for text in texts if text.ranking]
    order = sorted(usable, key=lambda text: seed_of(text.document.hash, f"replay {seed}"))
    for number in range(count if order else 0):
        turn, index = divmod(number, len(order))
        text = order[index]
        draw = random.Random(seed_of(text.document.hash, f"mask {seed} {turn}"))
        is_masked = (number + turn) % 2 == 1
        yield text, draw.choice(sorted(key for key, _ in text.ranking)) if is_masked else ""


def _pair(row: Row, rejected: str, words: Sequence[str]) -> Row:
    """A pair in the columns of TRL's preference format: the row's answer, and the rejected one, which names `words`."""
    columns: dict[str, Any] = {"prompt": row["prompt"], "chosen": row["completion"]}
    columns["rejected"] = as_chat((("assistant", rejected),))
    others = {name: value for name, value in row.items() if name not in ("prompt", "completion")}
    return cast(Row, {**columns, **others, "rejected_words": list(words)})


def _row(
    spec: TaskSpec,
    text: AttributedText,
    conversation: tuple[Messages, str],
    options: BuildOptions,
    method: str,
    **details: Any,
) -> Row:
    """A row of a conversation (prompt and completion); `details` are the fields that differ from the defaults."""
    prompt, completion = conversation
    row: dict[str, Any] = {
        "prompt": as_chat(prompt),
        "completion": as_chat((("assistant", completion),)),
        "dataset": spec.question.dataset,
        "style": spec.style,
        "budget": spec.budget,
        "hash": text.document.hash,
        "prediction": text.prediction or "",
        "words": [],
        "new": "",
        "source": "",
        "target": "",
        "flips": None,
        "arm": options.arm,
        "method": method,
    }
    if options.specific:
        row["elsewhere"] = None  # see `Verdict.control_flip_rate`
    return cast(Row, row | details)
