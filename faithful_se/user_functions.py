"""Evaluate one's own functions: any classifier, any explainer, in the protocol of the tasks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from faithful_se.documents import Text
from faithful_se.errors import UsageError, warn_user
from faithful_se.evaluation import Evaluation, measure, read_task
from faithful_se.task_settings import TaskSettings
from lm_eval_tasks.calls import Answer, Call, Classify, Generate, Messages, ranked_answer
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import DIRECT
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.thoughts import CUT, read_answer

if TYPE_CHECKING:
    from typing_extensions import Unpack

# A text as a user's function gets it: a string, or a mapping where texts have several fields.
PlainText = str | dict[str, str]

# A label, or the probability of each label; None where there is no answer.
Prediction = str | Mapping[str, float] | None


@dataclass(frozen=True)
class ExplanationRequest:
    """What an `explain` function is asked.

    Attributes:
        text: the text that was classified.
        prediction: the answer that is to be explained.
        target: the label that a counterfactual must reach; empty in the other styles.
        prompt: the sentence that asks a language model for this explanation; it describes the format.
    """

    text: PlainText
    prediction: str
    target: str
    prompt: str


Predict = Callable[[list[PlainText]], Sequence[Prediction]]
Explain = Callable[[list[ExplanationRequest]], Sequence[str]]


def evaluate_functions(
    predict: Predict,
    explain: Explain,
    texts: Sequence[Text],
    gold: Sequence[str] | None = None,
    **settings: Unpack[TaskSettings],
) -> Evaluation:
    """Measure whether explanations of any classifier are true, by the same procedure as `evaluate`.

    Args:
        predict: gets a list of texts, returns the label of each. With ``classifier="loglikelihood"``, or
            ``"calibrated"``, it returns a mapping from every label to its probability. None where there is no answer.
        explain: gets a list of `ExplanationRequest`, returns an explanation of each. Style `attribution` takes words,
            separated by commas. `redaction` and `counterfactual` take the rewritten text.
        texts, gold, settings: see `evaluate`.

    Raises:
        UsageError: wrong input, or a function that returns something else.
    """
    spec, documents = read_task("evaluate_functions", texts, gold, settings)
    if spec.examples:
        raise UsageError("evaluate_functions: examples=…: functions are not prompted: leave it out")
    if spec.calibrated and spec.options.prior == "domain":
        raise UsageError("evaluate_functions: prior='domain': functions need a text: take prior='contextual'")
    if spec.options.thinking_tokens:
        raise UsageError("evaluate_functions: thinking_tokens=…: functions take the room they want: leave it out")
    if spec.options.elicit != DIRECT:
        raise UsageError("evaluate_functions: elicit=…: functions reason as they want: leave it out")
    answers_without_label: list[str] = []
    with_texts = SpecWithTexts(**vars(spec))

    def respond(calls: Sequence[Call]) -> list[Answer]:
        classifications = [call for call in calls if isinstance(call, ClassifyText)]
        requests = [call for call in calls if isinstance(call, ExplainText)]
        predictions = _results("predict", predict, [_plain(call.fields) for call in classifications])
        questions = [
            ExplanationRequest(_plain(call.fields), call.prediction, call.target, call.messages[-1][1])
            for call in requests
        ]
        explanations = _results("explain", explain, questions)
        if wrong := [text for text in explanations if not isinstance(text, str)]:
            raise UsageError(f"evaluate_functions: explain returned {wrong[0]!r:.80}: return a string for each request")
        answers: dict[Call, Answer] = dict(zip(requests, map(_answer, explanations), strict=True))
        for call, prediction in zip(classifications, predictions, strict=True):
            answers[call] = _prediction(call, prediction)
            if isinstance(prediction, str) and answers[call].label is None:
                answers_without_label.append(prediction)
        return [answers[call] for call in calls]

    remedy = "let the functions finish their thoughts, or return answers alone"
    evaluation = measure("evaluate_functions", with_texts, documents, respond, remedy)
    if answers_without_label:
        examples = ", ".join(map(repr, dict.fromkeys(answers_without_label[:3])))
        warn_user(
            f"evaluate_functions: predict returned {len(answers_without_label)} answers that are none of the labels "
            f"offered ({examples}): they count as no answer"
        )
    return evaluation


@dataclass(frozen=True)
class ClassifyText(Classify):
    """A classification that carries its text, as (field, text) pairs: functions are not prompted."""

    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ExplainText(Generate):
    """A request for an explanation that carries its text, what was predicted and what is to be reached."""

    fields: tuple[tuple[str, str], ...] = ()
    prediction: str = ""
    target: str = ""


@dataclass(frozen=True)
class SpecWithTexts(TaskSpec):
    """A task whose calls carry texts beside their prompts."""

    def classify(self, document: Document) -> ClassifyText:
        """The classification of a document."""
        call = super().classify(document)
        return ClassifyText(**vars(call), fields=tuple(document.fields.items()))

    def explain(self, document: Document, prediction: Answer, target: str = "", reasoned: Messages = ()) -> ExplainText:
        """The request for an explanation of a prediction."""
        call = super().explain(document, prediction, target, reasoned)
        fields = tuple(document.fields.items())
        return ExplainText(**vars(call), fields=fields, prediction=str(prediction.label), target=target)


def _plain(fields: Sequence[tuple[str, str]]) -> PlainText:
    return fields[0][1] if len(fields) == 1 else dict(fields)


def _results(name: str, function: Callable[[list[Any]], Sequence[Any]], arguments: list[Any]) -> list[Any]:
    """What a user's function returns, one for each argument. It is not called without any."""
    if not arguments:
        return []
    results = function(arguments)
    if isinstance(results, str) or not hasattr(results, "__len__") or len(results) != len(arguments):
        what = "texts" if name == "predict" else "requests"
        raise UsageError(
            f"evaluate_functions: {name} got {len(arguments)} {what} and returned {results!r:.80}: "
            f"return a list with one result for each"
        )
    return list(results)


def _answer(text: str) -> Answer:
    reply, cut = read_answer(text)
    return Answer(text, problem=CUT if cut else "", after_thought=reply)


def _prediction(call: ClassifyText, prediction: Prediction) -> Answer:
    if prediction is None:
        return Answer("", problem="no prediction")
    if not call.ranked:
        if not isinstance(prediction, str):
            raise UsageError(f"evaluate_functions: predict returned {prediction!r:.80}: return labels, as strings")
        answer = _answer(prediction)
        return (
            answer
            if answer.problem
            else replace(answer, label=parse_label(answer.reply, call.labels, call.synonyms, call.denials))
        )
    if not isinstance(prediction, Mapping) or set(prediction) != set(call.labels):
        raise UsageError(
            f"evaluate_functions: predict returned {prediction!r:.80}: with ranked labels (classifier=…), return a "
            f"mapping from each of {', '.join(call.labels)} to its probability"
        )
    return ranked_answer(call, {label: _log(prediction[label]) for label in call.labels})


def _log(probability: float) -> float:
    """The logarithm; of 0 that of the smallest float, so that differences stay finite."""
    if not 0 <= probability <= 1:
        raise UsageError(f"evaluate_functions: predict returned the probability {probability}: give one from 0 to 1")
    return math.log(max(probability, 2.3e-308))
