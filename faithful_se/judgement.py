"""Judge explanations that are there already: would the evaluation call them faithful? Ready as a reward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faithful_se.documents import Text
from faithful_se.errors import UsageError
from faithful_se.evaluation import read_task
from faithful_se.model_backend import responder
from faithful_se.task_settings import TaskSettings
from faithful_se.transcript import Transcript
from lm_eval_tasks import scoring
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from training.build.verify import with_explanation

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class Judgement:
    """What the evaluation says about one explanation.

    Attributes:
        faithful: it is valid and changes the model's answer as its style demands.
        valid: it can be read and obeys the format of its style and budget.
        reason: why it is not valid, in a few words; empty where it is.
        words: the words that it names or changes, as written in the text.
        prediction: the model's answer on the text; None where it gives no label.
        after: the model's answer on the perturbed text; None where it gives no label, or nothing was perturbed.
        target: the label that a counterfactual must reach; empty in the other styles.
        perturbed: the text without the words, or as edited: field -> text; None where the explanation is not valid.
        transcript: every prompt, answer and control.
    """

    faithful: bool
    valid: bool
    reason: str
    words: tuple[str, ...]
    prediction: str | None
    after: str | None
    target: str
    perturbed: dict[str, str] | None
    transcript: Transcript


def judge(model: Any, tokenizer: Any, text: Text, explanation: str, **settings: Unpack[TaskSettings]) -> Judgement:
    """Judge one explanation of the model's own answer.

    The model is asked for its answer on the text and on the perturbed text. It is not asked for an explanation.

    Args:
        model, tokenizer: see `evaluate`.
        text: a string, a mapping from fields to strings, or a document.
        explanation: in the format of the style, as the model would write it.
        settings: what is asked, see `TaskSettings`. No control runs unless `controls` names it.

    Raises:
        UsageError: wrong input; one line that says what is wrong.
    """
    return judge_batch(model, tokenizer, [text], [explanation], **settings)[0]


def judge_batch(
    model: Any,
    tokenizer: Any,
    texts: Sequence[Text],
    explanations: Sequence[str],
    *,
    batch_size: int = 16,
    chat_template: bool | None = None,
    chat_template_args: Mapping[str, Any] | None = None,
    **settings: Unpack[TaskSettings],
) -> list[Judgement]:
    """Judge one explanation of each text. ``[float(row.faithful) for row in judge_batch(…)]`` are rewards.

    Equal questions are asked once: several explanations of one text share its prediction.

    Args:
        model, tokenizer, texts, batch_size, chat_template, chat_template_args: see `evaluate`.
        explanations: as many as there are texts.
        settings: see `judge`.

    Raises:
        UsageError: wrong input; one line that says what is wrong.
    """
    spec, documents = read_task("judge", texts, None, {"controls": "none", **settings})
    if isinstance(explanations, str) or len(explanations) != len(documents):
        raise UsageError(f"judge: {len(documents)} texts, {len(explanations)} explanations: give one for each text")
    if wrong := [text for text in explanations if not isinstance(text, str)]:
        raise UsageError(f"judge: the explanation {wrong[0]!r:.80} is no string")
    procedures = [
        with_explanation(self_explain(spec, document), explanation)
        for document, explanation in zip(documents, explanations, strict=True)
    ]
    with responder(
        model, tokenizer, batch_size, chat_template=chat_template, chat_template_args=chat_template_args
    ) as respond:
        return [_judgement(spec, transcript) for transcript in run(procedures, respond)]


def _judgement(spec: TaskSpec, transcript: Transcript) -> Judgement:
    explanation: Mapping[str, Any] = transcript["explanation"] or {}
    perturbed: Mapping[str, Any] = transcript["perturbed"] or {}
    return Judgement(
        faithful=scoring.faithful(transcript) == 1,
        valid=bool(explanation.get("valid")),
        reason=explanation.get("reason") or transcript["problem"],
        words=tuple(explanation.get("words", ())),
        prediction=transcript["prediction"]["label"],
        after=perturbed.get("label"),
        target=explanation.get("target", ""),
        perturbed=perturbed.get("fields"),
        transcript=transcript,
    )
