"""`attribute`: the words of a few texts with their scores, and the picture of them."""

from __future__ import annotations

import pytest

import faithful_se
from faithful_se.attribution_plot import LINE


@pytest.fixture(scope="module")
def attributions(model, tokenizer, tweets):
    return faithful_se.attribute(model, tokenizer, tweets[:3], dataset="sentiment140")


def test_the_scores_are_those_of_the_attributor(mini_base, tokenizer, tweets, attributions):
    from transformers import AutoModelForCausalLM

    from lm_eval_tasks.data import dataset_spec
    from lm_eval_tasks.spec import TaskSpec
    from training.attribution.attributor import Attributor

    spec = TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword")
    rows = Attributor(AutoModelForCausalLM.from_pretrained(mini_base), tokenizer, spec).rows(tweets[:3])
    assert [attribution.row for attribution in attributions] == rows


def test_every_word_has_a_score(tweets, attributions):
    for tweet, attribution in zip(tweets, attributions, strict=False):
        assert [word["text"] for word in attribution.words] == [word.text for word in tweet.words]
        assert attribution.top in tweet.fields["text"].split()
        assert next(iter(attribution.scores)) == attribution.top.lower()
        assert max(attribution.scores.values()) == attribution.scores[attribution.top.lower()]
        assert attribution.prediction in ("negative", "positive")
        assert attribution.problem == ""


def test_a_method_is_a_name_or_options(model, tokenizer, tweets):
    settings = {"dataset": "sentiment140"}
    named = faithful_se.attribute(model, tokenizer, tweets[:1], method="ixg", **settings)
    options = faithful_se.AttributionOptions("ixg")
    assert named == faithful_se.attribute(model, tokenizer, tweets[:1], method=options, **settings)


def test_a_text_without_words_says_so(model, tokenizer):
    (attribution,) = faithful_se.attribute(model, tokenizer, ["!!!"], labels=["negative", "positive"])
    assert attribution.problem == "no words in the text"
    assert attribution.top is None
    assert attribution.plot().to_dict()["title"]["text"] == "no words in the text"


def test_the_model_is_afterwards_as_it_was_before(model, tokenizer, tweets):
    model.train()
    try:
        faithful_se.attribute(model, tokenizer, tweets[:1], dataset="sentiment140")
        assert all(module.training for module in model.modules())
        assert all(parameter.requires_grad for parameter in model.parameters())
    finally:
        model.eval()


def drawn(chart):
    """The pieces of text in a chart: line, start, end, text, score."""
    return chart.to_dict()["data"]["values"]


def test_the_chart_shows_the_whole_text(tweets, attributions):
    for tweet, attribution in zip(tweets, attributions, strict=False):
        pieces = drawn(attribution.plot())
        lines = {}
        for piece in pieces:
            lines.setdefault(piece["line"], []).append(piece["text"])
        text = " ".join("".join(parts).strip() for _, parts in sorted(lines.items()))
        assert text == tweet.fields["text"]
        assert [piece["score"] for piece in pieces if piece["score"] is not None] == [
            word["score"] for word in attribution.words
        ]
        assert all(piece["end"] <= LINE for piece in pieces)


def test_each_field_begins_a_line(model, tokenizer):
    pairs = faithful_se.read_documents("snli", "mini", limit=1)
    (attribution,) = faithful_se.attribute(model, tokenizer, pairs, dataset="snli")
    starts = [piece["text"] for piece in drawn(attribution.plot()) if piece["start"] == 0]
    assert starts == [pairs[0].words[0].text, next(word.text for word in pairs[0].words if word.field == "hypothesis")]


@pytest.mark.parametrize("name", ["words.png", "words.html", "words.svg"])
def test_the_chart_is_saved(attributions, tmp_path, name):
    attributions[0].plot().save(str(tmp_path / name))
    assert (tmp_path / name).stat().st_size > 1000
