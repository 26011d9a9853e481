"""What the styles ask, word by word, and the answers that they write themselves."""

from __future__ import annotations

from lm_eval_tasks.styles import attribution, counterfactual, redaction, simulation
from tests.lm_eval_tasks.styles.conftest import SNLI, TWEETS, request_for
from tests.lm_eval_tasks.styles.documents import EDITED, PAIR, REDACTED, REDACTED_PAIR, SHOWN_PAIR, TWEET


def test_the_prompts_of_attribution_are_these() -> None:
    assert attribution.ask(request_for(TWEETS, "oneword")) == (
        "Which one word of the tweet above is most important for your answer? If every occurrence of that word were "
        'replaced by "[REDACTED]", your answer would change. Answer only with the word, exactly as it stands in the '
        "tweet."
    )
    assert attribution.ask(request_for(TWEETS, "multiword")) == (
        "Which words of the tweet above are most important for your answer? If all of them were replaced by "
        '"[REDACTED]", your answer would change. Answer only with the words, exactly as they stand in the tweet, '
        "separated by commas."
    )
    assert attribution.ask(request_for(SNLI, "oneword")) == (
        "Which one word of the premise and hypothesis above is most important for your answer? If every occurrence of "
        'that word were replaced by "[REDACTED]", your answer would change. Answer only with the word, exactly as it '
        "stands in the premise and hypothesis."
    )
    assert attribution.ask(request_for(SNLI, "multiword")) == (
        "Which words of the premise and hypothesis above are most important for your answer? If all of them were "
        'replaced by "[REDACTED]", your answer would change. Answer only with the words, exactly as they stand in the '
        "premise and hypothesis, separated by commas."
    )


def test_the_prompts_of_simulation_are_these() -> None:
    assert simulation.ask(request_for(SNLI, "oneword")) == attribution.ask(request_for(SNLI, "oneword"))
    assert simulation.ask_whether(request_for(SNLI, "oneword"), "man") == (
        'If every occurrence of the word "man" in the premise and hypothesis above were replaced by "[REDACTED]", '
        'would your answer change? Answer only with "yes" or "no".'
    )


def test_the_prompts_of_redaction_are_these() -> None:
    assert redaction.ask(request_for(TWEETS, "oneword")) == (
        "Redact the one word of the tweet above that is most important for your answer: replace every occurrence of "
        'that word by "[REDACTED]", so that your answer would change. Keep everything else exactly as it is. Answer '
        "only with the redacted tweet."
    )
    assert redaction.ask(request_for(TWEETS, "multiword")) == (
        "Redact the words of the tweet above that are most important for your answer: replace each of them by "
        '"[REDACTED]", so that your answer would change. Keep everything else exactly as it is. Answer only with the '
        "redacted tweet."
    )
    assert redaction.ask(request_for(SNLI, "oneword")) == (
        "Redact the one word of the premise and hypothesis above that is most important for your answer: replace every "
        'occurrence of that word by "[REDACTED]", so that your answer would change. Keep everything else exactly as it '
        "is. Answer only with the redacted premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )
    assert redaction.ask(request_for(SNLI, "multiword")) == (
        "Redact the words of the premise and hypothesis above that are most important for your answer: replace each of "
        'them by "[REDACTED]", so that your answer would change. Keep everything else exactly as it is. Answer only '
        "with the redacted premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )


def test_the_prompts_of_counterfactuals_are_these() -> None:
    assert counterfactual.ask(request_for(TWEETS, "oneword", "negative")) == (
        'Change one word of the tweet above so that your answer would become "negative". Keep everything else exactly '
        "as it is. Answer only with the changed tweet."
    )
    assert counterfactual.ask(request_for(TWEETS, "multiword", "negative")) == (
        'Edit the tweet above so that your answer would become "negative". Change as few words as possible and keep '
        "everything else exactly as it is. Answer only with the edited tweet."
    )
    assert counterfactual.ask(request_for(SNLI, "oneword", "neutral")) == (
        'Change one word of the premise and hypothesis above so that your answer would become "neutral". Keep '
        "everything else exactly as it is. Answer only with the changed premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )
    assert counterfactual.ask(request_for(SNLI, "multiword", "neutral")) == (
        'Edit the premise and hypothesis above so that your answer would become "neutral". Change as few words as '
        "possible and keep everything else exactly as it is. Answer only with the edited premise and hypothesis. "
        'Write the premise after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )


def test_a_redaction_is_written_with_every_occurrence_masked() -> None:
    assert redaction.write(TWEET, ["LOVE"], request_for(TWEETS, "oneword")) == REDACTED
    assert redaction.write(PAIR, ["man"], request_for(SNLI, "oneword")) == REDACTED_PAIR


def test_a_counterfactual_is_written_with_every_occurrence_replaced() -> None:
    assert counterfactual.write(TWEET, ["Love"], request_for(TWEETS, "oneword"), "hate") == EDITED
    assert counterfactual.write(PAIR, ["awake"], request_for(SNLI, "oneword"), "asleep") == SHOWN_PAIR
