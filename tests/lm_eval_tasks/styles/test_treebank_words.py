"""Texts in the tokens of the Penn Treebank (SST-2, TREC): ``does n't`` and ``doesn't`` are one word in all styles."""

from __future__ import annotations

import pytest

from faithfulness_metrics.words import occurrences, words_of
from lm_eval_tasks.styles import attribution, counterfactual, redaction
from tests.lm_eval_tasks.styles.conftest import TWEETS, request_for

# The text as the treebank writes it, and as models write it.
PARTED = "if it 's not fun , it does n't work -lrb- as shainberg 's film ca n't -rrb- , and i 'm off they 've , you 'll"
NORMAL = "If it's not fun, it doesn't work (as shainberg's film can't), and I'm off they've, you'll"


@pytest.mark.parametrize(("text", "other"), [(PARTED, NORMAL), (NORMAL, PARTED)])
def test_either_side_may_write_the_blank(text: str, other: str) -> None:
    fields, written = {"text": text}, {"text": other}
    words = words_of(fields)
    assert [word.key for word in words] == [word.key for word in words_of(written)]
    for budget in ("oneword", "multiword"):
        request = request_for(TWEETS, budget, "negative")
        for word in words_of(written):
            positions = occurrences(words, {word.key})
            for style in (attribution, redaction):
                explanation = style.parse(style.write(written, [word.text], request), fields, request)
                assert (explanation.positions, explanation.reason) == (positions, ""), word.text
            answer = counterfactual.write(written, [word.text], request, "zyzzyva")
            explanation = counterfactual.parse(answer, fields, request)
            assert (explanation.positions, explanation.reason) == (positions, ""), word.text
            assert len(explanation.edits) == len(positions)


@pytest.mark.parametrize(
    ("text", "answer", "words"),
    [
        ("it does n't work", "it [REDACTED] work", "does n't"),
        ("it does n't work", "it does [REDACTED] work", "does n't"),
        ("it does n't work", "it [REDACTED] n't work", "does n't"),
        ("it does n't work", "it [REDACTED]n't work", "does n't"),
        ("it does n't work", "it [REDACTED] [REDACTED] work", "does n't"),
        ("it doesn't work", "it [REDACTED] work", "doesn't"),
        ("the film 's charm", "the [REDACTED] 's charm", "film 's"),
        ("the film 's charm", "the [REDACTED]'s charm", "film 's"),
        ("the film's charm", "the [REDACTED] 's charm", "film's"),
        ("the film 's charm", "the [REDACTED] charm", "film 's"),
        ("it 's the film 's charm", "it's the [REDACTED] charm", "film 's"),
        ("it can not last here", "it cannot last [REDACTED]", "here"),
        ("it cannot last here", "it can not last [REDACTED]", "here"),
        ("i 'm gon na go", "i'm gonna [REDACTED]", "go"),
        # a word of the text is gone
        ("the film 's charm", "the films [REDACTED]", ""),
        ("it does n't work", "it does [REDACTED]", ""),
        ("it does n't work", "it not [REDACTED]", ""),
    ],
)
def test_redactions(text: str, answer: str, words: str) -> None:
    explanation = redaction.parse(answer, {"text": text}, request_for(TWEETS, "oneword"))
    assert " ".join(explanation.words) == words, explanation.reason


@pytest.mark.parametrize(
    ("text", "answer", "words"),
    [
        ("it does n't work", "doesn't", "does n't"),
        ("it does n't work", "does n't", "does n't"),
        ("it does n't work", '"doesn’t"', "does n't"),
        ("it does n't work", "n't", "does n't"),
        ("it doesn't work", "does n't", "doesn't"),
        ("it doesn't work", "does", ""),
        ("the film 's charm", "film", "film 's"),
        ("the film 's charm", "film's", "film 's"),
        ("the film 's charm", 'The most important word is "film\'s".', "film 's"),
        ("a film , the film 's charm", "film", "film"),
        ("it does n't work and ca n't go", "n't", ""),
    ],
)
def test_one_word(text: str, answer: str, words: str) -> None:
    explanation = attribution.parse(answer, {"text": text}, request_for(TWEETS, "oneword"))
    assert " ".join(explanation.words) == words, explanation.reason


def test_an_edit_of_a_parted_word_is_one_edit() -> None:
    fields, request = {"text": "it does n't work , but it 's fun"}, request_for(TWEETS, "oneword", "negative")
    explanation = counterfactual.parse("it does work, but it's fun", fields, request)
    assert (explanation.words, [edit.text for edit in explanation.edits]) == (("does n't",), ["does"])
    explanation = counterfactual.parse("it doesn't work, but it's dull", fields, request)
    assert (explanation.words, [edit.text for edit in explanation.edits]) == (("fun",), ["dull"])
    assert counterfactual.parse("it doesn't work, but it's fun", fields, request).reason == "nothing changed"
