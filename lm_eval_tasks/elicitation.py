"""Asks for an explanation: at once, or after a sentence of reasoning. docs/protocol.md, "Rationale first"."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from lm_eval_tasks.calls import Answer, Call, Generate, Messages
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import DIRECT
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation, invalid

# Room for a sentence of reasoning.
REASONING_TOKENS = 64


def reasoning_request(question: Question) -> str:
    """The sentence that asks for reasoning."""
    return question.prompt("rationale_first").format(noun=question.noun)


def elicit(
    spec: TaskSpec, document: Document, prediction: Answer, target: str
) -> Generator[Sequence[Call], Sequence[Answer], tuple[Messages, Answer, Explanation]]:
    """Ask for the explanation of an answer: the conversation, the model's last answer and the explanation in it.

    The reasoning is a turn of that conversation. Where there is none, no explanation is asked for, and it is not valid.

    Args:
        spec, document, prediction: of the protocol.
        target: the label that the perturbed document must reach; "" in styles without one.
    """
    reasoned: Messages = ()
    if spec.options.elicit != DIRECT:
        messages = spec.conversation(document, prediction, reasoning_request(spec.question_about(document)))
        (reasoning,) = yield [Generate(messages, spec.generation, spec.options.thinking_tokens, REASONING_TOKENS)]
        if not reasoning.reply.strip():
            return messages, reasoning, invalid("no reasoning")
        reasoned = (*messages, ("assistant", spec.turn(reasoning)))
    request = spec.explain(document, prediction, target, reasoned)
    (answer,) = yield [request]
    explanation = STYLES[spec.style].parse(answer.reply, document.fields, spec.request(document, target))
    return request.messages, answer, explanation
