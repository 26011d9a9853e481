"""Openings that run once, and a vocabulary that is multiplied in where there is a loss: the same loss and gradients."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from tests.training.sft.tiny_rows import ROWS, arguments, write_rows
from training.sft.cli import main
from training.sft.shared_openings import best_opening, share_openings

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

OPEN = (1, 2, 3, 4)
FAMILIES = ["Llama", "Qwen2", "GPT2", "GPTNeoX", "Gemma"]


@pytest.mark.parametrize(
    ("rows", "shortest", "shared"),
    [
        ([[*OPEN, 5, 6], [*OPEN, 7, 8]], 6, 4),
        ([[*OPEN, 5, 6], [*OPEN, 7, 8]], 3, 2),  # a row of three tokens keeps one of its own
        ([[*OPEN, 5, 6], [*OPEN, 5, 6], [*OPEN, 7, 8]], 6, 4),  # 4 tokens of two rows; 5 of one would save less
        ([[*OPEN, 5, 6], [*OPEN, 7, 8], [9, 9, 9, 9, 9, 9]], 6, 4),  # two openings: one row's four tokens are saved
        ([[1, 2, 3, 4, 5, 6], [2, 2, 3, 4, 5, 6]], 6, 0),  # nothing in common
        ([[1] + [2] * 20, [1] + [3] * 20], 21, 0),  # too little
        ([[1, 2, 3]], 3, 0),
    ],
)
def test_the_opening_is_the_one_that_saves_most(rows: list[list[int]], shortest: int, shared: int) -> None:
    assert best_opening(rows, shortest) == shared


def trainer_of(model: Any, tmp_path: Path, tokenizer: Any, *, adapter: bool, **options: Any) -> Any:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    off = {"gradient_checkpointing": False, "bf16": False, "use_cpu": True, "report_to": "none"}
    config = SFTConfig(output_dir=str(tmp_path), per_device_train_batch_size=8, **(off | options))
    lora = LoraConfig(r=4, target_modules="all-linear", lora_dropout=0.0, init_lora_weights=False) if adapter else None
    rows = [{**row, "chat_template_kwargs": {}} for row in ROWS]
    return SFTTrainer(
        model, config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, peft_config=lora
    )


def random_model(family: str, vocabulary: int, **settings: Any) -> Any:
    import transformers

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    shape |= {"num_key_value_heads": 2, "head_dim": 8, "vocab_size": vocabulary}
    no_dropout = {"attn_pdrop": 0, "embd_pdrop": 0, "resid_pdrop": 0}  # GPT-2 has some
    tokens = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": None}
    config = getattr(transformers, f"{family}Config")(**shape, **no_dropout, **tokens, **settings)
    head = "GPT2LMHeadModel" if family == "GPT2" else f"{family}ForCausalLM"
    return getattr(transformers, head)(config)


def loss_and_gradients(trainer: Any) -> tuple[float, dict[str, Any]]:
    """Of the first batch, as the trainer computes them."""
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.model.train()
    trainer.model.zero_grad()
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    named = trainer.model.named_parameters()
    return float(loss), {name: value.grad.clone() for name, value in named if value.grad is not None}


@pytest.mark.parametrize(("family", "adapter"), [*((family, False) for family in FAMILIES), ("Llama", True)])
def test_loss_and_gradients_are_those_of_plain_trl(family: str, adapter: bool, model: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from training.sft.lm_head import score_supervised_positions

    tokenizer = AutoTokenizer.from_pretrained(model)
    trainer = trainer_of(random_model(family, len(tokenizer)), tmp_path, tokenizer, adapter=adapter)
    decoder = (trainer.model.get_base_model() if adapter else trainer.model).base_model
    widths: list[int] = []
    decoder.get_input_embeddings().register_forward_hook(lambda _, ids, out: widths.append(ids[0].numel()))
    loss, gradients = loss_and_gradients(trainer)
    score_supervised_positions(trainer)
    ways = [loss_and_gradients(trainer)]
    share_openings(trainer)
    ways += [loss_and_gradients(trainer), loss_and_gradients(trainer)]
    plain, _, *checked, opening, rest = widths
    assert opening + rest < 0.8 * plain and len(checked) == 5  # the first shared batch ran in both ways
    for other_loss, other in ways:
        assert other_loss == pytest.approx(loss, abs=1e-6)
        assert other.keys() == gradients.keys()
        for name, value in gradients.items():
            assert torch.allclose(other[name], value, atol=1e-6), name


def test_a_model_whose_rows_cannot_go_on_runs_plainly(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    sliding = random_model("Mistral", len(tokenizer), sliding_window=8)
    trainer = trainer_of(sliding, tmp_path, tokenizer, adapter=False)
    before = trainer.model.base_model.forward
    with caplog.at_level(logging.WARNING):
        share_openings(trainer)
    assert trainer.model.base_model.forward == before
    assert "MistralModel keeps DynamicSlidingWindowLayer; every row runs whole" in caplog.text


def test_a_difference_is_noticed_on_the_first_batch(
    model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer, DynamicCache

    tokenizer = AutoTokenizer.from_pretrained(model)
    trainer = trainer_of(random_model("Llama", len(tokenizer)), tmp_path, tokenizer, adapter=False)
    loss, _ = loss_and_gradients(trainer)
    share_openings(trainer)
    select = DynamicCache.batch_select_indices
    monkeypatch.setattr(DynamicCache, "batch_select_indices", lambda cache, rows: select(cache, torch.zeros_like(rows)))
    monkeypatch.setattr("training.sft.shared_openings.best_opening", lambda rows, shortest: shortest - 1)
    with caplog.at_level(logging.WARNING):
        assert loss_and_gradients(trainer)[0] == loss
    assert "the hidden states differ by" in caplog.text


@pytest.mark.parametrize("other", ["gradient_checkpointing", "packing"])
def test_what_excludes_it_is_one_line(other: str, model: Path, tmp_path: Path) -> None:
    command = arguments(model, write_rows(tmp_path / "rows.jsonl"), tmp_path / "out", "--shared_openings", "true")
    with pytest.raises(UsageError, match=f"--shared_openings does not go with {other}: give --{other} false, or leave"):
        main([*command, f"--{other}", "true"])
    assert not (tmp_path / "out" / "sft.json").exists()


def test_killed_in_the_second_pass_it_ends_with_the_same_files(model: Path, tmp_path: Path) -> None:
    """With dropout, accumulated gradients and rows grouped by length: each pass has an order of its own."""
    data, whole, out = write_rows(tmp_path / "rows.jsonl"), tmp_path / "whole" / "out", tmp_path / "killed" / "out"
    options = "--shared_openings true --train_sampling_strategy group_by_length --lora_dropout 0.1 --max_steps 7"
    options += " --per_device_train_batch_size 2 --gradient_accumulation_steps 2 --save_steps 3"
    assert main(arguments(model, data, whole, *options.split())) == 0
    shutil.copytree(whole / "checkpoint-6", out / "checkpoint-6")
    shutil.copy(whole / "sft.json", out)
    assert main(arguments(model, data, out, *options.split())) == 0
    for name in ("adapter_model.safetensors", "train_info.json", "manifest.json", "sft.json"):
        assert (out / name).read_bytes() == (whole / name).read_bytes(), name
