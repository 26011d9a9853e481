"""Edge cases: empty texts, texts that only just fit, sure answers, small effects."""

from __future__ import annotations

from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.words import mask_out
from lm_eval_tasks.document import Document
from tests.training.attribution import tiny_models as tiny
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


def test_a_text_without_attribution_has_a_row_and_the_others_are_attributed() -> None:
    fast = tiny.tokenizer()
    trims = "m['content'] | trim | replace('</think>', '')"
    fast.chat_template = tiny.TEMPLATE.replace("m['content']", trims)
    attributor = Attributor(tiny.random_model("llama", len(fast)), fast, tiny.spec(), AttributionOptions())
    texts = ["a lovely day", "", "  ", ":)", "rain </think> again", "rain"]
    rows = attributor.rows([Document({"text": text}) for text in texts])
    assert [row["problem"] for row in rows] == [
        "", *["no words in the text"] * 3, "the chat template changes the text", "",
    ]  # fmt: skip
    assert [bool(row["top"]) for row in rows] == [True, False, False, False, False, True]


def test_no_texts_are_no_rows(fast: Any) -> None:
    attributor = Attributor(tiny.random_model("llama", len(fast)), fast, tiny.spec(), AttributionOptions())
    assert attributor.rows([]) == []


def test_fields_in_another_order_are_refused(fast: Any) -> None:
    model = tiny.random_model("llama", len(fast))
    attributor = Attributor(model, fast, tiny.spec(tiny.PAIR), AttributionOptions())
    with pytest.raises(
        UsageError, match=r"its fields are hypothesis, premise; the question pairs asks about premise, hyp"
    ):
        attributor.rows([Document({"hypothesis": "a", "premise": "b"})])


@pytest.mark.parametrize(
    ("method", "checks", "masked"),
    [
        ("occlusion", False, "one word"),
        ("cascade", False, "one word"),
        ("ig", False, "none"),
        ("ig", True, "one word"),
        ("random", False, "none"),
        ("shapley", False, "all words"),
    ],
)
def test_a_text_fits_if_all_its_masked_variants_fit(method: str, checks: bool, masked: str) -> None:
    """A mask takes several tokens. Methods that mask one word at a time write one mask, others many."""
    fast = tiny.tokenizer(known=())
    document = Document({"text": tiny.TWEETS[0]})
    options = AttributionOptions(method, steps=2, samples=2, check_flips=checks)

    def problem(context: int) -> str:
        model = tiny.random_model("llama", len(fast), max_position_embeddings=context)
        return Attributor(model, fast, tiny.spec(), options).rows([document])[0]["problem"]

    renderer = Attributor(tiny.random_model("llama", len(fast)), fast, tiny.spec(), options).renderer
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
    spare = 16 if masked == "all words" else 0  # slack for tokens that split
    assert problem(longest[masked] + label + spare) == ""
    assert problem(longest[masked] + label + spare - 1) == "the text is longer than the model's context"


def test_sure_answers_depend_on_words_too(fast: Any) -> None:
    """At 1 - 1e-9 a log-probability of float32 is 0. The top word is that of the margin all the same."""
    model = tiny.random_model("llama", len(fast))
    model.lm_head.weight.data *= 12
    rows = {
        target: Attributor(model, fast, tiny.spec(), AttributionOptions(target=target)).rows(tiny.documents())
        for target in ("normalized", "margin")
    }
    sure = 0
    for row, other in zip(rows["normalized"], rows["margin"], strict=True):
        assert row["top"]["key"] == other["top"]["key"]
        assert next(iter(row["types"])) == row["top"]["key"]
        assert row["gap"] is None or row["gap"] > 0
        sure += abs(row["logprobs"]["positive"] - row["logprobs"]["negative"]) > 15
    assert sure > 0
    cascade = Attributor(model, fast, tiny.spec(), AttributionOptions("cascade", finalists=50)).rows(tiny.documents())
    assert [row["top"]["key"] for row in cascade] == [row["top"]["key"] for row in rows["normalized"]]


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_lime_finds_small_effects_too(scale: float, fast: Any) -> None:
    """Its penalty is a share of the spread of the values. In nats it would remove every small effect."""
    model = tiny.BagOfWords(len(fast))
    model.lm_head.weight.data *= scale
    spec = tiny.spec(tiny.Question("linear", "text", "Which?", ("text",), ("Text",), ("a", "b")))
    options = {name: AttributionOptions(name, target="margin", samples=200) for name in ("lime", "occlusion")}
    rows = {name: Attributor(model, fast, spec, option).rows(tiny.documents()) for name, option in options.items()}
    for lime, known in zip(rows["lime"], rows["occlusion"], strict=True):
        assert lime["top"]["key"] == known["top"]["key"]
        largest = max(map(abs, known["types"].values()))
        assert lime["types"] == pytest.approx(known["types"], abs=0.15 * largest)
