"""Which results are of one model, and which are of two: folders, servers, arguments, number formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from faithful_se.model_names import folder_name, server_address
from leaderboards.checkpoints.group_runs import CheckpointRuns, group_runs
from leaderboards.comparison.find_sides import find_sides
from leaderboards.lm_eval_files.read_runs import ReadLog, read_runs
from tests.leaderboards.boards_from_files import NEW, OLD, OTHER_TASK, OUTCOMES, board_of
from tests.leaderboards.result_files import TASK, rows_of, write_run


def rows_on_a_board(folder: Path, configs: Iterable[dict[str, Any]]) -> list[CheckpointRuns]:
    """The checkpoints of results with these `config`s, all written to one --output_path."""
    for number, config in enumerate(configs):
        date = f"2026-01-{number + 1:02}T00-00-00.000000"
        content = {"config": {"model": "hf", **config}, "model_name_sanitized": f"m{number}"}
        write_run(folder / f"m{number}", {TASK: rows_of(OUTCOMES)}, date=date, content=content, samples=False)
    return group_runs(read_runs([folder], ReadLog()), {})[0]


def hf(**arguments: Any) -> dict[str, Any]:
    return {"model_args": {"pretrained": "runs/base", **arguments}}


def api(url: str, **arguments: Any) -> dict[str, Any]:
    return {"model": "local-chat-completions", "model_args": {"model": "base", "base_url": url, **arguments}}


ONE_MODEL = [
    # slashes
    [hf(pretrained=name) for name in ("runs/base", "runs/base/", "./runs/base", "runs//base", ".//runs/./base//")],
    [hf(pretrained=name) for name in ("/data/base", "/data/base/", "//data//base", "/data/x/../base")],
    [hf(peft=name) for name in ("runs/tuned", "runs/tuned/", "./runs/tuned")],
    [hf(pretrained=name) for name in ("org/model", "org/model/")],
    # how it is run
    [
        hf(),
        hf(batch_size=8),
        hf(batch_size="auto:4", max_batch_size=64),
        hf(device="cuda:1"),
        hf(device_map="auto"),
        hf(device_map_option="balanced", parallelize=True),
        hf(trust_remote_code=True),
        hf(max_memory_per_gpu="20GB", offload_folder="/tmp/x"),
        hf(attn_implementation="sdpa"),
        hf(cache_dir="/tmp/cache"),
        hf(logits_cache=False),
        hf(low_cpu_mem_usage=True, local_files_only=True),
    ],
    [
        {"model": "vllm", **hf()},
        {"model": "vllm", **hf(tensor_parallel_size=2)},
        {"model": "vllm", **hf(data_parallel_size=4, gpu_memory_utilization=0.8)},
        {"model": "vllm", **hf(enforce_eager=True, swap_space=4)},
        {"model": "vllm", **hf(max_num_seqs=16, enable_prefix_caching=True)},
    ],
    # what lm-eval takes by default, and the name of a backend
    [hf(), hf(revision="main"), hf(revision=None), hf(subfolder=""), hf(tokenizer="./runs/base")],
    [hf(), {"model": "hf-auto", **hf()}, {"model": "huggingface", **hf()}],
    # the number format
    [hf(), hf(dtype="auto")],
    # recorded as an object, or as the string of the command line
    [
        hf(load_in_4bit=True),
        {"model_args": "pretrained=runs/base,load_in_4bit=True"},
        {"model_args": "load_in_4bit=true,pretrained=./runs/base/,batch_size=4"},
    ],
    # a commit that only a run with network records
    [{**hf(pretrained="org/m"), "model_sha": sha, "model_revision": "main"} for sha in ("abc", "")],
    # servers
    [
        api("http://localhost:8000/v1/chat/completions"),
        api("http://localhost:8001/v1/chat/completions"),
        api("http://127.0.0.1:8000/v1/chat/completions/"),
        api("http://0.0.0.0:30000/v1/chat/completions"),
        api("http://[::1]:8000/v1/chat/completions"),
        api("http://localhost:8000/v1/chat/completions", num_concurrent=8, max_retries=5, timeout=600),
        api("http://localhost:8000/v1/chat/completions", verify_certificate=False, auth_token="t", header={"a": "b"}),
    ],
    [api("https://x.org/v1"), api("https://X.org:443/v1/"), api("https://me:pw@x.org/v1")],
]  # fmt: skip

TWO_MODELS = [
    [hf(pretrained=name) for name in ("runs/base", "runs/base2", "base", "runs/Base", "other/base", "/runs/base")],
    [hf(), hf(peft="runs/tuned"), hf(peft="runs/tuned2"), hf(delta="runs/tuned")],
    [hf(), hf(revision="v2"), hf(revision="v3")],
    [hf(), hf(max_length=512), hf(max_length=1024), hf(truncation=True)],
    [hf(), hf(load_in_4bit=True), hf(load_in_8bit=True), hf(autogptq=True)],
    [hf(), hf(enable_thinking=False), hf(enable_thinking=True), hf(think_end_token="</think>")],
    [hf(), hf(tokenizer="other/tokenizer"), hf(add_bos_token=True), hf(subfolder="ema")],
    [hf(), hf(gguf_file="q4.gguf"), hf(gguf_file="q8.gguf")],
    [hf(), {"model": "vllm", **hf()}, {"model": "sglang", **hf()}],
    [{**hf(), "model_sha": sha} for sha in ("abc", "def", "")],
    [{**hf(), "model_num_parameters": count} for count in (10, 20)],
    [{**hf(), "gen_kwargs": kwargs} for kwargs in ({}, {"temperature": 1.0}, {"max_gen_toks": 64})],
    [api("http://gpu1:8000/v1"), api("http://gpu1:8001/v1"), api("http://gpu2:8000/v1"), api("http://localhost:8000/v1")],
    [api("http://localhost/v1"), api("http://localhost/v1", model="tuned"), api("http://localhost/v1", max_gen_toks=9)],
    [{"model": "faithful-se-rules", "model_args": {"strategy": name}} for name in ("honest", "random")],
]  # fmt: skip


@pytest.mark.parametrize("configs", ONE_MODEL)
def test_one_model_is_one_row(tmp_path: Path, configs: list[dict[str, Any]]) -> None:
    (checkpoint,) = rows_on_a_board(tmp_path, configs)
    assert len(checkpoint.runs) == len(configs)


@pytest.mark.parametrize("configs", TWO_MODELS)
def test_two_models_are_two_rows(tmp_path: Path, configs: list[dict[str, Any]]) -> None:
    checkpoints = rows_on_a_board(tmp_path, configs)
    assert len(checkpoints) == len(configs) == len({checkpoint.name for checkpoint in checkpoints})


def test_names() -> None:
    """A normal form is its own normal form."""
    names = ["a", "a/b", "/a", "..", "../a", "org/model", "模型/é", ""]
    assert [folder_name(name) for name in names] == names
    for name in (*names, "./a//b/", "a/../b", "//a"):
        assert folder_name(folder_name(name)) == folder_name(name) == folder_name(f"{name}/" if name else "")
    for url in ("http://localhost:1/v1/", "https://a:b@[::2]:9//x/?q=1", "gpu1:8000/v1", "http://[", ""):
        assert server_address(server_address(url)) == server_address(url)


def make_model(folder: Path) -> str:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return str(folder)


def test_relative_and_absolute_paths_of_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there; or it is gone, and the absolute path ends where the relative one leads to."""
    for name in ("here", "gone"):
        project = tmp_path / name
        base = make_model(project / "runs" / "base") if name == "here" else str(project / "runs" / "base")
        configs = [hf(), hf(pretrained=base), hf(pretrained="runs/base/"), hf(pretrained=base + "/")]
        (checkpoint,) = rows_on_a_board(project / "results", configs)
        assert (checkpoint.name, checkpoint.model.path) == ("base", "runs/base")
    # Nothing above the results, but the working folder, has it.
    base = make_model(tmp_path / "work" / "models" / "m")
    configs = [hf(pretrained="models/m"), hf(pretrained=base)]
    assert len(rows_on_a_board(tmp_path / "far" / "results", configs)) == 2
    monkeypatch.chdir(tmp_path / "work")
    assert len(rows_on_a_board(tmp_path / "far" / "results", configs)) == 1


def test_one_relative_path_in_two_projects_is_two_models(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_model(tmp_path / name / "runs" / "base")
        write_run(tmp_path / name / "results" / "m", {TASK: rows_of(OUTCOMES)}, model="runs/base")
    names = {checkpoint.name for checkpoint in board_of(tmp_path).checkpoints}
    assert names == {"one/runs/base", "two/runs/base"}


def test_the_base_is_found_however_it_was_typed(tmp_path: Path) -> None:
    write_run(tmp_path / "base", {TASK: rows_of(OUTCOMES)}, model="runs/base/")
    write_run(tmp_path / "tuned", {TASK: rows_of(OUTCOMES)}, model="./runs//base", peft="runs/tuned/")
    names = [(checkpoint.name, checkpoint.base) for checkpoint in board_of(tmp_path, base="./runs/base/").checkpoints]
    assert names == [("base", None), ("tuned", "c0")]


def in_dtype(dtype: str) -> dict[str, Any]:
    return {"config": {"model": "hf", "model_args": {"pretrained": "runs/base"}, "model_dtype": dtype}}


def test_the_number_format_is_noted_and_makes_no_other_model(tmp_path: Path) -> None:
    write_run(tmp_path / "a", {TASK: rows_of(OUTCOMES)}, content=in_dtype("torch.float32"))
    write_run(tmp_path / "b", {OTHER_TASK: rows_of(OUTCOMES, OTHER_TASK)}, content=in_dtype("torch.bfloat16"))
    board = board_of(tmp_path)
    assert [checkpoint.name for checkpoint in board.checkpoints] == ["base"]
    assert any("run in bfloat16 and float32: shown as one checkpoint, on different tasks" in n for n in board.notes)
    # The same task twice: both numbers are shown, neither hides the other.
    write_run(tmp_path / "a", {TASK: rows_of([0.0] * 4)}, date=NEW, content=in_dtype("torch.bfloat16"))
    board = board_of(tmp_path / "a")
    assert {checkpoint.name for checkpoint in board.checkpoints} == {"base (float32)", "base (bfloat16)"}
    assert any("run in bfloat16 and float32: shown apart" in note for note in board.notes)


@pytest.mark.parametrize(
    ("base", "tuned", "is_noted"),
    [
        ({"model_dtype": "torch.float32"}, {"model_dtype": "torch.bfloat16"}, True),
        ({"dtype": "float32"}, {"dtype": "bfloat16"}, True),
        ({"dtype": "float32"}, {"model_dtype": "torch.float16"}, True),
        ({"dtype": "half"}, {"model_dtype": "torch.float16"}, False),
        ({"dtype": "bfloat16"}, {"model_dtype": "torch.bfloat16"}, False),
        ({"dtype": "auto"}, {"model_dtype": "torch.bfloat16"}, False),
        ({}, {"model_dtype": "torch.bfloat16"}, False),
        ({}, {}, False),
    ],
)
def test_a_base_in_another_number_format_is_noted(tmp_path, base, tuned, is_noted) -> None:
    """By the board and by `compare`."""
    from leaderboards.board import Settings
    from leaderboards.comparison.compare import compare

    for name, recorded, arguments in (("base", base, {}), ("tuned", tuned, {"peft": "runs/tuned"})):
        model_args = {"pretrained": "runs/base", **arguments, **{k: v for k, v in recorded.items() if k == "dtype"}}
        config = {"model": "hf", "model_args": model_args, "model_dtype": recorded.get("model_dtype")}
        write_run(tmp_path / name, {TASK: rows_of(OUTCOMES)}, content={"config": config})
    notes = board_of(tmp_path).notes
    assert any("rounding is a part of the difference" in note for note in notes) == is_noted
    comparison = compare(*find_sides(str(tmp_path / "base"), str(tmp_path / "tuned")), Settings(draws=100))
    assert any("rounding is a part of the difference" in note for note in comparison.notes) == is_noted


def test_a_restarted_server_is_one_model_with_its_newest_run(tmp_path: Path) -> None:
    for port, date, outcome in ((8000, OLD, 0.0), (8001, NEW, 1.0)):
        content = {"config": api(f"http://127.0.0.1:{port}/v1/chat/completions")}
        write_run(tmp_path / "base", {TASK: rows_of([outcome] * 4)}, date=date, content=content)
    board = board_of(tmp_path)
    assert [checkpoint.name for checkpoint in board.checkpoints] == ["base"]
    assert [cell.metrics["faithful"].estimate for cell in board.cells] == [1.0]
    assert "secret" not in json.dumps([checkpoint.arguments for checkpoint in board.checkpoints])
