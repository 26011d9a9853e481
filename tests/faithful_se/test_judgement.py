"""`judge`: the verdict of the evaluation on explanations that are there already."""

from __future__ import annotations

import pytest

import faithful_se

TWEETS = {"dataset": "sentiment140"}


@pytest.fixture(scope="module")
def best_words(model, tokenizer, tweets):
    """The word of each text that decides the answer, by attribution."""
    return [row.top for row in faithful_se.attribute(model, tokenizer, tweets, dataset="sentiment140")]


def test_the_word_that_decides_is_faithful(model, tokenizer, tweets, best_words):
    judgement = faithful_se.judge(model, tokenizer, tweets[0], best_words[0], **TWEETS)
    assert (judgement.faithful, judgement.valid, judgement.reason) == (True, True, "")
    assert judgement.words == (best_words[0],)
    assert judgement.prediction != judgement.after
    assert judgement.perturbed == {"text": tweets[0].fields["text"].replace(best_words[0], "[REDACTED]")}
    assert judgement.target == ""


def test_another_word_is_not(model, tokenizer, tweets):
    judgement = faithful_se.judge(model, tokenizer, tweets[0], "had", **TWEETS)
    assert (judgement.faithful, judgement.valid, judgement.reason) == (False, True, "")
    assert judgement.prediction == judgement.after


def test_what_cannot_be_read_says_why(model, tokenizer, tweets):
    judgement = faithful_se.judge(model, tokenizer, tweets[0], "zyzzyva", **TWEETS)
    assert (judgement.faithful, judgement.valid) == (False, False)
    assert judgement.reason == "word not in the text"
    assert judgement.perturbed is None
    assert judgement.after is None


def test_a_batch_gives_rewards(model, tokenizer, tweets, best_words):
    explanations = [word if number % 2 else "zyzzyva" for number, word in enumerate(best_words)]
    judgements = faithful_se.judge_batch(model, tokenizer, tweets, explanations, batch_size=4, **TWEETS)
    singly = [faithful_se.judge(model, tokenizer, *pair, **TWEETS) for pair in zip(tweets, explanations, strict=True)]
    assert [judgement.faithful for judgement in judgements] == [judgement.faithful for judgement in singly]
    rewards = [float(judgement.faithful) for judgement in judgements]
    assert rewards[::2] == [0.0] * 5
    assert sum(rewards[1::2]) >= 4


def test_the_verdict_is_that_of_an_evaluation(model, tokenizer, tweets):
    """The model's own explanations, handed in, are judged as the evaluation judges them."""
    for style in faithful_se.STYLES:
        result = faithful_se.evaluate(model, tokenizer, tweets, style=style, **TWEETS)
        answers = [transcript["explanation"]["answer"] for transcript in result.transcripts]
        judgements = faithful_se.judge_batch(model, tokenizer, tweets, answers, style=style, **TWEETS)
        assert [float(judgement.faithful) for judgement in judgements] == [row["faithful"] for row in result.scores]
        assert [float(judgement.valid) for judgement in judgements] == [row["valid"] for row in result.scores]


def test_a_counterfactual_must_reach_its_target(model, tokenizer, tweets, best_words):
    text = tweets[0].fields["text"]
    edited = text.replace(best_words[0], "terrible")
    judgement = faithful_se.judge(model, tokenizer, text, edited, style="counterfactual", **TWEETS)
    assert judgement.target
    assert judgement.perturbed == {"text": edited}
    assert judgement.faithful == (judgement.after == judgement.target)


def test_controls_run_where_they_are_named(model, tokenizer, tweets):
    plain, with_random = (
        faithful_se.judge(model, tokenizer, tweets[0], "had", controls=controls, **TWEETS).transcript
        for controls in ("none", "random")
    )
    assert plain["random"] == []
    assert len(with_random["random"]) == 2


def test_a_model_in_training_stays_in_training(model, tokenizer, tweets):
    model.train()
    try:
        faithful_se.judge(model, tokenizer, tweets[0], "had", **TWEETS)
        assert all(module.training for module in model.modules())
        assert all(parameter.requires_grad for parameter in model.parameters())
    finally:
        model.eval()


def test_wrong_explanations_are_refused(model, tokenizer, tweets):
    with pytest.raises(faithful_se.UsageError, match="10 texts, 1 explanations: give one for each text"):
        faithful_se.judge_batch(model, tokenizer, tweets, ["love"], **TWEETS)
    with pytest.raises(faithful_se.UsageError, match="the explanation None is no string"):
        faithful_se.judge(model, tokenizer, tweets[0], None, **TWEETS)
