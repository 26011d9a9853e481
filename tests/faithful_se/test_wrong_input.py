"""Wrong input is one line that says what is wrong: a `UsageError`, an ordinary ValueError."""

from __future__ import annotations

import pytest

import faithful_se
from lm_eval_tasks.rule_models import RuleLM

LABELS = ["negative", "positive"]


@pytest.mark.parametrize(
    ("texts", "settings", "message"),
    [
        ("I love it", {"labels": LABELS}, "give a list of texts, with at least one"),
        ([], {"labels": LABELS}, "give a list of texts, with at least one"),
        ([1], {"labels": LABELS}, "text 0 is 1: give a string, or a mapping from fields to strings"),
        ([{}], {"labels": LABELS}, "text 0 is {}: give a string"),
        (["a", {"premise": "b"}], {"labels": LABELS}, "text 1 has the fields premise, text 0 has text"),
        (["a"], {}, r"labels are missing: give labels="),
        (["a"], {"labels": ["positive"]}, "positive: give two or more to choose from"),
        (["a"], {"labels": "positive"}, "is 'positive', no list"),
        (["a"], {"labels": ["x", "x"]}, "the label x is given twice"),
        (["a"], {"labels": LABELS, "gold": ["good"]}, "text 0 has the gold label 'good'; the labels are negative, pos"),
        (["a"], {"labels": LABELS, "gold": ["positive"] * 2}, "2 gold labels for 1 texts: give one a text"),
        (["a", "b"], {"labels": LABELS, "gold": ["positive", None]}, "one has a gold label, the other has none"),
        (["a"], {"labels": LABELS, "noun": " "}, "noun=' ': give a text that is not empty"),
        (["a"], {"labels": LABELS, "titles": ["A", "B"]}, "2 titles for the fields text: give one a field"),
        (["a"], {"labels": LABELS, "style": "redact"}, "style='redact': give one of attribution, redaction"),
        (["a"], {"labels": LABELS, "budget": "twowords"}, "budget='twowords': give one of oneword, multiword"),
        (["a"], {"labels": LABELS, "control": "oracle"}, r"control=…: no such setting; did you mean controls\?"),
        (["a"], {"labels": LABELS, "controls": "orcale"}, "give any of random, oracle, stability"),
        (["a"], {"labels": LABELS, "draws": 0}, "draws=0: give a whole number from 1"),
        (["a"], {"dataset": "imdb"}, "no dataset 'imdb'; there are agnews"),
        (["a"], {"dataset": "snli"}, "has the fields premise, hypothesis, the texts have premise"),
    ],
)
def test_of_evaluate(texts, settings, message):
    with pytest.raises(faithful_se.UsageError, match=message) as caught:
        faithful_se.evaluate(RuleLM(), None, texts, **settings)
    assert "\n" not in str(caught.value)


def test_gold_labels_beside_documents(tweets):
    with pytest.raises(faithful_se.UsageError, match="documents have their gold labels"):
        faithful_se.evaluate(RuleLM(), None, tweets, ["positive"] * len(tweets), dataset="sentiment140")


@pytest.mark.parametrize("function", ["evaluate", "attribute"])
def test_a_model_by_its_name(function, model, tokenizer):
    with pytest.raises(faithful_se.UsageError, match="model='gpt2': give a Hugging Face model"):
        getattr(faithful_se, function)("gpt2", tokenizer, ["a"], labels=LABELS)
    with pytest.raises(faithful_se.UsageError, match="tokenizer=None: give the model's tokenizer, loaded"):
        getattr(faithful_se, function)(model, None, ["a"], labels=LABELS)


def test_a_batch_size_of_nothing(model, tokenizer):
    with pytest.raises(faithful_se.UsageError, match="batch_size=0: give a whole number from 1"):
        faithful_se.evaluate(model, tokenizer, ["a"], labels=LABELS, batch_size=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": LABELS, "style": "attribution"}, "attribute: style=…: no such setting"),
        ({"labels": LABELS, "method": "magic"}, "magic: give one of occlusion"),
        ({"dataset": "cos_e"}, "has the fields question"),
    ],
)
def test_of_attribute(model, tokenizer, settings, message):
    with pytest.raises(faithful_se.UsageError, match=message):
        faithful_se.attribute(model, tokenizer, [{"text": "a"}], **settings)


def test_of_read_documents():
    for limit in (0, "3"):
        with pytest.raises(faithful_se.UsageError, match=r"limit=.*: give a whole number from 1"):
            faithful_se.read_documents("sentiment140", "mini", limit=limit)
    with pytest.raises(faithful_se.UsageError, match="split='zz': give one of train, validation, test"):
        faithful_se.read_documents("sentiment140", "mini", split="zz")
    for paths in ((), (None,), ([],)):
        with pytest.raises(faithful_se.UsageError, match=r"read_results: .*give folders of results"):
            faithful_se.read_results(*paths)
    with pytest.raises(faithful_se.UsageError, match="give a list of texts"):
        faithful_se.evaluate(object(), object(), None, dataset="sentiment140")
    with pytest.raises(faithful_se.UsageError, match="seed whole numbers from 0"):
        faithful_se.compare("a", "b", seed="x")
    with pytest.raises(faithful_se.UsageError, match="there is no mini data of rte"):
        faithful_se.read_documents("rte", "mini")


def test_labels_that_every_text_must_bring():
    with pytest.raises(faithful_se.UsageError, match="text 0 has no labels of its own"):
        faithful_se.evaluate(RuleLM(), None, [{"question": "Why?"}], dataset="cos_e")
