"""Markup around a rewriting: HTML, JSON, LaTeX, tables, quotes, titles and what stands around them."""

from __future__ import annotations

import pytest

from lm_eval_tasks.styles import counterfactual, redaction
from tests.lm_eval_tasks.styles.conftest import SNLI, TWEETS, request_for

TEXT = {"text": "What a fun day with friends"}
PAIR = {"premise": "A man is sleeping on a bench.", "hypothesis": "The man is awake."}

# Answers about a tweet; the rewritten text stands for {}.
AROUND_A_TEXT = [
    "<p>{}</p>",
    "<blockquote>{}</blockquote>",
    "<blockquote>\n{}\n</blockquote>",
    "<div>{}</div>",
    '<div class="tweet"><p>{}</p></div>',
    "{}<br>",
    "<tweet>{}</tweet>",
    "<answer>\n{}\n</answer>",
    "> {}",
    '> "{}"',
    "Here's an example:\n\nPositive Sentiment:\n\n{}",
    'Here\'s an example:\n\nPositive Sentiment:\n\n"{}"',
    "~~~\n{}\n~~~",
    "```html\n<p>{}</p>\n```",
    "Redacted tweet (one word): {}",
    "Redacted tweet (one word):\n{}",
    "**Redacted Tweet (one word):**\n\n{}",
    '{{"tweet": "{}"}}',
    '{{"text": "{}"}}',
    '```json\n{{"edited_tweet": "{}"}}\n```',
    '{{"redacted_tweet": "{}", "word": "fun"}}',
    "\\boxed{{\\text{{{}}}}}",
    "\\text{{{}}}",
    "**{}**",
    "*{}*",
    "“{}”",
    "Sure! Here's the redacted version of the tweet:\n\n> {}\n\nI replaced the word.",
    'The redacted tweet would be:\n\n"{}"\n\nThis keeps everything else.',
    "Tweet: {}",
    '**Tweet:** "{}"',
    'Edited Tweet: "{}"',
    "| Tweet |\n|---|\n| {} |",
    "1. {}",
    "- {}",
    "Answer: {}",
    "[{}]",
    "({})",
    "<|im_start|>assistant\n{}<|im_end|>",
    "{}</s>",
    " {} [/INST]",
    "Positive:\n{}",
    "Positive: {}",
    "Positive sentiment: {}",
    "Here is the redacted tweet, with the one word that is most important replaced:\n{}",
    "Original: What a fun day with friends\nRedacted: {}",
    'Original tweet: "What a fun day with friends"\n\nEdited tweet: "{}"',
    "<redacted_tweet>{}</redacted_tweet>",
    "<span>{}</span>",
    "<p>Sure! Here it is:</p><p>{}</p>",
    "<i>{}</i>",
    "Final answer: {}",
    "### Redacted Tweet:\n{}",
    "# Redacted Tweet\n\n{}",
    "Redacted:\n\n{}\n\n(1 word redacted)",
    "{}\n\nChanges made:\n- fun was replaced",
    "{}\n\n**Reasoning:** it was fun.",
    "{}\n\n---\n**Explanation**\nThe word matters.",
]
# Answers about a pair; premise and hypothesis stand for {} and {}.
AROUND_A_PAIR = [
    "<p>Premise: {}</p>\n<p>Hypothesis: {}</p>",
    '{{"premise": "{}", "hypothesis": "{}"}}',
    "<premise>{}</premise>\n<hypothesis>{}</hypothesis>",
    "> Premise: {}\n> Hypothesis: {}",
    "**Premise:** {}  \n**Hypothesis:** {}",
    "Premise: {}<br>Hypothesis: {}",
    "| Premise | Hypothesis |\n|---|---|\n| {} | {} |",
    'Premise: "{}"\n\nHypothesis: "{}"',
    '```json\n{{\n  "premise": "{}",\n  "hypothesis": "{}"\n}}\n```',
    "**Premise**\n{}\n\n**Hypothesis**\n{}",
    "### Premise\n{}\n\n### Hypothesis\n{}",
    "~~~\nPremise: {}\nHypothesis: {}\n~~~",
    "Premise: {}\nHypothesis: {}\n\nIn this version, I changed a word.",
    "<blockquote>Premise: {}<br/>Hypothesis: {}</blockquote>",
    "- **Premise**: {}\n- **Hypothesis**: {}",
    "Premise (redacted): {}\nHypothesis (redacted): {}",
]


@pytest.mark.parametrize("around", AROUND_A_TEXT)
def test_a_text_is_read_without_its_markup(around: str) -> None:
    answer = around.format("What a [REDACTED] day with friends")
    explanation = redaction.parse(answer, TEXT, request_for(TWEETS, "oneword"))
    assert explanation.words == ("fun",), explanation.reason
    answer = around.format("What a boring day with friends")
    edited = counterfactual.parse(answer, TEXT, request_for(TWEETS, "oneword", "negative"))
    assert edited.edited == {"text": "What a boring day with friends"}, edited.reason


@pytest.mark.parametrize("around", AROUND_A_PAIR)
def test_a_pair_is_read_without_its_markup(around: str) -> None:
    answer = around.format(PAIR["premise"], "The man is [REDACTED].")
    explanation = redaction.parse(answer, PAIR, request_for(SNLI, "oneword"))
    assert explanation.words == ("awake",), explanation.reason
    answer = around.format(PAIR["premise"], "The man is asleep.")
    edited = counterfactual.parse(answer, PAIR, request_for(SNLI, "oneword", "neutral"))
    assert edited.edited == {**PAIR, "hypothesis": "The man is asleep."}, edited.reason


@pytest.mark.parametrize(
    "text",
    [
        "I <3 it and <b>love</b> it",
        "&lt;p&gt; a <br> b",
        "> quoted text > here",
        "a | b | c",
        '{"a": "love", "b": "hate"}',
        "- a list\n- of two",
        "1. first love",
        "Positive: love it",
        "[love] and (hate)",
        "\\text{love} and \\boxed{hate}",
        "<love>it</love> so",
        "love </s> [INST] it",
    ],
)
def test_markup_of_the_text_itself_stays(text: str) -> None:
    fields = {"text": text}
    for budget in ("oneword", "multiword"):
        request = request_for(TWEETS, budget, "negative")
        answer = counterfactual.write(fields, ["love"], request, "zyzzyva")
        explanation = counterfactual.parse(answer, fields, request)
        assert (explanation.reason, explanation.edited) == (
            ("", {"text": answer}) if "love" in text else ("nothing changed", None)
        )
        if "love" in text:
            assert redaction.parse(redaction.write(fields, ["love"], request), fields, request).words == ("love",)
