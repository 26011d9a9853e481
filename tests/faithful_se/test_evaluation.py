"""`evaluate` gives what lm_eval gives, document by document."""

from __future__ import annotations

import json

import pytest

import faithful_se
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.evaluations import load_model

DOCUMENTS = 10
FULL = {"controls": "all", "classifier": "loglikelihood"}


@pytest.mark.parametrize(
    ("dataset", "style", "budget", "options"),
    [
        ("sentiment140", "attribution", "oneword", {}),
        ("snli", "redaction", "multiword", {"controls": "oracle", "operator": "delete"}),
        ("agnews", "counterfactual", "oneword", {"context": "fresh", "draws": 3}),
        ("sentiment140", "attribution", "multiword", FULL),
        ("snli", "counterfactual", "multiword", {**FULL, "unknown": True}),
    ],
)
def test_the_numbers_are_those_of_lm_eval(evaluate, mini_base, model, tokenizer, dataset, style, budget, options):
    task = f"faithful_se_{dataset}_{style}_{budget}"
    expected = evaluate(load_model(mini_base), "mini", task, DOCUMENTS, **options)
    samples = sorted(expected["samples"][task], key=lambda sample: sample["doc_id"])
    documents = faithful_se.read_documents(dataset, "mini", limit=DOCUMENTS)

    result = faithful_se.evaluate(
        model, tokenizer, documents, dataset=dataset, style=style, budget=budget, batch_size=8, **options
    )

    for sample, transcript, scores in zip(samples, result.transcripts, result.scores, strict=True):
        theirs = json.loads(sample["resps"][0][0])
        theirs["options"]["data"] = transcript["options"]["data"]
        assert json.loads(json.dumps(transcript)) == theirs
        assert {name: sample[name] for name in scores} == scores
        assert {name for name in sample["metrics"] if not name.endswith("_stderr")} == set(scores)
    for name, estimate in result.metrics.items():
        value = expected["results"][task][f"{name},none"]
        if estimate.estimate is None:
            assert not isinstance(value, float) or value != value
        else:
            assert estimate.estimate == pytest.approx(value, abs=1e-12)
            assert estimate.low <= estimate.estimate <= estimate.high


def test_plain_texts_with_a_question_of_the_user(model, tokenizer, tweets):
    texts = [tweet.fields["text"] for tweet in tweets]
    gold = [tweet.gold for tweet in tweets]
    same = faithful_se.evaluate(model, tokenizer, tweets, dataset="sentiment140")
    settings = {
        "labels": ["negative", "positive"],
        "question": "Is the sentiment of the following tweet negative or positive?",
        "noun": "tweet",
    }
    result = faithful_se.evaluate(model, tokenizer, texts, gold, **settings)
    assert result.metrics == same.metrics
    assert result.scores == same.scores
    without_gold = faithful_se.evaluate(model, tokenizer, texts, **settings)
    assert "acc" not in without_gold.metrics
    of_gold = ("acc", "acc_majority", "measurable")  # what gold labels enter; the last is what the finding is from
    assert not {"acc", "acc_majority"} & set(without_gold.scores[0])

    def without(rows):
        return [{name: value for name, value in row.items() if name not in of_gold} for row in rows]

    assert without(without_gold.scores) == without(same.scores)


def test_a_system_message_and_settings_of_the_explanation_reach_the_model(model, tokenizer, tweets):
    settings = {"dataset": "sentiment140", "system": "Be brief.", "generation": {"max_gen_toks": 1}}
    result = faithful_se.evaluate(model, tokenizer, tweets[:2], **settings)
    assert result.transcripts[0]["prediction"]["messages"][0] == {"role": "system", "content": "Be brief."}
    assert len(tokenizer.encode(result.transcripts[0]["explanation"]["answer"])) <= 1


def test_a_model_without_a_chat_template_reads_plain_text(model, mini_base, tweets):
    from transformers import AutoTokenizer

    plain = AutoTokenizer.from_pretrained(mini_base)
    plain.chat_template = None
    faithful_se.evaluate(model, plain, tweets[:1], dataset="sentiment140")
    with pytest.raises(faithful_se.UsageError, match="chat template"):
        faithful_se.evaluate(model, plain, tweets[:1], dataset="sentiment140", chat_template=True)


def test_the_model_is_afterwards_as_it_was_before(model, tokenizer, tweets):
    model.train()
    try:
        faithful_se.evaluate(model, tokenizer, tweets[:2], dataset="sentiment140")
        assert all(module.training for module in model.modules())
    finally:
        model.eval()


def test_a_model_of_lm_eval_needs_no_tokenizer(tweets):
    result = faithful_se.evaluate(RuleLM("honest"), None, tweets, dataset="sentiment140", controls="oracle")
    honest = result.metrics["faithful"]
    assert honest.estimate == result.metrics["faithful_oracle"].estimate
    assert honest.n == len(tweets)


def test_documents_of_a_dataset_bring_their_own_labels_and_rationales(real_data):
    documents = faithful_se.read_documents("cos_e", str(real_data), limit=5)
    result = faithful_se.evaluate(RuleLM("honest"), None, documents, dataset="cos_e")
    assert "plausibility_f1" in result.metrics


def test_the_frame_has_a_row_per_text(tweets):
    result = faithful_se.evaluate(RuleLM("random"), None, tweets, dataset="sentiment140", controls="oracle")
    frame = result.frame()
    assert frame.height == len(tweets)
    assert frame["faithful"].to_list() == [row["faithful"] for row in result.scores]
    assert frame["gold"].to_list() == [tweet.gold for tweet in tweets]
    assert frame["fields"].struct.field("text").to_list() == [tweet.fields["text"] for tweet in tweets]
    assert {"prediction", "explanation", "words", "after", "lift", "faithful_oracle"} <= set(frame.columns)


def test_it_prints_as_a_table(tweets):
    result = faithful_se.evaluate(RuleLM("constant"), None, tweets, dataset="sentiment140", controls="oracle")
    lines = dict(line.split(maxsplit=1) for line in str(result).splitlines())
    assert lines["faithful"] == "0.000 [0.000, 0.278], n 10"
    assert lines["ccf"] == "not measurable (headroom 0.00)"
