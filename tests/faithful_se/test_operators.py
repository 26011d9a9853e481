"""Several operators, and texts to take words from, in Python."""

from __future__ import annotations

import pytest

import faithful_se
from faithful_se.errors import UsageError
from lm_eval_tasks.rule_models import RuleLM

TEXTS = ["I love rainy mondays", "the train was late again"]
OTHERS = ["we hate our old car", "my cat sleeps all day"]


def test_texts_of_the_user_are_infilled_with_words_of_other_texts_of_the_user():
    result = faithful_se.evaluate(
        RuleLM(), None, TEXTS, dataset="sentiment140", operator=["mask", "infill"], infill_texts=OTHERS
    )
    assert result.metrics["lift_infill"].n == 2 and result.metrics["operators_agree"].n == 2
    assert result.metrics["faithful_mask"].estimate == result.metrics["faithful"].estimate
    words = {word for text in OTHERS for word in text.split()}
    for transcript, text in zip(result.transcripts, TEXTS, strict=True):
        new = set(transcript["operators"]["infill"]["perturbed"]["fields"]["text"].split()) - set(text.split())
        assert new and new <= words
        assert transcript["options"]["operator"] == "mask+infill"


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"operator": "infill"},
            "evaluate: operator='infill' writes words of other texts: give infill_texts=[…], like ",
        ),
        ({"infill_texts": OTHERS}, "evaluate: infill_texts=… is for operator='infill': leave it out"),
        ({"operator": "mask+hide"}, "evaluate: operator='mask+hide': give any of mask, delete, substitute, infill "),
    ],
)
def test_what_does_not_fit_is_one_line(settings, line):
    with pytest.raises(UsageError) as error:
        faithful_se.evaluate(RuleLM(), None, TEXTS, dataset="sentiment140", **settings)
    assert str(error.value).startswith(line) and "\n" not in str(error.value)


def test_a_reward_has_one_operator():
    with pytest.raises(UsageError, match=r"^faithfulness_reward: 2 operators: give one: a reward is one number$"):
        faithful_se.faithfulness_reward(RuleLM(), dataset="sentiment140", operator="mask+delete")
