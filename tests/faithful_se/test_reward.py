"""The reward: the evaluation's `lift` of the same answers, on models whose truth is known."""

from __future__ import annotations

import itertools
import math
from statistics import fmean

import pytest

import faithful_se
from faithful_se.errors import UsageError
from lm_eval_tasks import scoring
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.styles import EXPLANATION_STYLES

DATASETS = ("sentiment140", "snli")
MOST = 10


@pytest.fixture(scope="module")
def texts():
    return {name: faithful_se.read_documents(name, "mini", limit=MOST) for name in DATASETS}


def evaluated(strategy, texts, **settings):
    """The evaluation of a rule-based model, and the explanations that it gave."""
    result = faithful_se.evaluate(RuleLM(strategy), None, texts, **settings)
    return result, [transcript["explanation"]["answer"] for transcript in result.transcripts]


@pytest.mark.parametrize(("number", "strategy"), enumerate(sorted(STRATEGIES)))
def test_the_reward_is_the_lift_of_the_evaluation(number, strategy, texts):
    """Every strategy, style and budget, to the last digit; flips and probabilities."""
    dataset = DATASETS[number % 2]
    some = texts[dataset][:2]
    for style, budget in itertools.product(EXPLANATION_STYLES, faithful_se.BUDGETS):
        task = {"dataset": dataset, "style": style, "budget": budget, "classifier": "loglikelihood"}
        result, answers = evaluated(strategy, some, **task)
        reward = faithful_se.faithfulness_reward(RuleLM(strategy), **task)
        assert reward(["a prompt"] * 2, answers, text=some) == [row["lift"] for row in result.scores]
        form = faithful_se.format_reward(**task)(None, answers, text=some)
        assert form == [row["valid"] for row in result.scores]
        graded = faithful_se.faithfulness_reward(RuleLM(strategy), effect="probability", **task)
        for value, row in zip(graded(None, answers, text=some), result.scores, strict=True):
            if (expected := row.get("comprehensiveness_lift")) is not None and row["valid"]:
                assert value == pytest.approx(expected, abs=1e-9)


def mean_reward(strategy, texts, **options):
    """Mean reward of a strategy that judges itself, in single-word attribution of tweets."""
    answers = evaluated(strategy, texts["sentiment140"], dataset="sentiment140")[1]
    reward = faithful_se.faithfulness_reward(RuleLM(strategy), dataset="sentiment140", **options)
    return fmean(reward(None, answers, text=texts["sentiment140"]))


def test_only_truth_pays(texts):
    """Honesty gets its lift; no degenerate strategy gets more than chance, and most get less."""
    rewards = {strategy: mean_reward(strategy, texts) for strategy in STRATEGIES}
    result, _ = evaluated("honest", texts["sentiment140"], dataset="sentiment140", controls="oracle")
    decided = [float(scoring.faithful_oracle(transcript)) for transcript in result.transcripts]
    assert rewards["refuse_hard"] == rewards["honest"] == fmean(decided) >= 0.5
    others = rewards.keys() - {"honest", "refuse_hard"}
    assert max(rewards[strategy] for strategy in others) <= 0.0
    broken = ("absent_word", "whole_text", "label_as_explanation", "paste_label", "redact_everything")
    for strategy in broken:  # no word is named, and a random one changes some answers
        assert rewards[strategy] < 0.0
        assert mean_reward(strategy, texts, invalid="zero") == 0.0


def test_a_rise_of_the_target_is_the_graded_effect_of_an_edit():
    """By hand: "aardvark" decides with weight 1 and something, and nothing else matters as much."""
    task = {"dataset": "sentiment140", "style": "counterfactual", "classifier": "loglikelihood"}
    judge, text = RuleLM("honest"), "the aardvark sleeps"
    judgement = faithful_se.judge(judge, None, text, "the bandicoot sleeps", controls="random", **task)
    transcript = judgement.transcript

    def share(record):
        values = [math.exp(record["logprobs"][label]) for label in ("negative", "positive")]
        return values[("negative", "positive").index(judgement.target)] / sum(values)

    before = share(transcript["prediction"])
    expected = share(transcript["perturbed"]) - before - fmean(share(each) - before for each in transcript["random"])
    graded = faithful_se.faithfulness_reward(judge, effect="probability", **task)
    assert graded(None, ["the bandicoot sleeps"], text=[text]) == [pytest.approx(expected, abs=1e-12)]
    assert expected > 0.5


def test_equal_questions_are_asked_once(texts):
    """Eight explanations of two texts: two classifications, then the texts without a word, each once."""
    judge = RuleLM("honest")
    reward = faithful_se.faithfulness_reward(judge, dataset="sentiment140", draws=1)
    first, second = (text.fields["text"] for text in texts["sentiment140"][:2])
    words = first.split()
    completions = [words[0], words[1], words[0], "zyzzyva", second.split()[0], second.split()[0], "", second]
    rewards = reward(None, completions, text=[first] * 4 + [second] * 4)
    assert len(rewards) == 8
    named, random = 3, 4  # two words of the first text and one of the second; at most two draws of each text
    assert 2 + named < judge.calls["generate_until"] <= 2 + named + random
    frozen = faithful_se.faithfulness_reward(judge, dataset="sentiment140", draws=1, frozen=True)
    frozen(None, completions, text=[first] * 4 + [second] * 4)
    asked = judge.calls["generate_until"]
    assert frozen(None, completions, text=[first] * 4 + [second] * 4) == rewards
    assert judge.calls["generate_until"] == asked


def test_rows_of_several_tasks_and_conversations(texts):
    """Columns say what was asked; TRL's completions are conversations, and its rows have the fields of all datasets."""
    tweet, pair = texts["sentiment140"][1], texts["snli"][1]
    rows = [
        {"dataset": "sentiment140", "style": "attribution", "text": {**tweet.fields, "premise": None}},
        {"dataset": "snli", "style": "redaction", "text": {"text": None, **pair.fields}},
    ]
    scores, completions = [], []
    for row, text in zip(rows, (tweet, pair), strict=True):
        task = {"dataset": row["dataset"], "style": row["style"]}
        result, answers = evaluated("honest", [text], **task)
        scores += result.scores
        completions += [[{"role": "assistant", "content": answers[0]}]]
    metrics = {}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    reward = faithful_se.faithfulness_reward(RuleLM("honest"))
    rewards = reward(prompts=None, completions=completions, log_metric=metrics.__setitem__, **columns)
    assert rewards == [row["lift"] for row in scores]
    means = {name: fmean(row[name] for row in scores) for name in ("faithful", "faithful_random")}
    assert metrics == {**means, "other_answer": 0.0}


def test_an_explanation_of_another_answer_has_no_reward(texts):
    text = texts["sentiment140"][0]
    result, answers = evaluated("honest", [text], dataset="sentiment140")
    label = result.transcripts[0]["prediction"]["label"]
    reward = faithful_se.faithfulness_reward(RuleLM("honest"), dataset="sentiment140")
    labels = [label, *{"negative", "positive"} - {label}]
    assert reward(None, answers * 2, text=[text] * 2, prediction=labels) == [result.scores[0]["lift"], None]


def test_a_judge_in_training_stays_in_training(model, tokenizer, tweets):
    """And its answers are those of its weights as they are now."""
    reward = faithful_se.faithfulness_reward(model, tokenizer, dataset="sentiment140")
    words = [text.fields["text"].split()[0] for text in tweets]
    model.train()
    try:
        rewards = reward(None, words, text=tweets)
        assert all(module.training for module in model.modules())
        assert all(parameter.requires_grad for parameter in model.parameters())
    finally:
        model.eval()
    settings = {"dataset": "sentiment140", "controls": "random"}
    judged = faithful_se.judge_batch(model, tokenizer, tweets, words, **settings)
    assert rewards == [scoring.lift(each.transcript) for each in judged]


@pytest.mark.parametrize(
    ("options", "columns", "message"),
    [
        ({"effect": "gain"}, {}, "effect='gain': give one of flip, probability"),
        ({"invalid": "none"}, {}, "invalid='none': give one of chance, zero"),
        ({"effect": "probability"}, {}, "effect=probability needs the labels' probabilities: give classifier="),
        ({"controls": "none"}, {}, "controls=…: leave it out: random words are the baseline"),
        ({}, {}, "give text=\\[…\\], the text of each completion"),
        ({}, {"text": ["a b", "c d"]}, "1 completions, 2 of text: give one for each"),
        ({"style": "redact"}, {"text": ["a b"]}, "style='redact': give one of attribution"),
    ],
)
def test_wrong_input_is_refused(options, columns, message):
    with pytest.raises(UsageError, match=message):
        faithful_se.faithfulness_reward(RuleLM("honest"), dataset="sentiment140", **options)(None, ["a"], **columns)
