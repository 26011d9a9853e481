"""Answers that should redact a pair of texts."""

from __future__ import annotations

import pytest

from faithfulness_metrics.words import occurrences, words_of
from lm_eval_tasks.styles import redaction
from tests.lm_eval_tasks.styles.conftest import SNLI, request_for
from tests.lm_eval_tasks.styles.documents import PAIR, REDACTED_PAIR


@pytest.mark.parametrize(
    "answer",
    [
        REDACTED_PAIR,
        REDACTED_PAIR.replace("\n", "\n\n"),
        REDACTED_PAIR.replace("\n", " "),
        REDACTED_PAIR.replace("\n", "\r\n"),
        REDACTED_PAIR.lower().replace("redacted", "REDACTED"),
        f"Sure! Here is the redacted premise and hypothesis:\n\n{REDACTED_PAIR}",
        f'Sure! Here are the redacted Premise and Hypothesis:\n\n{REDACTED_PAIR}\n\nNote: I redacted "man".',
        f"```\n{REDACTED_PAIR}\n```",
        f'{REDACTED_PAIR}\n\nExplanation: the word "man" decides.',
        f'{REDACTED_PAIR}\nThe word "man" decides about the hypothesis: it is central.',
        "**Premise:** A [REDACTED] is sleeping on a bench.\n**Hypothesis:** The [REDACTED] is awake.",
        "**Premise**: A [REDACTED] is sleeping on a bench.\n**Hypothesis**: The [REDACTED] is awake.",
        "- Premise: A [REDACTED] is sleeping on a bench.\n- Hypothesis: The [REDACTED] is awake.",
        "1. Premise: A [REDACTED] is sleeping on a bench.\n2. Hypothesis: The [REDACTED] is awake.",
        'Premise: "A [REDACTED] is sleeping on a bench."\nHypothesis: "The [REDACTED] is awake."',
        "Redacted premise: A [REDACTED] is sleeping on a bench.\nRedacted hypothesis: The [REDACTED] is awake.",
        "Premise:\nA [REDACTED] is sleeping on a bench.\n\nHypothesis:\nThe [REDACTED] is awake.",
        "A [REDACTED] is sleeping on a bench.\nThe [REDACTED] is awake.",
        "A [REDACTED] is sleeping on a bench.\n\nThe [REDACTED] is awake.",
        "Here are the redacted sentences:\n\nA [REDACTED] is sleeping on a bench.\nThe [REDACTED] is awake.",
        # each after its title, as was asked
        "Hypothesis: The [REDACTED] is awake.\nPremise: A [REDACTED] is sleeping on a bench.",
        '{"premise": "A [REDACTED] is sleeping on a bench.",\n"hypothesis": "The [REDACTED] is awake."}',
    ],
)
def test_pairs_are_read(answer: str) -> None:
    explanation = redaction.parse(answer, PAIR, request_for(SNLI, "oneword"))
    assert explanation.valid, explanation.reason
    assert (explanation.words, explanation.positions) == (("man",), (1, 8))


@pytest.mark.parametrize(
    "answer",
    [
        "Premise: A [REDACTED] is sleeping on a bench.",
        "Hypothesis: The [REDACTED] is awake.",
        "The [REDACTED] is awake.",
        "A [REDACTED] is sleeping on a bench. The [REDACTED] is awake.",
        "Premise: The [REDACTED] is awake.\nHypothesis: A [REDACTED] is sleeping on a bench.",
        "The [REDACTED] is awake.\nA [REDACTED] is sleeping on a bench.",
        "Premise: A [REDACTED] is sleeping on a bench.\nThe [REDACTED] is awake.",
        "Premise: A [REDACTED] is sleeping on a bench.\nHypothesis:",
        "Premise: [REDACTED]\nHypothesis: [REDACTED]",
        "Premise: A man is sleeping on a bench.\nHypothesis: The man is awake.",
        "Premise: A [REDACTED] is sleeping on a bench.\nHypothesis: The dog is awake.",
    ],
)
def test_pairs_are_not_guessed(answer: str) -> None:
    for budget in ("oneword", "multiword"):
        explanation = redaction.parse(answer, PAIR, request_for(SNLI, budget))
        assert not explanation.valid, explanation.words


def test_one_field_may_go_altogether() -> None:
    answer = "Premise: A man is sleeping on a bench.\nHypothesis: [REDACTED]"
    explanation = redaction.parse(answer, PAIR, request_for(SNLI, "multiword"))
    assert explanation.positions == (7, 8, 9, 10)


@pytest.mark.parametrize(
    ("premise", "hypothesis"),
    [
        ("The sign says Hypothesis: one.", "A man reads Premise: two."),
        ("Premise: it rains.\nHypothesis: it pours.", "Hypothesis: a man."),
        ("He said. Hypothesis: nobody knows.", "Nobody knows the man."),
    ],
)
def test_titles_inside_a_text_part_no_fields(premise: str, hypothesis: str) -> None:
    fields = {"premise": premise, "hypothesis": hypothesis}
    words = words_of(fields)
    for key in {word.key for word in words}:
        for budget in ("oneword", "multiword"):
            request = request_for(SNLI, budget)
            explanation = redaction.parse(redaction.write(fields, [key], request), fields, request)
            assert (explanation.valid, explanation.positions) == (True, occurrences(words, {key})), key
