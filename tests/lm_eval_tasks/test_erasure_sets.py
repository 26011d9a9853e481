"""Sufficiency and AOPC of several words, answered by hand."""

from __future__ import annotations

import math

import pytest

from lm_eval_tasks.calls import Answer
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import metrics_of, score
from lm_eval_tasks.protocol import self_explain
from tests.lm_eval_tasks.answering import play, spec_of

SPEC = spec_of(budget="multiword", classifier="loglikelihood", controls=("random", "oracle"), draws=1)
KEYS = ("comprehensiveness", "sufficiency", "sufficiency_lift", "aopc")


def positive(probability):
    """An answer with this probability of "positive"."""
    label = "positive" if probability > 0.5 else "negative"
    return Answer(label, label, {"positive": math.log(probability), "negative": math.log(1 - probability)})


def scored(text, named, *rounds):
    """The texts of the round after the check, and the values of the document."""
    document = Document({"text": text}, "positive")
    answers = [positive(0.9)], [Answer(named)], *([positive(p) for p in numbers] for numbers in rounds)
    calls, transcript = play(self_explain(SPEC, document), *answers)
    texts = [call.messages[-1][1].rpartition("Tweet: ")[2] for call in calls[3]] if len(calls) > 3 else []
    values = score(transcript, SPEC, document)
    return texts, [values[key] for key in KEYS]


def test_sets_that_the_oracle_has_are_not_asked_about_again():
    # The two words, the two others as the random set, each word alone. Then: the two alone, the others alone.
    check, greedy = (0.3, 0.8, 0.6, 0.7, 0.9, 0.9), (0.3, 0.55, 0.55)
    texts, values = scored("good nice day here", "good, nice", check, (0.85, 0.3), greedy)
    assert texts == ["good nice [REDACTED] [REDACTED]", "[REDACTED] [REDACTED] day here"]
    # 1, 5, 10 and 20 % of four words are one word: .9 - .6. 50 % are both: .9 - .3.
    assert values == pytest.approx([0.6, 0.05, 0.05 - 0.6, (4 * 0.3 + 0.6) / 5])


def test_words_are_removed_in_the_order_of_their_effects():
    # Ten words; 20 % are two of the three named ones: "c", which matters most, and "a".
    singles = (0.7, 0.8, 0.6, *[0.9] * 7)
    greedy = (*[0.55] * 8, 0.4)
    texts, values = scored("a b c d e f g h i j", "a, b, c", (0.2, 0.9, *singles), (0.9, 0.5, 0.45), greedy)
    assert texts[0] == "a b c" + " [REDACTED]" * 7 and texts[2:] == ["[REDACTED] b [REDACTED] d e f g h i j"]
    assert values == pytest.approx([0.7, 0.0, 0.0 - 0.4, (3 * 0.3 + 0.45 + 0.7) / 5])


def test_one_named_word_has_no_sufficiency():
    texts, values = scored("good nice day here", "good", (0.6, 0.9, 0.6, 0.7, 0.9, 0.9))
    assert texts == [] and values == [pytest.approx(0.3), None, None, pytest.approx(0.3)]


def test_they_are_keys_of_several_removed_words_with_the_oracle():
    def keys(**options):
        return {"sufficiency", "sufficiency_lift", "aopc"} & metrics_of(spec_of(**options)).keys()

    oracle = {"classifier": "loglikelihood", "controls": ("random", "oracle")}
    assert len(keys(budget="multiword", **oracle)) == 3 and not keys(**oracle)
    assert not keys(budget="multiword", controls=("random", "oracle"))
    assert not keys(style="counterfactual", budget="multiword", **oracle)
