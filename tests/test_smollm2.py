"""A real instruction model and twenty real texts: evaluation, attribution as captum's, build, one training step.

It has what the small random models lack: a system turn of its own, labels of several tokens, a probability that is
mostly not on the labels, and one answer to all texts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from benchmarks.attribution_peers import Peers
from faithful_se.files import read_jsonl
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from tests.training.attribution.test_exactness import assert_captum_ig, assert_plain_occlusion, label_logprob
from training.attribution.attributor import Attributor
from training.attribution.cli import main as attribute
from training.attribution.options import AttributionOptions
from training.build.cli import main as build
from training.models.loading import load_model
from training.sft.cli import main as sft

SYSTEM = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
TWEETS, PAIRS = "faithful_se_sentiment140_attribution_oneword", "faithful_se_snli_attribution_oneword"


@pytest.fixture(scope="module")
def exact(smollm2: Path) -> Any:
    """The model in float32, and its tokenizer."""
    return load_model(str(smollm2), dtype="float32", device="cpu")


@pytest.fixture(scope="module")
def results(smollm2: Path, real_data: Path, evaluate: Any) -> dict[str, Any]:
    """Ten tweets and ten pairs, their labels ranked by lm-eval's own backend."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=str(smollm2), device="cpu", dtype="bfloat16", batch_size=5)
    extra = {"gen_kwargs": {"max_gen_toks": 16}}
    return evaluate(lm, real_data, f"{TWEETS},{PAIRS}", 10, extra, classifier="loglikelihood", controls="none")


def transcripts(results: dict[str, Any], task: str) -> list[dict[str, Any]]:
    return [json.loads(sample["resps"][0][0]) for sample in results["samples"][task]]


def test_the_labels_are_ranked_by_the_models_own_probabilities(results: dict[str, Any], exact: Any) -> None:
    """One plain call in float32 for each label; the evaluation rounds to bfloat16."""
    model, tokenizer = exact
    for task in (TWEETS, PAIRS):
        prediction = transcripts(results, task)[0]["prediction"]
        prompt = tokenizer.apply_chat_template(prediction["messages"], add_generation_prompt=True, tokenize=False)
        assert prompt.startswith(f"{SYSTEM}<|im_start|>user\n") and prompt.endswith("<|im_start|>assistant\n")
        ids, logprobs = tokenizer(prompt)["input_ids"], prediction["logprobs"]
        paths = {label: tuple(tokenizer(label, add_special_tokens=False)["input_ids"]) for label in logprobs}
        assert (max(map(len, paths.values())) > 1) == (task == PAIRS)  # entailment and contradiction: several tokens
        with torch.no_grad():
            plain = {label: float(label_logprob(model, ids, path)) for label, path in paths.items()}
        assert logprobs == pytest.approx(plain, abs=0.2)
        assert prediction["label"] == max(plain, key=plain.__getitem__)


def test_scores_count_all_texts_and_say_what_they_cannot_measure(results: dict[str, Any]) -> None:
    for task in (TWEETS, PAIRS):
        scores, answers = results["results"][task], transcripts(results, task)
        valid = [answer for answer in answers if answer["explanation"]["valid"]]
        changed = [a for a in valid if a["perturbed"]["label"] != a["prediction"]["label"]]
        assert scores["valid,none"] == pytest.approx(len(valid) / 10)
        assert scores["faithful,none"] == pytest.approx(len(changed) / 10)
        # Untuned, it gives all texts one answer, and the labels hold a few hundredths of the probability.
        assert scores["measurable,none"] == "no (one answer for 10 of 10)" and scores["label_mass,none"] < 0.1
    assert any(answer["explanation"]["valid"] for answer in transcripts(results, TWEETS))


def documents(name: str, real_data: Path, count: int) -> list[Document]:
    """The shortest of the first twenty texts, words of one text being few: captum calls the model once for each."""
    texts = [
        dataset_spec(name).document(row) for row in load(dataset_spec(name), str(real_data), "train").select(range(20))
    ]
    return sorted((text for text in texts if len(text.words) > 3), key=lambda text: len(text.words))[:count]


def attributor(exact: Any, name: str, **options: Any) -> Attributor:
    spec = TaskSpec(dataset_spec(name).question, "attribution", "oneword", Options())
    return Attributor(*exact, spec, AttributionOptions(**options))


def test_occlusion_is_captums_feature_ablation(exact: Any, real_data: Path) -> None:
    tweets, ours = documents("sentiment140", real_data, 2), attributor(exact, "sentiment140", target="logprob")
    rows = ours.rows(tweets)
    peers = Peers(exact[0], ours, tweets, rows).ablation_scores(words=True)
    for row, scores in zip(rows, peers, strict=True):
        assert [word["score"] for word in row["words"]] == pytest.approx(scores, abs=1e-3)
        assert max(map(abs, scores)) > 0.1


def test_occlusion_of_a_pair_is_a_plain_loop(exact: Any, real_data: Path) -> None:
    """captum's wrapper has no value for several labels of several tokens: the loop asks about each label by itself."""
    (pair,) = documents("snli", real_data, 1)
    ours = attributor(exact, "snli")
    with torch.no_grad():
        assert_plain_occlusion(exact[0], ours, pair, ours.rows([pair])[0], 1e-3)


def test_integrated_gradients_are_captums(exact: Any, real_data: Path) -> None:
    (tweet,) = documents("sentiment140", real_data, 1)
    ours = attributor(exact, "sentiment140", method="ig", steps=4)
    (prompt,) = ours.renderer.encode([tweet])
    assert_captum_ig(exact[0], ours, prompt, ours.rows([tweet])[0], 1e-3)


def test_twenty_tweets_become_rows_and_a_training_step(smollm2: Path, real_data: Path, tmp_path: Path) -> None:
    """Calibrated labels: without the prior it has one answer, which no word changes."""
    scored, rows, trained, model = tmp_path / "scored", tmp_path / "rows", tmp_path / "trained", str(smollm2)
    words = ["--model", model, "--tasks", "sentiment140", "--data", str(real_data), "--limit", "20"]
    assert attribute([*words, "--classifier", "calibrated", "--prior-texts", "16", "--out", str(scored)]) == 0
    attributions = {row["hash"]: row for row in read_jsonl(scored / "sentiment140.jsonl")}
    assert len(attributions) == 20 and {row["prediction"] for row in attributions.values()} == {"negative", "positive"}
    assert sum(bool(row["flips"]) for row in attributions.values()) >= 3

    words = ["--attributions", str(scored), "--model", model, "--out", str(rows)]
    assert build([*words, "--styles", "attribution", "redaction"]) == 0
    explanations = [row for row in read_jsonl(rows / "train.jsonl") if row["style"] == "attribution"]
    assert explanations
    for row in explanations:
        text = attributions[row["hash"]]
        assert text["flips"] and row["completion"][0]["content"] == text["top"]["text"]

    step = ["--max_steps", "1", "--per_device_train_batch_size", "4", "--learning_rate", "1e-3", "--report_to", "none"]
    assert sft(["--model_name_or_path", model, "--data", str(rows), "--output_dir", str(trained), *step]) == 0
    info = json.loads((trained / "train_info.json").read_text())
    assert info["steps"] == 1 and info["own_rows"] and info["supervised_tokens"] > len(explanations)
    weights = load_file(trained / "adapter_model.safetensors")
    assert all(bool(value.isfinite().all()) for value in weights.values())
    assert all(bool(value.any()) for name, value in weights.items() if "lora_B" in name)  # zero before the step
