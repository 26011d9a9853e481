"""Attributions of multiple choice: letters of three to five choices in one file, against a plain pass of the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from faithful_se.errors import UsageError
from faithfulness_metrics.words import mask_out
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.options import Options
from tests.training.attribution import tiny_models as tiny
from training.attribution.inputs import from_dataset
from training.attribution.options import AttributionOptions
from training.attribution.run import attribute
from training.build.attributions import read_attributions


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


def plain_logprobs(model: Any, fast: Any, spec: Any, document: Any) -> list[float]:
    """Log-probability of each letter after the evaluation's own prompt, by one plain call of the model."""
    call = spec.classify(document)
    prompt = fast.apply_chat_template(as_chat(call.messages), tokenize=False, add_generation_prompt=True)
    ids = fast(prompt, add_special_tokens=False)["input_ids"]
    letters = [fast(prompt + label, add_special_tokens=False)["input_ids"][len(ids) :] for label in call.labels]
    with torch.no_grad():
        rows = [model(torch.tensor([[*ids, *path]])).logits[0].float().log_softmax(-1) for path in letters]
    return [
        sum(float(row[len(ids) - 1 + place, token]) for place, token in enumerate(path))
        for row, path in zip(rows, letters, strict=True)
    ]


@pytest.mark.parametrize("words_of", ["question", "choices", "both"])
def test_rows_are_the_models_own_numbers(words_of: str, fast: Any, tmp_path: Path) -> None:
    model = tiny.random_model("llama", len(fast))
    options = Options(data="mini", words_of=words_of)
    source = from_dataset(dataset_spec("arc_easy"), options, limit=8)
    assert {len(document.labels) for document in source.documents} == {3, 4, 5}
    attribute(
        model, fast, [source], tmp_path, AttributionOptions("occlusion", target="logprob"), settings={"data": "mini"}
    )
    rows = [json.loads(line) for line in (tmp_path / "arc_easy.jsonl").read_text().splitlines()]
    for row, document in zip(rows, source.documents, strict=True):
        before = plain_logprobs(model, fast, source.spec, document)
        assert list(row["logprobs"]) == list(document.labels) == row["labels"]
        assert list(row["logprobs"].values()) == pytest.approx(before, abs=1e-4)
        label = document.labels.index(row["prediction"])
        for position in (0, len(document.words) - 1):
            same = [i for i, word in enumerate(document.words) if word.key == document.words[position].key]
            masked = document.with_fields(mask_out(document.fields, document.words, same, "[REDACTED]"))
            after = plain_logprobs(model, fast, source.spec, masked)
            assert row["words"][position]["score"] == pytest.approx(before[label] - after[label], abs=1e-4)
    texts = read_attributions(tmp_path).texts["arc_easy"]
    assert [text.document.hash for text in texts] == [document.hash for document in source.documents]
    assert [text.document.context for text in texts] == [document.context for document in source.documents]


def test_letters_are_not_calibrated_here_and_other_words_are_another_folder(fast: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="arc_easy: --classifier calibrated is for labels that are the same"):
        from_dataset(dataset_spec("arc_easy"), Options(data="mini", classifier="calibrated"), limit=2)
    with pytest.raises(UsageError, match="trec: words_of=both is for multiple choice"):
        from_dataset(dataset_spec("trec"), Options(data="mini", words_of="both"), limit=2)
    model = tiny.random_model("llama", len(fast))
    for words_of in ("question", "both"):
        source = from_dataset(dataset_spec("arc_easy"), Options(data="mini", words_of=words_of), limit=1)
        if words_of == "question":
            attribute(model, fast, [source], tmp_path, AttributionOptions("random"))
        else:
            with pytest.raises(UsageError, match="words_of"):
                attribute(model, fast, [source], tmp_path, AttributionOptions("random"))
