"""Counterfactual: the model edits the text so that its answer becomes another label, named in the request."""

from __future__ import annotations

from lm_eval_tasks.styles.explanation import Explanation, Request, invalid

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
