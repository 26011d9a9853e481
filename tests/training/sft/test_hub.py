"""`faithful-se sft --push_to_hub`: what is uploaded at the end has our card; no network."""

from __future__ import annotations

import fnmatch
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import HfApi, RepoUrl, constants

from faithful_se.errors import UsageError
from tests.training.sft.tiny_rows import arguments, write_rows
from training.sft.cli import main

pytest.importorskip("trl")


def test_the_last_upload_has_our_card_and_train_info(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uploads: list[dict[str, Any]] = []

    def create_repo(self: HfApi, repo: str, *, private: bool | None = None, **options: Any) -> RepoUrl:
        assert options.pop("exist_ok") and private
        return RepoUrl(f"https://huggingface.co/{repo}")

    def upload_folder(
        self: HfApi, *, repo_id: str, folder_path: str, ignore_patterns: list[str], **options: Any
    ) -> Any:
        files = {str(path.relative_to(folder_path)): path for path in Path(folder_path).rglob("*") if path.is_file()}
        kept = {n for n in files if not any(fnmatch.fnmatch(n, pattern) for pattern in ignore_patterns)}
        uploads.append({"repo": repo_id, "files": {name: files[name].read_bytes() for name in kept}})
        done: Future[None] = Future()
        done.set_result(None)
        return done

    monkeypatch.setattr(HfApi, "create_repo", create_repo)
    monkeypatch.setattr(HfApi, "upload_folder", upload_folder)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_x")
    out = tmp_path / "out"
    command = arguments(model, write_rows(tmp_path / "rows.jsonl"), out, "--max_steps", "1")
    push = ["--push_to_hub", "true", "--hub_model_id", "me/faithful", "--hub_private_repo", "true"]
    assert main([*command, *push]) == 0
    last = uploads[-1]
    assert last["repo"] == "me/faithful" and "https://huggingface.co/me/faithful: uploaded" in capsys.readouterr().out
    assert last["files"]["README.md"] == (out / "README.md").read_bytes()
    assert last["files"]["README.md"].startswith(f"---\nbase_model: {model}\nlibrary_name: peft\n".encode())
    assert last["files"]["train_info.json"] == (out / "train_info.json").read_bytes()
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer_config.json"} <= last["files"].keys()
    assert not [name for name in last["files"] if name.startswith(("checkpoint-", ".")) or name == "training_args.bin"]
    # A training that is finished is only uploaded, also elsewhere.
    uploads.clear()
    assert main([*command, *push[:2], "--hub_model_id", "me/other", *push[4:]]) == 0
    assert [upload["repo"] for upload in uploads] == ["me/other"] and uploads[0]["files"] == last["files"]


def test_without_a_token_nothing_is_trained(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    command = arguments(model, write_rows(tmp_path / "rows.jsonl"), tmp_path / "out", "--push_to_hub", "true")
    with pytest.raises(UsageError, match=r"--push_to_hub \(out\): no token of the hub: hf auth login"):
        main(command)
    assert not (tmp_path / "out").exists()
