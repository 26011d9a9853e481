"""Evaluate a model that is loaded already: classify, explain, perturb, classify again, and score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from faithful_se.documents import Text, check_gold, documents_of
from faithful_se.errors import require_packages, warn_user
from faithful_se.estimates import estimates_of
from faithful_se.given_explanations import Explanations, with_explanations
from faithful_se.given_texts import without_asked
from faithful_se.model_backend import Respond, responder
from faithful_se.task_settings import TaskSettings, task_of
from faithful_se.transcript import Transcript
from leaderboards.board import Estimate
from lm_eval_tasks.cut_thoughts import too_low
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import is_repeatable
from lm_eval_tasks.measurability import why_not_measurable
from lm_eval_tasks.metrics import Value, score
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.thinking_models import cut_remedy
from lm_eval_tasks.thoughts import CUT
from lm_eval_tasks.turn_breaks import turn_breaks

if TYPE_CHECKING:
    import polars as pl
    from typing_extensions import Unpack


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation measured.

    Attributes:
        metrics: metric -> `Estimate`: estimate, low and high of the 95 % interval, n documents, a note. The keys are
            those of lm-eval's table (`METRICS`).
        scores: of each text, metric -> value; None where a metric is not defined for it. `ccf` has a list there: what
            it is made of (faithful, random, oracle).
        transcripts: of each text, every prompt, answer and control (`faithful_se.transcript.Transcript`).
    """

    metrics: dict[str, Estimate]
    scores: list[dict[str, Value]]
    transcripts: list[Transcript]

    def __str__(self) -> str:
        """The metrics as a table."""
        return "\n".join(f"{name:<16}  {_format(estimate)}" for name, estimate in self.metrics.items())

    def frame(self) -> pl.DataFrame:
        """One row per text: what was answered, and a column per metric. Needs polars (`faithful-se[board]`).

        The first columns are those of the transcript: hash, fields (a struct), gold, prediction, explanation, reason,
        words, target, after, problem. `after` is the label of the perturbed text. A column per metric follows.
        """
        require_packages("board", "polars")
        import polars as pl

        rows = [
            _summary(transcript) | {name: value for name, value in row.items() if not isinstance(value, list)}
            for transcript, row in zip(self.transcripts, self.scores, strict=True)
        ]
        return pl.DataFrame(rows, infer_schema_length=None)


def evaluate(
    model: Any,
    tokenizer: Any,
    texts: Sequence[Text],
    gold: Sequence[str] | None = None,
    *,
    explanations: Explanations | None = None,
    batch_size: int = 16,
    chat_template: bool | None = None,
    chat_template_args: Mapping[str, Any] | None = None,
    progress: bool = False,
    **settings: Unpack[TaskSettings],
) -> Evaluation:
    """Measure whether a model's explanations of its own answers are true. The numbers are those of `lm_eval`.

    Args:
        model: a loaded Hugging Face model, or a model of lm-eval (then `tokenizer` is None).
        tokenizer: of the model.
        texts: strings; or mappings from fields to strings; or documents (`read_documents`).
        gold: the right label of each text, for `acc`.
        explanations: of another, judged in place of the model's own. One string for each text, in the format of the
            style. Or a path or ``"rationales"`` (people's words), as the option of the tasks takes it.
        batch_size: prompts at once.
        chat_template: apply the chat template; by default where there is one.
        chat_template_args: further arguments of the chat template, such as ``{"enable_thinking": False}``.
        progress: show progress bars.
        settings: what is asked, see `TaskSettings`: `labels` or `dataset`, `style`, `budget`, `controls`, …

    Raises:
        UsageError: wrong input; one line that says what is wrong.
    """
    spec, documents = read_task("evaluate", texts, gold, settings)
    spec = with_explanations("evaluate", spec, documents, explanations)
    tokenizer_of_model = tokenizer or getattr(model, "tokenizer", None)
    if warning := turn_breaks(tokenizer_of_model, documents).describe([f"text {n}" for n in range(len(documents))]):
        warn_user(f"evaluate: {warning}")
    with responder(
        model,
        tokenizer,
        batch_size,
        chat_template=chat_template,
        chat_template_args=chat_template_args,
        progress=progress,
    ) as respond:
        return measure("evaluate", spec, documents, respond)


def read_task(
    caller: str, texts: Sequence[Text], gold: Sequence[str] | None, settings: Mapping[str, Any]
) -> tuple[TaskSpec, list[Document]]:
    """The task and the documents that a user's arguments describe; a `UsageError` where they do not fit."""
    documents = documents_of(caller, texts, gold, settings)
    spec = without_asked(caller, task_of(caller, tuple(documents[0].fields), settings), documents)
    spec = replace(spec, rationales=any(document.rationale is not None for document in documents))
    check_gold(caller, documents, spec.question.labels)
    return spec, documents


def measure(
    caller: str, spec: TaskSpec, documents: Sequence[Document], respond: Respond, cut_thought: str = ""
) -> Evaluation:
    """Take documents through the protocol and score them, as the tasks do; warn of those that have no result.

    `cut_thought` is the remedy for thoughts that are cut; by default that of a model.
    """
    transcripts = run([self_explain(spec, document) for document in documents], respond, distinct=is_repeatable)
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for number, transcript in enumerate(transcripts):
        if transcript["problem"]:
            numbers[transcript["problem"]].append(number)
    for problem, texts in numbers.items():
        examples = ", ".join(map(str, texts[:10])) + (", …" if len(texts) > 10 else "")
        remedy = cut_thought or cut_remedy(spec.options.thinking_tokens)
        reason = f"{problem}{too_low(transcripts)}: {remedy}" if problem == CUT else problem
        warn_user(f"{caller}: {len(texts)} of {len(documents)} texts count as unfaithful: {reason} (text {examples})")
    scores = [score(transcript, spec, document) for transcript, document in zip(transcripts, documents, strict=True)]
    if documents[0].gold is None:  # nobody knows which answers are right
        unknown = ("acc", "acc_majority")
        scores = [{name: value for name, value in row.items() if name not in unknown} for row in scores]
    metrics = estimates_of(scores)
    if reason := why_not_measurable(spec, documents, transcripts, caller):
        metrics["measurable"] = Estimate(None, None, None, len(documents), reason)
    return Evaluation(metrics, scores, transcripts)


def _summary(transcript: Transcript) -> dict[str, Any]:
    explanation: Mapping[str, Any] = transcript["explanation"] or {}
    perturbed: Mapping[str, Any] = transcript["perturbed"] or {}
    return {
        "hash": transcript["hash"],
        "fields": transcript["fields"],
        "gold": transcript["gold"],
        "prediction": transcript["prediction"]["label"],
        "explanation": explanation.get("answer"),
        "reason": explanation.get("reason"),
        "words": explanation.get("words", []),
        "target": explanation.get("target"),
        "after": perturbed.get("label"),
        "problem": transcript["problem"],
    }


def _format(estimate: Estimate) -> str:
    if estimate.estimate is None:
        return estimate.note
    bounds = "" if estimate.low is None else f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{estimate.estimate:.3f}{bounds}, n {estimate.n}"
