"""An explanation under the further operators of a task: the same words, taken out in another way.

The first operator is the protocol's own: `lm_eval_tasks.protocol`. docs/metrics.md, "14. Operators".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from faithful_se.transcript import AnswerRecord, OperatorRecord, RandomVariant
from lm_eval_tasks.calls import Classify
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation

Variant = tuple[Sequence[int], dict[str, str]]


class FurtherOperators:
    """The documents that the further operators lead to; none in styles that remove no words.

    Args:
        spec, document, explanation: of the protocol.
        random_sets: positions of the chance control, the same for each operator.
    """

    def __init__(
        self, spec: TaskSpec, document: Document, explanation: Explanation, random_sets: Sequence[Sequence[int]]
    ) -> None:
        style = STYLES[spec.style]
        self.spec, self.document = spec, document
        self.named: dict[str, Variant | None] = {}
        self.random: dict[str, list[Variant]] = {}
        for operator in spec.options.operators[1:] if style.REMOVES_WORDS else ():
            options = replace(spec.options, operator=operator)
            named = (explanation.positions, style.perturb(document, explanation, options))
            self.named[operator] = named if explanation.valid else None
            self.random[operator] = [
                (positions, style.perturb_at(document, explanation, positions, options)) for positions in random_sets
            ]

    def calls(self) -> list[Classify]:
        """Their classifications."""
        return [
            self.spec.classify(self.document.with_fields(fields))
            for operator, named in self.named.items()
            for _, fields in [*([named] if named else []), *self.random[operator]]
        ]

    def records(self, answers: Iterator[AnswerRecord]) -> dict[str, OperatorRecord]:
        """Operator -> its part of the transcript, from the answers to `calls`, which are consumed in their order."""

        def record(variant: Variant) -> RandomVariant:
            positions, fields = variant
            return {"positions": list(positions), "fields": fields, **next(answers)}

        return {
            operator: {
                "perturbed": record(named) if named else None,
                "random": list(map(record, self.random[operator])),
            }
            for operator, named in self.named.items()
        }
