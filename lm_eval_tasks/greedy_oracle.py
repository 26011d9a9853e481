"""The greedy search for the best words: docs/metrics.md, "2. Chance-corrected faithfulness"."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from faithful_se.transcript import OracleVariant
from faithfulness_metrics.erasure import label_probability
from lm_eval_tasks.calls import Answer, Call, answer_record
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation


def greedy_oracle(
    spec: TaskSpec, document: Document, prediction: Answer, explanation: Explanation, singles: list[OracleVariant]
) -> Generator[Sequence[Call], Sequence[Answer], list[OracleVariant]]:
    """Oracle of several words: add the word that lowers the label's probability most, until the answer changes.

    Tries only sets of at most as many positions as the explanation removes. A set that changes the answer comes before
    one that lowers the probability further.
    """
    perturb_at = STYLES[spec.style].perturb_at
    label, most_positions = str(prediction.label), len(explanation.positions)
    steps: list[OracleVariant] = []

    def probability(variant: OracleVariant) -> float:
        """Of the label among the labels; 1 where the variant could not be classified."""
        return label_probability(variant["logprobs"], label, spec.prior) if variant["logprobs"] else 1.0

    variants = [variant for variant in singles if len(variant["positions"]) <= most_positions]
    while variants:
        best = min(variants, key=lambda variant: (variant["label"] in (label, None), probability(variant)))
        steps.append(best)
        chosen = set(best["positions"])
        if len(chosen) >= most_positions or best["label"] not in (label, None):
            break
        words = [set(variant["positions"]) for variant in singles]
        sets = [sorted(chosen | word) for word in words if not word <= chosen and len(chosen | word) <= most_positions]
        if not sets:
            break
        answers = yield [
            spec.classify(document.with_fields(perturb_at(document, explanation, positions, spec.options)))
            for positions in sets
        ]
        variants = [
            {"positions": positions, **answer_record(answer)} for positions, answer in zip(sets, answers, strict=True)
        ]
    return steps
