"""TRL on a tiny model: the loss mask, resuming after a kill, adapters, merging, errors."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.train_info import read_card_block
from tests.training.sft.tiny_rows import COMPLETIONS, ROWS, arguments, write_rows
from training.build.options import BuildOptions
from training.sft.cli import main
from training.trainer.card import make_train_info, write_card
from training.trainer.rows import RowSource, read_training_rows
from training.trainer.supervision import check_supervision

torch = pytest.importorskip("torch")
pytest.importorskip("trl")


@pytest.fixture(scope="module")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sft")
    data = write_rows(folder / "rows.jsonl")
    assert main(arguments(model, data, folder / "out", "--merge", "true")) == 0
    return folder


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "adapter_model.safetensors"))


def test_exactly_the_explanation_and_the_end_of_its_turn_have_a_loss(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import AutoTokenizer

    all_labels: list[list[int]] = []

    def record(labels: Any, rows: Any, eos_token_ids: Any, max_length: Any) -> int:
        all_labels.extend(labels)
        return check_supervision(labels, rows, eos_token_ids, max_length)

    monkeypatch.setattr("training.sft.run.check_supervision", record)
    main(arguments(model, write_rows(tmp_path / "rows.jsonl"), tmp_path / "out", "--max_steps", "1"))
    tokenizer = AutoTokenizer.from_pretrained(model)
    supervised = [tokenizer.decode([token for token in labels if token != -100]) for labels in all_labels]
    assert supervised == [f"{completion}<|end|>\n" for completion in COMPLETIONS]


def test_the_folder_holds_an_adapter_a_card_and_what_a_leaderboard_wants(trained: Path, model: Path) -> None:
    out = trained / "out"
    info = json.loads((out / "train_info.json").read_text())
    assert (
        info["base"] == str(model) and info["rows"] == 16 and info["steps"] == 4 and info["how"] == "LoRA r16 alpha 32"
    )
    assert info["supervised_tokens"] > 32 and set(info["versions"]) >= {"torch", "trl", "peft"}
    card = (out / "README.md").read_text()
    assert card.startswith(f"---\nbase_model: {model}\nlibrary_name: peft\n")
    assert f"pretrained={model},peft={out}" in card
    assert read_card_block(out / "README.md") == info
    modules = json.loads((out / "adapter_config.json").read_text())["target_modules"]
    assert modules == sorted(modules) and len(modules) > 3  # peft keeps a set, of another order in every process
    assert any("lora_B" in name and value.abs().max() > 0 for name, value in weights(out).items())


@pytest.mark.parametrize(
    ("builds", "specific", "cell"),
    [
        ([{"specific": True}], [True], "yes"),
        ([{"specific": False}], [False], "no"),
        ([{}], [False], "no"),  # rows of a build from before there was the option
        ([{"specific": True}, {}], [False, True], "no and yes"),
        ([], [], "not recorded"),  # a JSONL file
    ],
)
def test_the_card_says_what_the_rows_were_built_with(
    tmp_path: Path, builds: list[dict[str, Any]], specific: list[bool], cell: str
) -> None:
    defaults = {key: value for key, value in BuildOptions().as_dict().items() if key != "specific"}
    attributions = {"model": "m", "method": "occlusion"}
    manifests: list[dict[str, Any]] = [
        {"attributions": attributions, "datasets": ["snli"], "options": {**defaults, **options}} for options in builds
    ]
    sources = [RowSource({"path": "rows", "rows": 4, "sha256": "0"}, build) for build in manifests or [{}]]
    settings: Any = {
        "training": {"learning_rate": 1e-3, "num_train_epochs": 1, "seed": 0},
        "model": {"model_name_or_path": "base", "use_peft": False},
    }
    step = {"train_batch_size": 1, "gradient_accumulation_steps": 1, "world_size": 1}
    trainer: Any = SimpleNamespace(state=SimpleNamespace(global_step=4, epoch=0.5), args=SimpleNamespace(**step))
    unknown: Any = {"base_fingerprint": None, "rows_fingerprint": [], "own_rows": None}
    info = make_train_info(trainer, settings, sources, unknown, 8, None)
    assert info["specific"] == specific and info["epochs"] == 0.5
    write_card(tmp_path, info)
    card = (tmp_path / "README.md").read_text()
    assert f"| specific counterfactuals | {cell} |" in card and "0.5 epochs, 4 steps" in card


def test_the_merged_model_is_the_adapter_on_its_base(trained: Path) -> None:
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    adapted = AutoPeftModelForCausalLM.from_pretrained(str(trained / "out"))
    merged = AutoModelForCausalLM.from_pretrained(trained / "out" / "merged")
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.allclose(adapted(input_ids=ids).logits, merged(input_ids=ids).logits, atol=1e-5)
    assert (trained / "out" / "merged" / "chat_template.jinja").is_file()


@pytest.mark.parametrize(
    ("stored", "asked", "merged"), [("bfloat16", "", "float32"), ("float32", "bfloat16", "bfloat16")]
)
def test_a_merged_model_has_the_dtype_of_the_training(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], stored: str, asked: str, merged: str
) -> None:
    """Not that of the stored base: bfloat16 would round what float32 learnt."""
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    base = shutil.copytree(model, tmp_path / "base")
    AutoModelForCausalLM.from_pretrained(model, dtype=stored).save_pretrained(base)
    more = ["--merge", "true", "--max_steps", "1", *(["--dtype", asked] if asked else [])]
    main(arguments(base, write_rows(tmp_path / "rows.jsonl"), tmp_path / "out", *more))
    tensors = load_file(tmp_path / "out" / "merged" / "model.safetensors")
    assert {str(tensor.dtype) for tensor in tensors.values()} == {f"torch.{merged}"}
    assert json.loads((tmp_path / "out" / "train_info.json").read_text())["dtype"] == merged
    rounding = "" if merged == "float32" else ", which rounds what was learnt"
    assert f"merged: merged in {merged}{rounding}\n" in capsys.readouterr().out
    assert f" in {merged}, learning rate" in (tmp_path / "out" / "README.md").read_text()


def test_killed_after_a_checkpoint_it_ends_with_the_same_files(trained: Path, model: Path, tmp_path: Path) -> None:
    """All of them: weights, card, `train_info.json`, manifest. The card also holds the name of the folder."""
    out = tmp_path / "out"
    shutil.copytree(trained / "out" / "checkpoint-2", out / "checkpoint-2")
    shutil.copy(trained / "out" / "sft.json", out)
    broken = out / "checkpoint-4"  # killed while it was written
    broken.mkdir()
    (broken / "adapter_model.safetensors").write_bytes(b"half")
    assert main(arguments(model, trained / "rows.jsonl", out, "--logging_steps", "3")) == 0
    assert json.loads((out / "checkpoint-4" / "trainer_state.json").read_text())["log_history"][1]["step"] == 2
    assert files_of(out) == files_of(trained / "out")


def files_of(out: Path) -> dict[str, bytes]:
    """The files of a training by name, with the name of its folder taken out; `training_args.bin` holds times."""
    names = [path.name for path in out.iterdir() if path.is_file() and path.name not in ("training_args.bin", ".lock")]
    return {name: (out / name).read_bytes().replace(str(out).encode(), b"OUT") for name in sorted(names)}


def test_a_finished_training_is_left_alone_and_another_one_refused(trained: Path, model: Path) -> None:
    written = (trained / "out" / "adapter_model.safetensors").stat().st_mtime_ns
    assert main(arguments(model, trained / "rows.jsonl", trained / "out")) == 0
    assert (trained / "out" / "adapter_model.safetensors").stat().st_mtime_ns == written
    with pytest.raises(UsageError, match=r"begun with learning_rate = 0\.01, now 0\.02"):
        main(arguments(model, trained / "rows.jsonl", trained / "out", "--learning_rate", "0.02"))


def test_what_fails_before_the_first_step_keeps_no_folder(model: Path, tmp_path: Path) -> None:
    """The command is mended and typed again, with the same --output_dir."""
    out, data = tmp_path / "out", write_rows(tmp_path / "rows.jsonl")
    plain = tmp_path / "plain"
    shutil.copytree(model, plain, ignore=shutil.ignore_patterns("chat_template.jinja"))
    with pytest.raises(UsageError, match="plain has no chat template"):
        main(arguments(plain, data, out))
    with pytest.raises(UsageError, match=r"gone/away: no such folder; give the folder of a model"):
        main(arguments(tmp_path / "gone" / "away", data, out))
    with pytest.raises(UsageError, match="no token with a loss"):
        main(arguments(model, data, out, "--max_length", "8"))
    assert not (out / "sft.json").exists()
    assert main(arguments(model, data, out, "--max_steps", "1")) == 0


def test_all_weights_by_flag(model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    main(arguments(model, data, tmp_path / "out", "--full", "true", "--max_steps", "1"))
    assert (tmp_path / "out" / "model.safetensors").is_file()
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    assert "library_name: transformers" in (tmp_path / "out" / "README.md").read_text()


def test_an_interrupted_merge_is_made_again(trained: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(trained / "out" / "merged")
    from transformers import PreTrainedModel

    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(PreTrainedModel, "save_pretrained", killed)
        with pytest.raises(KeyboardInterrupt):
            main(arguments(model, trained / "rows.jsonl", trained / "out", "--merge", "true"))
    assert not (trained / "out" / "merged").exists()
    main(arguments(model, trained / "rows.jsonl", trained / "out", "--merge", "true"))
    assert (trained / "out" / "merged" / "model.safetensors").is_file()


def test_wrong_input_is_one_line(model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    out = tmp_path / "out"
    with pytest.raises(UsageError, match="give --data"):
        main(["--output_dir", str(out)])
    with pytest.raises(UsageError, match="no such file"):
        main(["--config", str(tmp_path / "none.yaml"), "--output_dir", str(out)])
    with pytest.raises(UsageError, match=r"tokens? with a loss"):
        main(arguments(model, data, out, "--max_length", "8"))
    bare = tmp_path / "bare"
    shutil.copytree(model, bare)
    (bare / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="has no chat template"):
        main(arguments(bare, data, tmp_path / "other"))


def test_rows_are_checked_one_by_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2 is no row of messages"):
        read_training_rows(str(write_rows(tmp_path / "a.jsonl", [ROWS[0], {"text": "x"}])))
    with pytest.raises(UsageError, match="is no finished build"):
        read_training_rows(str(tmp_path))
    with pytest.raises(UsageError, match=r"row 2 .* has no token with a loss"):
        check_supervision([[-100, 7, 1], [-100, -100]], ROWS[:2], {1}, None)
    with pytest.raises(UsageError, match=r"row 1 .* would not stop"):
        check_supervision([[-100, 7]], ROWS[:1], {1}, None)
    assert check_supervision([[-100, 7, 1], [5, 1]], ROWS[:2], {1}, None) == 4
