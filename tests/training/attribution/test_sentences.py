"""Attribution and training rows over sentences: every method, a plain loop, what a build writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faithfulness_metrics.words import mask_out
from lm_eval_tasks.document import Document
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.test_exactness import plain_value
from tests.training.build.rule_model import WEIGHTS, attributions, respond
from training.attribution.attributor import Attributor
from training.attribution.cost import cost_lines
from training.attribution.inputs import Source
from training.attribution.methods import METHODS
from training.attribution.options import AttributionOptions
from training.build.attributions import AttributedText
from training.build.options import BuildOptions
from training.build.run import build
from training.runs.artefacts import words_problem

TEXTS = (
    "what a day. lovely people at the sea! i like it.",
    "Menu:\n1. coffee\n2. no coffee today",
    "one sentence only",
)
DOCUMENTS = [Document({"text": text}) for text in TEXTS]
SPEC = tiny.spec(unit="sentence", classifier="loglikelihood")


@pytest.fixture(scope="module")
def model() -> tuple[Any, Any]:
    fast = tiny.tokenizer()
    return tiny.random_model("llama", len(fast)), fast


@pytest.mark.parametrize("method", METHODS)
def test_every_method_scores_sentences(method: str, model: tuple[Any, Any]) -> None:
    rows = Attributor(*model, SPEC, AttributionOptions(method, steps=2, samples=4)).rows(DOCUMENTS)
    assert [len(row["words"]) for row in rows] == [3, 3, 1]
    for row in rows:
        assert row["problem"] == "" and row["options"]["unit"] == "sentence" and not words_problem(row)
        assert row["top"] and row["top"]["key"] in row["types"]
    assert rows[1]["words"][2]["text"] == "no coffee today" and rows[1]["words"][2]["key"] == "no coffee today"
    cut = {**rows[0], "words": rows[0]["words"][:2]}
    assert "which found other sentences in the text" in words_problem(cut)


def test_occlusion_masks_a_sentence_as_the_evaluation_does(model: tuple[Any, Any]) -> None:
    attributor = Attributor(*model, SPEC, AttributionOptions("occlusion"))
    renderer, tree = attributor.renderer, attributor.forward.tree
    assert "Sentences of the tweet may be replaced" in renderer.pieces[0]
    for document, row in zip(DOCUMENTS, attributor.rows(DOCUMENTS), strict=True):
        label = tree.labels.index(row["prediction"])
        units = SPEC.in_units(document).units

        def value(fields: Any, label: int = label) -> float:
            (ids,) = renderer.tokens([renderer.render(fields)])["input_ids"]
            return float(plain_value(model[0], tree, ids, label))

        for position, word in enumerate(row["words"]):
            drop = value(document.fields) - value(mask_out(document.fields, units, [position], "[REDACTED]"))
            assert word["score"] == pytest.approx(drop, abs=1e-4)


def test_the_cost_is_said_for_sentences_and_long_texts() -> None:
    (line,) = cost_lines([Source(SPEC, DOCUMENTS)], AttributionOptions("occlusion"))
    assert line == (
        "tweets: 3 texts of 2 different sentences on average, at most 3; occlusion reads each text as often"
    )
    assert not cost_lines([Source(tiny.spec(), DOCUMENTS)], AttributionOptions())
    long = [Document({"text": " ".join(f"w{number}" for number in range(300))})]
    (line,) = cost_lines([Source(tiny.spec(), long)], AttributionOptions())
    assert line.endswith("--unit sentence asks about sentences")


def attributed(text: str, index: int) -> AttributedText:
    """A text with exact scores of its sentences."""
    document = Document({"text": text}, None, unit="sentence")
    scores = {unit.key: float(sum(WEIGHTS.get(key, 0) for key in unit.key.split())) for unit in document.units}
    sign = 1 if sum(scores.values()) > 0 else -1
    ranking = tuple(sorted(((key, sign * score) for key, score in scores.items()), key=lambda pair: -pair[1]))
    return AttributedText(document, index, "positive" if sign > 0 else "negative", ranking)


@pytest.mark.parametrize("budget", ["oneword", "multiword"])
def test_a_build_names_masks_and_rewrites_sentences(tmp_path: Path, budget: str) -> None:
    texts = [
        "I love it. It was a dull day.",
        "They hate it. We had a nice walk.",
        "Great food! Then it was awful and dull.",
    ]
    source = attributions(tmp_path / "data")
    manifest: Any = {**source.manifest, "rows": {"sentiment140": len(texts)}}
    manifest["options"] = {**manifest["options"], "unit": "sentence"}
    source = replace(source, manifest=manifest, texts={"sentiment140": [attributed(t, i) for i, t in enumerate(texts)]})
    build(source, respond, tmp_path / "out", BuildOptions(budget=budget, replay=0.5))
    rows = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text().splitlines()]
    answers = {(row["style"], row["words"][0] if row["words"] else ""): row["completion"][0]["content"] for row in rows}
    assert answers["attribution", "I love it."] == "I love it."
    assert answers["redaction", "They hate it."] == "[REDACTED] We had a nice walk."
    # The best sentence of a text with the other label is written over this one's.
    assert answers["counterfactual", "I love it."] == "Then it was awful and dull. It was a dull day."
    asked = [row["prompt"][-1]["content"] for row in rows if row["style"] == "redaction"]
    assert asked and all("sentence" in prompt and " word" not in prompt for prompt in asked)
    masked = [row for row in rows if row["style"] == "classification" and row["words"]]
    assert masked and all("[REDACTED]" in row["prompt"][0]["content"].rpartition("Tweet: ")[2] for row in masked)
