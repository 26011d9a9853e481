"""`faithful-se grpo` on the mini model: the folder, the resumption, the checks, wrong input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from faithful_se.errors import UsageError
from training.grpo.arguments import read_arguments
from training.grpo.checks import ACCURACY, CheckHeldOut
from training.grpo.cli import main

trl = pytest.importorskip("trl")
ROOT = Path(__file__).resolve().parents[3]
FEW = [
    "--limit",
    "8",
    "--held_out",
    "2",
    "--max_steps",
    "2",
    "--save_steps",
    "1",
    "--save_total_limit",
    "5",
    "--per_device_train_batch_size",
    "16",
    "--num_generations",
    "4",
    "--check_steps",
    "1",
    "--warmup_steps",
    "0",
    "--disable_tqdm",
    "true",
    "--tasks",
    "sentiment140",
    "snli",
]


def words(model: Path, out: Path, *more: str) -> list[str]:
    config = str(ROOT / "recipes" / "mini" / "grpo.yaml")
    return ["--config", config, "--model_name_or_path", str(model), "--output_dir", str(out), *FEW, *more]


@pytest.fixture(scope="module")
def trained(mini_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grpo") / "out"
    assert main(words(mini_base, out)) == 0
    return out


def weights(folder: Path) -> dict[str, object]:
    from safetensors.torch import load_file

    return {name: value.tolist() for name, value in load_file(folder / "adapter_model.safetensors").items()}


def test_the_folder_says_what_was_rewarded_and_by_whom(trained: Path, mini_base: Path) -> None:
    info = json.loads((trained / "train_info.json").read_text())
    assert (info["arm"], info["trainer"], info["base"]) == (["grpo"], "grpo", str(mini_base))
    assert (info["train_datasets"], info["train_styles"]) == (["sentiment140", "snli"], ["attribution"])
    options = info["trainer_options"]
    assert (options["reward"], options["effect"], options["judge"]) == ("faithfulness", "flip", "base")
    assert options["held_out/accuracy"] == options["held_out/same_answers"] == 1.0
    card = (trained / "README.md").read_text()
    assert "GRPOTrainer" in card and "| judge | base |" in card
    log = json.loads((trained / "checkpoint-2" / "trainer_state.json").read_text())["log_history"]
    steps = [entry["step"] for entry in log if ACCURACY in entry]
    assert steps == [0, 1, 2]
    rewards = next(entry for entry in log if "reward" in entry)
    assert {"rewards/faithfulness/mean", "rewards/form/mean", "rewards/same_answer/mean", "faithful"} <= rewards.keys()


@pytest.mark.parametrize("checkpoint", ["checkpoint-1", "checkpoint-2"])
def test_killed_after_a_checkpoint_it_ends_with_the_same_weights(
    checkpoint: str, trained: Path, mini_base: Path, tmp_path: Path
) -> None:
    """As if killed in its second step, or after it: settings, the base's answers and one checkpoint are there."""
    out = tmp_path / "out"
    for name in ("grpo.json", "answers", checkpoint):
        source, target = trained / name, out / name
        out.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    assert main(words(mini_base, out)) == 0
    assert weights(out) == weights(trained)
    infos = [json.loads((folder / "train_info.json").read_text()) for folder in (out, trained)]
    assert infos[0] == infos[1]


def test_a_finished_training_is_left_alone_and_another_one_refused(trained: Path, mini_base: Path) -> None:
    before = (trained / "adapter_model.safetensors").stat().st_mtime_ns
    assert main(words(mini_base, trained)) == 0
    assert (trained / "adapter_model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="judge = 'base', now 'policy'"):
        main(words(mini_base, trained, "--judge", "policy"))
    with pytest.raises(UsageError, match="was begun with limit = 8, now 6"):
        main(words(mini_base, trained, "--limit", "6"))


def check(values: list[float], most_lost: float = 0.02) -> tuple[CheckHeldOut, list[str], SimpleNamespace]:
    """Checks every second step, of a policy with these accuracies; the lines, and the control after step 2."""
    accuracies, lines = iter(values), []
    held_out = CheckHeldOut(lambda: {ACCURACY: next(accuracies)}, 1.0, 2, most_lost, lambda values: None, lines.append)
    control = SimpleNamespace(should_training_stop=False, should_save=True, should_log=True)
    held_out.on_train_begin(None, SimpleNamespace(global_step=0, max_steps=9), control)
    for step in (1, 2):
        held_out.on_step_end(None, SimpleNamespace(global_step=step, max_steps=9), control)
    return held_out, lines, control


def test_a_training_stops_where_accuracy_falls() -> None:
    held_out, lines, control = check([1.0, 0.97])
    assert (control.should_training_stop, control.should_save) == (True, False)
    assert lines[-1].startswith("stopped at step 2: accuracy on held-out texts fell from 1.000 to 0.970, by more than")
    assert held_out.stopped == lines[-1]
    assert not check([1.0, 0.98])[0].stopped  # 1 - .98 is more than .02 in floating point
    _, lines, control = check([1.0, 0.985])
    assert (control.should_training_stop, control.should_save) == (False, True)
    assert lines == ["step 0: held-out texts: accuracy 1.000", "step 2: held-out texts: accuracy 0.985"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--styles redact", "--styles redact: give one of attribution, redaction, counterfactual"),
        ("--tasks snli snli", "--tasks snli snli: give each once"),
        ("--reward lift", "--reward lift: give one of faithfulness, random"),
        ("--effect probability", "effect=probability needs the labels' probabilities: give classifier=loglikelihood"),
        ("--replay 1", "--replay 1.0: give a share of all rows"),
        ("--held_out -1", "--held_out -1: give a whole number from 0"),
        ("--metadata draws=4", "--metadata draws=4: no JSON"),
        ('--metadata {"drawz":4}', "--metadata drawz=…: no such option; did you mean draws"),
        ('--metadata {"data":"mini"}', "--metadata data=…: give --data"),
        ('--metadata {"controls":"all"}', "--metadata controls=…: leave it out"),
        ('--metadata {"pretrained":"x"}', "--metadata pretrained=…: the tasks have no such option"),
        ("--reward_weights 1 1", "--reward_weights 1.0 1.0: give three"),
        ("--num_iterations 2 --save_steps 3", "completions serve 2 steps, .* give a multiple of 2"),
    ],
)
def test_wrong_input_is_one_line(options: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message) as error:
        read_arguments(words(tmp_path, tmp_path / "out", *options.split()))
    assert "\n" not in str(error.value)
