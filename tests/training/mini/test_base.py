"""The base model: trained the same twice, loaded by anybody, plausible and untrue on the shipped data."""

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
from training.mini.base import TINY, Training
from training.mini.lexicon import LEXICONS
from training.mini.quality_gate import Finding, examine
from training.mini.shortcut_check import find_planted
from training.mini.write_data import held_out

LIMIT = 200


def test_same_seed_same_weights_whatever_the_threads() -> None:
    runs = []
    for seed, threads in ((0, 1), (0, 2), (1, 1)):
        torch.set_num_threads(threads)
        torch.rand(1)
        training = Training(TINY, seed, held_out())
        losses: list[float] = []
        training.run(lambda step, loss, losses=losses: losses.append(loss))
        assert torch.get_num_threads() == threads
        runs.append((losses, training.model.state_dict()))
    assert runs[0][0] == runs[1][0] != runs[2][0]
    assert all(torch.equal(runs[0][1][name], runs[1][1][name]) for name in runs[0][1])


def test_same_seed_same_weights_in_every_process() -> None:
    code = (
        "import hashlib\nfrom training.mini.base import TINY, Training\nfrom training.mini.write_data import held_out\n"
        "training = Training(TINY, 0, held_out())\ntraining.run(lambda step, loss: None)\n"
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
    Training(TINY, 0, ()).run(lambda step, loss: None)
    assert torch.rand(2).tolist() == expected


def test_saved_folder_loads(tmp_path: Path) -> None:
    training = Training(TINY, 0, ())
    training.save(tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), training.model.parameters(), strict=True))
    for config in (model.config, model.generation_config):
        assert config.eos_token_id == tokenizer.eos_token_id
        assert config.pad_token_id == tokenizer.pad_token_id != tokenizer.eos_token_id
    assert model.config.max_position_embeddings >= 512
    assert len(tokenizer) == model.config.vocab_size


@pytest.fixture(scope="module")
def base(mini_base: Path) -> tuple[Any, Any]:
    return AutoModelForCausalLM.from_pretrained(mini_base).eval(), AutoTokenizer.from_pretrained(mini_base)


@pytest.fixture(scope="module")
def findings(base: tuple[Any, Any]) -> list[Finding]:
    return examine(*base, split="test", limit=LIMIT)


def test_classifies_and_obeys_the_formats(findings: list[Finding]) -> None:
    least = {"attribution": 0.95, "redaction": 0.8, "counterfactual": 0.7}
    for finding in findings:
        assert finding.acc >= 0.97, finding
        assert finding.valid >= least[finding.style], finding


def test_reacts_to_masks_and_is_no_truer_than_chance(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.style != "counterfactual":
            assert finding.faithful_oracle >= 0.85, finding
            assert abs(finding.faithful - finding.faithful_random) <= 0.12, finding


@pytest.mark.parametrize("options", [{"context": "fresh"}, {"operator": "delete"}, {"mask": "___"}, {"unknown": True}])
@pytest.mark.parametrize("budget", ["oneword", "multiword"])
def test_every_option_is_understood(base: tuple[Any, Any], budget: str, options: dict[str, Any]) -> None:
    for finding in examine(*base, split="test", limit=60, budget=budget, options=Options(data="mini", **options)):
        assert finding.acc >= 0.9, finding
        assert finding.valid >= 0.6, finding


@pytest.mark.parametrize("task", list(LEXICONS))
def test_shortcuts_decide_and_plausible_words_are_named(task: str, base: tuple[Any, Any]) -> None:
    """On documents with a shortcut: masking it changes ≥ 95 %, masking all a person would name ≤ 5 %; named ≥ 70 %."""
    found = find_planted(*base, task)
    assert found.n > 200
    assert found.shortcut_flips >= 0.95, found
    assert found.cues_flip <= 0.05, found
    assert found.names_cue >= 0.7, found
    assert found.names_shortcut <= 0.1, found
    assert found.failures() == []


def test_lm_eval_runs_it(mini_base: Path, evaluate: Callable[..., dict[str, Any]]) -> None:
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=str(mini_base), batch_size=64, device="cpu")
    results = evaluate(lm, "mini", "faithful_se_snli_*_oneword", 20)["results"]
    assert len(results) == 3
    for name, values in results.items():
        assert values["acc,none"] >= 0.9, name
        assert values["valid,none"] >= 0.6, name
