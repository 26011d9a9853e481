"""What attribution and redaction share: the explanation is a set of units, and x' is the document without them."""

from __future__ import annotations

from collections.abc import Sequence

from faithfulness_metrics.infill import infill
from faithfulness_metrics.random_words import random_positions, random_sentences
from faithfulness_metrics.units import WORD_UNIT
from faithfulness_metrics.words import positions_by_key, remove, replace, seed_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.styles.explanation import Explanation


def no_target(document: Document, labels: Sequence[str], predicted: str) -> str:
    """No label to reach: any other answer will do."""
    return ""


def perturb(document: Document, explanation: Explanation, options: Options) -> dict[str, str]:
    """The document without the named words or sentences."""
    return perturb_at(document, explanation, explanation.positions, options)


def perturb_at(
    document: Document, explanation: Explanation, positions: Sequence[int], options: Options
) -> dict[str, str]:
    """The document without the units at `positions`, by the first of the operators."""
    operator = options.operators[0]
    if operator == "infill":
        assert document.others is not None, "a task with this operator gives its documents other texts"
        new = infill(document.units, positions, document.others, seed_of(document.hash, operator), document.proposals)
        return replace(document.fields, document.units, new)
    return remove(document.fields, document.units, positions, operator, options.mask)


def random_sets(document: Document, explanation: Explanation, options: Options) -> list[list[int]]:
    """Random sets of the size of what the explanation names; of one position where it could not be read."""
    draw = random_positions if document.unit == WORD_UNIT else random_sentences
    return draw(document.compared, explanation.positions, options.draws, seed_of(document.hash, "random"))


def single_word_sets(document: Document, explanation: Explanation) -> list[list[int]]:
    """Every type of unit with all its occurrences."""
    return list(positions_by_key(document.units).values())
