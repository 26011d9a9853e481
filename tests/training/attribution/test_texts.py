"""Texts at the edges: empty ones, ones that only just fit, sure answers, small effects."""

from __future__ import annotations

from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.words import mask_out
from lm_eval_tasks.document import Document
from tests.training.attribution import architectures as world
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions


@pytest.fixture(scope="module")
def fast() -> Any:
    return world.tokenizer()


def test_a_text_that_cannot_be_asked_about_has_a_row_and_the_others_go_on() -> None:
    fast = world.tokenizer()
    trims = "m['content'] | trim | replace('</think>', '')"
    fast.chat_template = world.TEMPLATE.replace("m['content']", trims)
    attributor = Attributor(world.random_model("llama", len(fast)), fast, world.spec(), AttributionOptions())
    texts = ["a lovely day", "", "  ", ":)", "rain </think> again", "rain"]
    rows = attributor.rows([Document({"text": text}) for text in texts])
    assert [row["problem"] for row in rows] == [
        "", *["no words in the text"] * 3, "the chat template changes the text", "",
    ]  # fmt: skip
    assert [bool(row["top"]) for row in rows] == [True, False, False, False, False, True]


def test_no_texts_are_no_rows(fast: Any) -> None:
    attributor = Attributor(world.random_model("llama", len(fast)), fast, world.spec(), AttributionOptions())
    assert attributor.rows([]) == []


def test_fields_in_another_order_are_refused(fast: Any) -> None:
    model = world.random_model("llama", len(fast))
    attributor = Attributor(model, fast, world.spec(world.PAIR), AttributionOptions())
    with pytest.raises(
        UsageError, match=r"its fields are hypothesis, premise; the question pairs asks about premise, hyp"
    ):
        attributor.rows([Document({"hypothesis": "a", "premise": "b"})])


@pytest.mark.parametrize(
    ("method", "checks", "asked"),
    [
        ("occlusion", False, "one word"),
        ("cascade", False, "one word"),
        ("ig", False, "none"),
        ("ig", True, "one word"),
        ("random", False, "none"),
        ("shapley", False, "all words"),
    ],
)
def test_a_text_fits_where_everything_that_is_asked_about_it_fits(method: str, checks: bool, asked: str) -> None:
    """Every word takes a mask of several tokens, but a method that masks one word at a time writes one mask."""
    fast = world.tokenizer(known=())
    document = Document({"text": world.TWEETS[0]})
    options = AttributionOptions(method, steps=2, samples=2, check_flips=checks)

    def problem(context: int) -> str:
        model = world.random_model("llama", len(fast), max_position_embeddings=context)
        return Attributor(model, fast, world.spec(), options).rows([document])[0]["problem"]

    renderer = Attributor(world.random_model("llama", len(fast)), fast, world.spec(), options).renderer
    (prompt,) = renderer.encode([document])
    label = 7  # tokens of "positive" here, the longer one of the two
    one_by_one = [
        mask_out(document.fields, document.words, positions, "[REDACTED]") for positions in prompt.types.values()
    ]
    longest = {
        "none": len(prompt.ids),
        "one word": max(map(len, renderer.variants(prompt, one_by_one))),
        "all words": renderer.longest_variant(prompt),
    }
    assert longest["none"] < longest["one word"] < longest["all words"] - 20
    spare = 16 if asked == "all words" else 0  # how many tokens come apart is not known without asking
    assert problem(longest[asked] + label + spare) == ""
    assert problem(longest[asked] + label + spare - 1) == "the text is longer than the model's context"


def test_sure_answers_hang_on_words_too(fast: Any) -> None:
    """At 1 - 1e-9 a log-probability of float32 is 0: the word is that of the margin all the same."""
    model = world.random_model("llama", len(fast))
    model.lm_head.weight.data *= 12
    rows = {
        target: Attributor(model, fast, world.spec(), AttributionOptions(target=target)).rows(world.documents())
        for target in ("normalized", "margin")
    }
    sure = 0
    for row, other in zip(rows["normalized"], rows["margin"], strict=True):
        assert row["top"]["key"] == other["top"]["key"]
        assert next(iter(row["types"])) == row["top"]["key"]
        assert row["gap"] is None or row["gap"] > 0
        sure += abs(row["logprobs"]["positive"] - row["logprobs"]["negative"]) > 15
    assert sure > 0
    cascade = Attributor(model, fast, world.spec(), AttributionOptions("cascade", finalists=50)).rows(world.documents())
    assert [row["top"]["key"] for row in cascade] == [row["top"]["key"] for row in rows["normalized"]]


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_lime_finds_small_effects_too(scale: float, fast: Any) -> None:
    """Its penalty is a share of what the texts differ by: not nats, which would leave nothing of a small effect."""
    model = world.BagOfWords(len(fast))
    model.lm_head.weight.data *= scale
    spec = world.spec(world.Question("linear", "text", "Which?", ("text",), ("Text",), ("a", "b")))
    options = {name: AttributionOptions(name, target="margin", samples=200) for name in ("lime", "occlusion")}
    found = {name: Attributor(model, fast, spec, one).rows(world.documents()) for name, one in options.items()}
    for lime, known in zip(found["lime"], found["occlusion"], strict=True):
        assert lime["top"]["key"] == known["top"]["key"]
        largest = max(map(abs, known["types"].values()))
        assert lime["types"] == pytest.approx(known["types"], abs=0.15 * largest)
