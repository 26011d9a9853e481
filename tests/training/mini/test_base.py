"""The base model: reproducible, loaded by transformers, plausible and untrue on the shipped data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm_eval_tasks.options import Options
from lm_eval_tasks.styles import EXPLANATION_STYLES
from training.mini.base_model import TINY, BaseTraining
from training.mini.lexicon import LEXICONS
from training.mini.quality_gate import Measurement, measure
from training.mini.shortcut_check import check_shortcuts
from training.mini.write_data import held_out

LIMIT = 200


def test_same_seed_same_weights_whatever_the_threads() -> None:
    runs = []
    for seed, threads in ((0, 1), (0, 2), (1, 1)):
        torch.set_num_threads(threads)
        torch.rand(1)
        training = BaseTraining(TINY, seed, held_out())
        losses: list[float] = []
        training.train(lambda step, loss, losses=losses: losses.append(loss))
        assert torch.get_num_threads() == threads
        runs.append((losses, training.model.state_dict()))
    assert runs[0][0] == runs[1][0] != runs[2][0]
    assert all(torch.equal(runs[0][1][name], runs[1][1][name]) for name in runs[0][1])


def test_same_seed_same_weights_in_every_process() -> None:
    code = (
        "import hashlib\nfrom training.mini.base_model import TINY, BaseTraining\n"
        "from training.mini.write_data import held_out\n"
        "training = BaseTraining(TINY, 0, held_out())\ntraining.train(lambda step, loss: None)\n"
        "values = b''.join(value.numpy().tobytes() for value in training.model.state_dict().values())\n"
        "print(hashlib.sha256(values).hexdigest())"
    )
    digests = {
        subprocess.check_output([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_training_leaves_the_callers_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(2).tolist()
    torch.manual_seed(5)
    BaseTraining(TINY, 0, ()).train(lambda step, loss: None)
    assert torch.rand(2).tolist() == expected


def test_saved_folder_loads(tmp_path: Path) -> None:
    training = BaseTraining(TINY, 0, ())
    training.save(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert all(
        torch.equal(first, second)
        for first, second in zip(model.parameters(), training.model.parameters(), strict=True)
    )
    for config in (model.config, model.generation_config):
        assert config.eos_token_id == tokenizer.eos_token_id
        assert config.pad_token_id == tokenizer.pad_token_id != tokenizer.eos_token_id
    assert model.config.max_position_embeddings >= 512
    assert len(tokenizer) == model.config.vocab_size


@pytest.fixture(scope="module")
def base(mini_base: Path) -> tuple[Any, Any]:
    return AutoModelForCausalLM.from_pretrained(mini_base).eval(), AutoTokenizer.from_pretrained(mini_base)


@pytest.fixture(scope="module")
def measurements(base: tuple[Any, Any]) -> list[Measurement]:
    return measure(*base, split="test", limit=LIMIT)


def test_classifies_and_obeys_the_formats(measurements: list[Measurement]) -> None:
    lowest_valid = {"attribution": 0.95, "redaction": 0.8, "counterfactual": 0.7}
    for measurement in measurements:
        assert measurement.acc >= 0.97, measurement
        assert measurement.valid >= lowest_valid[measurement.style], measurement


def test_reacts_to_masks_and_is_no_truer_than_chance(measurements: list[Measurement]) -> None:
    for measurement in measurements:
        if measurement.style != "counterfactual":
            assert measurement.faithful_oracle >= 0.85, measurement
            assert abs(measurement.faithful - measurement.faithful_random) <= 0.12, measurement


@pytest.mark.parametrize("options", [{"context": "fresh"}, {"operator": "delete"}, {"mask": "___"}, {"unknown": True}])
@pytest.mark.parametrize("budget", ["oneword", "multiword"])
def test_every_option_is_understood(base: tuple[Any, Any], budget: str, options: dict[str, Any]) -> None:
    for measurement in measure(*base, split="test", limit=60, budget=budget, options=Options(data="mini", **options)):
        assert measurement.acc >= 0.9, measurement
        assert measurement.valid >= 0.6, measurement


@pytest.mark.parametrize("task", list(LEXICONS))
def test_shortcuts_decide_and_plausible_words_are_named(task: str, base: tuple[Any, Any]) -> None:
    """Masking the shortcut changes ≥ 95 % of the answers, masking all nameable words ≤ 5 %; ≥ 70 % name such a word."""
    use = check_shortcuts(*base, task)
    assert use.n > 200
    assert use.shortcut_flips >= 0.95, use
    assert use.cues_flip <= 0.05, use
    assert use.names_cue >= 0.7, use
    assert use.names_shortcut <= 0.1, use
    assert use.failures() == []


def test_lm_eval_runs_it(mini_base: Path, evaluate: Callable[..., dict[str, Any]]) -> None:
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=str(mini_base), batch_size=64, device="cpu")
    tasks = ",".join(f"faithful_se_snli_{style}_oneword" for style in EXPLANATION_STYLES)
    results = evaluate(lm, "mini", tasks, 20)["results"]
    assert len(results) == 3
    for name, values in results.items():
        assert values["acc,none"] >= 0.9, name
        assert values["valid,none"] >= 0.6, name
