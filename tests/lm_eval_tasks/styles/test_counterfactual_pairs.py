"""Answers that should edit a pair of texts."""

from __future__ import annotations

import pytest

from lm_eval_tasks.styles import counterfactual
from tests.lm_eval_tasks.styles.conftest import SNLI, request_for
from tests.lm_eval_tasks.styles.documents import EDITED_PAIR, PAIR, SHOWN_PAIR


@pytest.mark.parametrize(
    "answer",
    [
        SHOWN_PAIR,
        SHOWN_PAIR.replace("\n", "\n\n"),
        SHOWN_PAIR.replace("\n", " "),
        f"Sure! Here is the changed premise and hypothesis:\n\n{SHOWN_PAIR}",
        f"Here are the edited Premise and Hypothesis:\n{SHOWN_PAIR}\n\nNote: I changed the hypothesis only.",
        f"```\n{SHOWN_PAIR}\n```",
        f"{SHOWN_PAIR}\n\nExplanation: now the premise says what the hypothesis says.",
        f'{SHOWN_PAIR}\nI replaced "awake" with "asleep" in the hypothesis.',
        "**Premise:** A man is sleeping on a bench.\n**Hypothesis:** The man is asleep.",
        "**Premise**: A man is sleeping on a bench.\n\n**Hypothesis**: The man is asleep.",
        'Premise: "A man is sleeping on a bench."\nHypothesis: "The man is asleep."',
        "- Premise: A man is sleeping on a bench.\n- Hypothesis: The man is asleep.",
        "1. Premise: A man is sleeping on a bench.\n2. Hypothesis: The man is asleep.",
        "Changed premise: A man is sleeping on a bench.\nChanged hypothesis: The man is asleep.",
        "Premise:\nA man is sleeping on a bench.\nHypothesis:\nThe man is asleep.",
        "A man is sleeping on a bench.\nThe man is asleep.",
        "Sure! Here it is:\n\nA man is sleeping on a bench.\n\nThe man is asleep.",
        "Hypothesis: The man is asleep.\nPremise: A man is sleeping on a bench.",
        "Original:\nPremise: A man is sleeping on a bench.\nHypothesis: The man is awake.\n\nEdited:\n" + SHOWN_PAIR,
    ],
)
def test_pairs_are_read(answer: str) -> None:
    explanation = counterfactual.parse(answer, PAIR, request_for(SNLI, "oneword", "entailment"))
    assert explanation.valid, explanation.reason
    assert (explanation.words, explanation.positions) == (("awake",), (10,))
    assert explanation.edited is not None
    assert explanation.edited == EDITED_PAIR
    assert list(explanation.edited) == ["premise", "hypothesis"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("The man is asleep.", "no text in the answer"),
        ("Hypothesis: The man is asleep.", "no text in the answer"),
        ("Premise: A man is sleeping on a bench.", "no text in the answer"),
        ("A man is sleeping on a bench. The man is asleep.", "no text in the answer"),
        ("Premise: A man is sleeping on a bench.\nThe man is asleep.", "no text in the answer"),
        ("Premise: The man is awake.\nHypothesis: A man is sleeping on a bench.", "more than one word changed"),
        ("Premise: A man is sleeping on a bench.\nHypothesis:", "more than one word changed"),
        # one word less in one text, one more in the other
        ("Premise: A man is sleeping on a.\nHypothesis: Here the man is awake.", "more than one word changed"),
        ("Premise: A man is sleeping on a.\nHypothesis: Bench the man is awake.", "more than one word changed"),
        ("Premise: A man is sleeping on a bench.\nHypothesis: The man is awake!", "nothing changed"),
        ("I'm sorry.\nI can't help with that.", "refusal"),
        ("The premise is fine.\nThe hypothesis should say asleep.", "no text in the answer"),
    ],
)
def test_pairs_are_not_guessed(answer: str, reason: str) -> None:
    explanation = counterfactual.parse(answer, PAIR, request_for(SNLI, "oneword", "entailment"))
    assert (explanation.valid, explanation.reason) == (False, reason)


def test_a_field_left_out_is_not_filled_in() -> None:
    for answer in ("Hypothesis: The man is asleep.", "The man is asleep."):
        explanation = counterfactual.parse(answer, PAIR, request_for(SNLI, "multiword", "entailment"))
        assert (explanation.valid, explanation.edited) == (False, None)
