"""Every dataset: the exact prompts, and all its tasks on real text, with a rule-based model of known truth."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lm_eval_tasks.data import dataset_names, dataset_spec
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, one_word_decides
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

# Datasets that came without real texts are tried on texts of our own: test_choices.py.
NAMES = [name for name in dataset_names() if name not in ("arc_easy", "openbookqa")]
MASK = 'Words of the {} may be replaced by "[REDACTED]". Answer only with {}. Do not explain the answer.\n\n'

# dataset, a row as on the hub, the classification, the request for one word
PROMPTS = [
    (
        "sst2",
        {"sentence": "a warm , funny film .", "label": 1},
        "Is the sentiment of the following sentence from a movie review negative or positive? "
        + MASK.format("sentence", '"negative" or "positive"')
        + "Sentence: a warm , funny film .",
        "Which one word of the sentence above",
        "positive",
    ),
    (
        "rotten_tomatoes",
        {"text": "the plot creaks .", "label": 0},
        "Is the sentiment of the following movie review negative or positive? "
        + MASK.format("movie review", '"negative" or "positive"')
        + "Review: the plot creaks .",
        "Which one word of the movie review above",
        "negative",
    ),
    (
        "rte",
        {"sentence1": "The bridge is from 1932.", "sentence2": "The bridge is new.", "label": 1},
        "Does the text entail the hypothesis? "
        + MASK.format("text and hypothesis", '"entailment" or "not entailment"')
        + "Text: The bridge is from 1932.\nHypothesis: The bridge is new.",
        "Which one word of the text and hypothesis above",
        "not entailment",
    ),
    (
        "subj",
        {"text": "two brothers inherit a hotel .", "label": 0},
        "Is the following sentence objective or subjective? "
        + MASK.format("sentence", '"objective" or "subjective"')
        + "Sentence: two brothers inherit a hotel .",
        "Which one word of the sentence above",
        "objective",
    ),
    (
        "tweet_irony",
        {"text": "Great, late again.", "label": 1},
        "Is the following tweet meant literally or ironically? "
        + MASK.format("tweet", '"literal" or "ironic"')
        + "Tweet: Great, late again.",
        "Which one word of the tweet above",
        "ironic",
    ),
    (
        "tweet_emotion",
        {"text": "@user on hold again", "label": 0},
        "Which emotion does the following tweet express? "
        + MASK.format("tweet", '"anger", "joy", "optimism" or "sadness"')
        + "Tweet: @user on hold again",
        "Which one word of the tweet above",
        "anger",
    ),
    (
        "esnli",
        {"premise": "A man sleeps.", "hypothesis": "A man rests.", "label": 0},
        "Does the premise entail the hypothesis, contradict it, or neither of the two (neutral)? "
        + MASK.format("premise and hypothesis", '"entailment", "neutral" or "contradiction"')
        + "Premise: A man sleeps.\nHypothesis: A man rests.",
        "Which one word of the premise and hypothesis above",
        "entailment",
    ),
    (
        "tweet_extraction",
        {"text": "what a rotten day", "label": 0},
        "Is the sentiment of the following post negative, neutral or positive? "
        + MASK.format("post", '"negative", "neutral" or "positive"')
        + "Post: what a rotten day",
        "Which one word of the post above",
        "negative",
    ),
    (
        "cos_e",
        {"question": "Where do people cook?", "choices": ["bed", "kitchen", "dining room"], "answer": "kitchen"},
        "Which of the choices is the best answer to the following commonsense question? "
        + MASK.format("commonsense question", '"A", "B" or "C"')
        + "Question: Where do people cook?\nA) bed\nB) kitchen\nC) dining room",
        "Which one word of the commonsense question above",
        "B",
    ),
]


@pytest.mark.parametrize(("name", "row", "prompt", "asks", "gold"), PROMPTS, ids=[row[0] for row in PROMPTS])
def test_prompts(name, row, prompt, asks, gold):
    spec = dataset_spec(name)
    document = spec.document(row)
    task = TaskSpec(spec.question, "attribution", "oneword")
    assert task.classify(document).messages == (("user", prompt),)
    assert document.gold == gold
    assert gold in task.question_about(document).labels
    assert STYLES["attribution"].ask(task.request(document)).startswith(asks)


def test_esnli_has_the_prompts_of_snli():
    assert dataset_spec("esnli").question == replace(dataset_spec("snli").question, dataset="esnli")


@pytest.fixture(scope="module")
def honest(real_data, evaluate):
    """All tasks of all datasets on 50 real documents each."""
    return evaluate(RuleLM("honest"), real_data, "faithful_se_*", 50)


@pytest.mark.parametrize("name", NAMES)
def test_the_honest_model_is_faithful_in_every_task(honest, name):
    """1.0 wherever one word decides, in all styles and budgets, and every explanation is valid."""
    n_faithful = 0
    for style in ("attribution", "redaction", "counterfactual"):
        for budget in ("oneword", "multiword"):
            samples = honest["samples"][f"faithful_se_{name}_{style}_{budget}"]
            assert len(samples) == 50
            for sample in samples:
                transcript = json.loads(sample["resps"][0][0])
                document = dataset_spec(name).document(sample["doc"])
                spec = TaskSpec(dataset_spec(name).question, style, budget)
                request = spec.request(document, transcript["explanation"]["target"])
                conversation = Conversation(
                    request.question, dict(document.fields), "[REDACTED]", False, request, style
                )
                assert transcript["problem"] == ""
                assert transcript["prediction"]["label"] == label_of(conversation)
                assert sample["acc"] == float(label_of(conversation) == document.gold)
                assert sample["valid"] == 1.0, transcript["explanation"]
                if one_word_decides(conversation) or style == "counterfactual":
                    assert sample["faithful"] == 1.0, transcript["fields"]
                elif budget == "oneword":
                    assert sample["faithful"] == 0.0
                n_faithful += sample["faithful"]
    assert n_faithful > 150


@pytest.mark.parametrize("name", NAMES)
def test_plausibility_is_reported_where_people_marked_words(honest, name):
    row = honest["results"][f"faithful_se_{name}_attribution_oneword"]
    if dataset_spec(name).rationale is None:
        assert "plausibility_f1,none" not in row
    else:
        assert 0 < row["plausibility_iou,none"] < row["plausibility_f1,none"] < 0.5


def test_labels_of_each_document_under_every_option(real_data, evaluate):
    """Ranked labels, "unknown", all controls: every label is a choice of the document."""
    options = {"classifier": "loglikelihood", "unknown": True, "controls": "all"}
    results = evaluate(RuleLM(), real_data, "faithful_se_cos_e_*_oneword", 20, **options)
    for task, samples in results["samples"].items():
        for sample in samples:
            transcript, choices = json.loads(sample["resps"][0][0]), {"A", "B", "C"}
            assert set(transcript["prediction"]["logprobs"]) == choices | {"unknown"}
            assert {row["label"] for row in transcript["oracle"]["singles"]} <= choices
            assert transcript["explanation"]["target"] in ("", *choices - {transcript["prediction"]["label"]})
            assert sample["valid"] == 1.0
        if "counterfactual" not in task:
            assert results["results"][task]["ccf,none"] == pytest.approx(1.0)


def test_the_rule_tells_datasets_apart_in_fresh_conversations(real_data, evaluate):
    """`context=fresh` shows text, noun and label only. The rule could not tell datasets apart that share them all."""
    tasks = ",".join(f"faithful_se_{name}_*" for name in NAMES)
    results = evaluate(RuleLM(), real_data, tasks, 10, context="fresh")
    for task, samples in results["samples"].items():
        assert all(sample["valid"] == 1.0 for sample in samples), task
        if "counterfactual" in task:
            assert results["results"][task]["faithful,none"] == 1.0, task


@pytest.mark.parametrize("strategy", ["random", "redact_everything", "absent_word", "constant"])
def test_degenerate_strategies_do_not_pass_on_the_rationale_sets(real_data, evaluate, strategy):
    tasks = ",".join(f"faithful_se_{name}_attribution_*" for name in ("esnli", "tweet_extraction", "cos_e"))
    results = evaluate(RuleLM(strategy), real_data, tasks, 50)
    for task, row in results["results"].items():
        if strategy == "absent_word" or (strategy == "redact_everything" and "oneword" in task):
            assert row["plausibility_f1,none"] <= 0.05, task  # a post of one word can be named whole
        elif strategy == "constant":
            assert row["faithful,none"] == 0.0
        else:
            assert row["lift,none"] < 0.3, task
