"""Runs: the command, folders, kills, processes, full disks, wrong inputs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lm_eval_tasks.errors import UsageError
from tests.training.attribution import architectures as world
from training.attribution.cli import main
from training.attribution.shards import read_rows

ROOT = Path(__file__).resolve().parents[3]
LABELS = ["--labels", "negative", "positive"]
PORT = str(29600 + os.getpid() % 300)  # test processes side by side must not meet


@pytest.fixture(scope="module")
def model(tmp_path_factory: Any) -> Path:
    fast = world.tokenizer()
    return world.save(tmp_path_factory.mktemp("model"), world.random_model("llama", len(fast)), fast)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: Any) -> Path:
    """Ninety different texts."""
    rng, words = random.Random(0), " ".join(world.TWEETS).split()
    path = tmp_path_factory.mktemp("texts") / "rows.jsonl"
    lines = [json.dumps({"text": " ".join(rng.choices(words, k=rng.randint(1, 14))) + f" {i}"}) for i in range(90)]
    path.write_text("\n".join(lines))
    return path


def attribute(model: Path, texts: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    assert main(["--model", str(model), "--file", str(texts), *LABELS, "--out", str(out), *more]) == 0
    return list(read_rows(out / f"{texts.stem}.jsonl"))


@pytest.fixture(scope="module")
def undisturbed(model: Path, texts: Path, tmp_path_factory: Any) -> list[dict[str, Any]]:
    return attribute(model, texts, tmp_path_factory.mktemp("out"), "--shard-size", "8")


def test_a_run_writes_rows_in_order_and_the_manifest_last(
    model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = attribute(model, texts, tmp_path, "--shard-size", "8")
    assert rows == undisturbed
    assert [row["index"] for row in rows] == list(range(90))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "rows.jsonl", "settings.json"]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["rows"] == {"rows": 90} and manifest["method"] == "occlusion"
    row = rows[0]
    assert set(row["logprobs"]) == {"negative", "positive"} and row["prediction"] in row["logprobs"]
    assert all(row["fields"][w["field"]][w["start"] : w["end"]] == w["text"] for w in row["words"])
    assert row["top"]["score"] == max(row["types"].values())
    assert row["model"] == manifest["model"] and row["versions"]["captum"]


def test_a_finished_folder_goes_on_with_more_texts(
    model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert len(attribute(model, texts, tmp_path, "--limit", "30", "--shard-size", "8")) == 30
    before = (tmp_path / "rows.jsonl").stat().st_mtime_ns
    assert len(attribute(model, texts, tmp_path, "--limit", "30")) == 30
    assert (tmp_path / "rows.jsonl").stat().st_mtime_ns == before
    assert not (tmp_path / "shards").exists()
    assert_same_rows(attribute(model, texts, tmp_path), undisturbed)


def assert_same_rows(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    assert [row["hash"] for row in rows] == [row["hash"] for row in others]
    for row, other in zip(rows, others, strict=True):
        assert row["types"] == pytest.approx(other["types"], abs=1e-5 * max(1, *map(abs, other["types"].values())))
        for name in ("index", "fields", "prediction", "flips", "flipped_to"):
            assert row[name] == other[name]
        assert row["top"]["key"] == other["top"]["key"]


def command(model: Path, texts: Path, out: Path, *more: str) -> list[str]:
    given = ["--model", str(model), "--file", str(texts), *LABELS, "--out", str(out), "--shard-size", "8", *more]
    return [sys.executable, "-m", "training.attribution.cli", *given]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_again_and_again_it_ends_with_the_same_rows(
    kills: int, model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """`kill -9` at random moments of the work, and once it has written something, in the middle of it."""
    rng, seen = random.Random(kills), 0
    for _ in range(kills):
        run = subprocess.Popen(
            command(model, texts, tmp_path), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Loading takes seconds, the work a moment: wait for a new shard, then a random bit.
        while run.poll() is None and len(list(tmp_path.glob("shards/*.jsonl"))) <= seen:
            time.sleep(0.002)
        time.sleep(rng.random() * 0.05)
        run.send_signal(signal.SIGKILL)
        run.wait()
        seen = len(list(tmp_path.glob("shards/*.jsonl")))
        if (tmp_path / "manifest.json").exists():
            break
    assert attribute(model, texts, tmp_path, "--shard-size", "8") == undisturbed
    assert not (tmp_path / "shards").exists()


def two_processes(
    model: Path, texts: Path, out: Path, seen: Path, fails: int = -1, how: str = ""
) -> subprocess.CompletedProcess[str]:
    """`accelerate launch` as for two GPUs; where there is none the processes are two of the CPU."""
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", PORT]
    script = str(Path(__file__).with_name("one_of_two.py"))
    seen.mkdir()
    given = [script, str(seen), str(fails), how, *command(model, texts, out)[3:]]
    return subprocess.run([*launch, *given], env=environment(), capture_output=True, text=True, timeout=240)


def test_two_processes_do_what_one_does(
    model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    done = two_processes(model, texts, tmp_path / "out", tmp_path / "seen")
    assert done.returncode == 0, done.stderr[-2000:]
    assert {path.name: path.read_text() for path in (tmp_path / "seen").iterdir()} == {"0-of-2": "6", "1-of-2": "6"}
    assert done.stdout.count("90 texts") == 1
    assert list(read_rows(tmp_path / "out" / "rows.jsonl")) == undisturbed


@pytest.mark.parametrize(
    ("fails", "how"),
    [
        (1, "error"),
        pytest.param(0, "error", marks=pytest.mark.slow),
        pytest.param(1, "late", marks=pytest.mark.slow),
        pytest.param(1, "killed", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_fails_ends_all_and_the_next_run_finishes(
    fails: int, how: str, model: Path, texts: Path, undisturbed: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Nobody waits for the dead, nothing says that all is there, and what is on disk is whole."""
    started, out = time.monotonic(), tmp_path / "out"
    done = two_processes(model, texts, out, tmp_path / "seen", fails, how)
    assert done.returncode != 0 and time.monotonic() - started < 120
    assert f"{fails}-of-2" not in {path.name for path in (tmp_path / "seen").iterdir()}
    assert sorted(path.name for path in out.iterdir()) == ["settings.json", "shards"]
    kept = [row for path in (out / "shards").glob("*.jsonl") for row in read_rows(path)]
    assert 8 <= len(kept) < 90 and all(row in undisturbed for row in kept)
    assert attribute(model, texts, out, "--shard-size", "8") == undisturbed
    assert not (out / "shards").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--method", "ig"], "begun with method = 'occlusion', now 'ig'"),
        (["--mask", "___"], r"begun with options.mask = '\[REDACTED\]', now '___'"),
        (["--dtype", "bfloat16"], "begun with .* = "),
    ],
)
def test_other_settings_in_the_same_folder_are_refused(
    more: list[str], told: str, model: Path, texts: Path, tmp_path: Path
) -> None:
    rows = attribute(model, texts, tmp_path, "--limit", "3")
    with pytest.raises(UsageError, match=told):
        attribute(model, texts, tmp_path, *more)
    assert list(read_rows(tmp_path / "rows.jsonl")) == rows


def test_another_model_in_the_same_folder_is_refused(model: Path, texts: Path, tmp_path: Path) -> None:
    attribute(model, texts, tmp_path / "out", "--limit", "3")
    fast = world.tokenizer()
    other = world.save(tmp_path / "model", world.random_model("llama", len(fast), seed=1), fast)
    with pytest.raises(UsageError, match=r"begun with model = '[0-9a-f]{16}', now '[0-9a-f]{16}'"):
        attribute(other, texts, tmp_path / "out", "--limit", "3")


def test_an_adapter_counts(model: Path, texts: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(model)
    adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(model)
    alone = attribute(tmp_path / "adapter", texts, tmp_path / "a", "--limit", "5", "--method", "ig")
    beside = attribute(
        model, texts, tmp_path / "b", "--limit", "5", "--method", "ig", "--adapter", str(tmp_path / "adapter")
    )
    plain = attribute(model, texts, tmp_path / "c", "--limit", "5", "--method", "ig")
    assert alone == beside
    assert all(row["types"] != other["types"] for row, other in zip(alone, plain, strict=True))
    assert alone[0]["model"] != plain[0]["model"]


def test_texts_that_cannot_be_attributed_say_why(model: Path, tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "odd.jsonl"
    odd = ["fine day", "word", ":) ...", "", "sea " * 400, "fine day"]
    path.write_text("\n".join(json.dumps({"text": text}) for text in odd))
    rows = attribute(model, path, tmp_path / "out", "--check-flips")
    assert [row["problem"] for row in rows] == [
        "", "", "no words in the text", "no words in the text", "the text is longer than the model's context",
    ]  # fmt: skip
    assert rows[1]["gap"] is None and rows[1]["top"]["text"] == "word"
    assert rows[4]["words"] == [] and rows[4]["top"] is None
    assert "1 texts without attribution: the text is longer" in caplog.text


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ('{"text": "a"}\n{"txt": "b"}', r"row 2 has no text text \(columns: txt\)"),
        ('{"text": null}', "row 1 has no text text"),
        ("nonsense", "line contains invalid json"),
        ("[1]", "line does not match requested type"),
    ],
)
def test_files_that_cannot_be_read(written: str, told: str, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(written)
    with pytest.raises(UsageError, match=told) as error:
        attribute(model, path, tmp_path / "out")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--file", "no.jsonl", *LABELS], "no.jsonl: No such file"),
        (["--tasks", "nothing"], "no dataset 'nothing'; there are agnews"),
        (["--tasks", "snli", "--data", "/nowhere"], "no file /nowhere/snli/train.jsonl"),
        (["--tasks", "snli", "--labels", "a"], "give --tasks DATASET"),
        (["--file", "x", "--labels", "a", "--tasks", "snli"], "--file is asked about with --labels"),
        (["--tasks", "snli", "--method", "magic"], "--method magic: give one of occlusion, ig"),
        (["--tasks", "snli", "--steps", "0"], "--steps 0: give a whole number from 1"),
        (["--tasks", "snli", "--mask", " "], "mask=' ': give a text that is not empty"),
        (["--tasks", "snli", "--limit", "0"], "whole numbers from 1"),
    ],
)
def test_wrong_arguments(more: list[str], told: str, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told) as error:
        main(["--model", str(model), "--out", str(tmp_path / "out"), *more])
    assert "\n" not in str(error.value)


def test_a_model_that_is_not_there(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"nowhere: no such folder; give the folder of a model, or its name on the hub"
    ):
        attribute(tmp_path / "nowhere", texts, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"cannot load the model .*empty"):
        attribute(tmp_path / "empty", texts, tmp_path / "out")


def test_numbers_that_are_not_finite_name_the_text(texts: Path, tmp_path: Path) -> None:
    import torch

    fast = world.tokenizer()
    broken = world.random_model("llama", len(fast))
    # One token makes everything not a number: only texts that hold it fail.
    broken.get_input_embeddings().weight.data[fast(" coffee", add_special_tokens=False)["input_ids"][-1]] = torch.nan
    folder = world.save(tmp_path / "model", broken, fast)
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a lovely day"}\n{"text": "coffee"}\n')
    with pytest.raises(UsageError, match=r"text [0-9a-f]{16}: the model's numbers are not finite in torch.float32"):
        attribute(folder, path, tmp_path / "out", "--shard-size", "1")


def test_a_full_disk_leaves_what_is_written_whole(model: Path, texts: Path, undisturbed: Any, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if not mounted or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)]).returncode:
        pytest.skip("no right to mount a small tmpfs")
    try:
        with pytest.raises(UsageError, match="no space left; what is written is whole"):
            attribute(model, texts, small, "--shard-size", "8")
        shards = list(small.glob("shards/*"))
        kept = [row for path in shards for row in read_rows(path)]
        assert shards and all(path.suffix == ".jsonl" for path in shards)
        assert all(row in undisturbed for row in kept)
        subprocess.run(["mount", "-o", "remount,size=4m", str(small)], check=True)
        assert attribute(model, texts, small, "--shard-size", "8") == undisturbed
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.slow
def test_real_text_end_to_end(real_data: Path, tmp_path: Path) -> None:
    """Three hundred texts of each dataset, three methods, a model with a tokenizer of that text."""
    from tests.tiny_model import write_tiny_chat_model

    lines = [
        line
        for name in ("snli", "ag_news")
        for line in (real_data / name / "train.jsonl").read_text().splitlines()[:800]
    ]
    folder = write_tiny_chat_model(tmp_path / "model", lines)
    for method in ("occlusion", "ig", "cascade"):
        out = tmp_path / method
        tasks = ["--tasks", "sentiment140", "snli", "agnews", "--data", str(real_data), "--limit", "300"]
        assert main(["--model", str(folder), *tasks, "--method", method, "--steps", "4", "--out", str(out)]) == 0
        for name in ("sentiment140", "snli", "agnews"):
            rows = list(read_rows(out / f"{name}.jsonl"))
            assert len(rows) >= 295 and sum(not row["problem"] for row in rows) >= 295
