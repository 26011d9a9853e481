"""`faithful-se board --push`: the folder that would be uploaded, and what goes wrong on the way; no network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import RepoCard, RepoUrl, constants
from huggingface_hub.errors import HfHubHTTPError

from faithful_se import cli
from leaderboards import published
from leaderboards.board_json import save
from leaderboards.export import TABLES
from leaderboards.hub import README
from tests.leaderboards.example_boards import small

FILES = ["README.md", "board.csv", "board.json", "board.md", "board.png", "board.tex", "checkpoints.csv", "index.html"]


def refusal(status: int, text: str) -> HfHubHTTPError:
    request = httpx2.Request("POST", "https://huggingface.co/api/repos/create")
    return HfHubHTTPError("refused", response=httpx2.Response(status, request=request), server_message=text)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    save(small(), folder / "board.json")
    for name in (*TABLES, "index.html"):
        (folder / name).write_text(name)
    (folder / "private.txt").write_text("mine")
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """HfApi at its public methods: keeps what is asked and uploaded; `exists` and `holds` say what is there."""
    state = SimpleNamespace(exists=False, holds=[], created=[], uploaded={}, error=None)

    class Api:
        def create_repo(self, repo, *, exist_ok=False, **settings):
            if state.error:
                raise state.error
            if state.exists and not exist_ok:
                raise refusal(409, "You already created this repo")
            state.created.append((repo, settings))
            kind = {"space": "spaces/", "dataset": "datasets/"}[settings["repo_type"]]
            return RepoUrl(f"https://huggingface.co/{kind}{repo if '/' in repo else 'me/' + repo}")

        def file_exists(self, repo, name, *, repo_type):
            return name in state.holds

        def upload_folder(self, *, repo_id, repo_type, folder_path, commit_message):
            files = {path.name: path.read_bytes() for path in Path(folder_path).iterdir()}
            state.uploaded = {"repo": repo_id, "type": repo_type, "message": commit_message, "files": files}

    monkeypatch.setattr(published, "find_problems", lambda folder: ())
    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_x")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return state


def test_a_static_space(board, hub, capsys):
    assert cli.main(["board", str(board), "--push", "faithful"]) == 0
    assert capsys.readouterr().out == "On the hub: https://huggingface.co/spaces/me/faithful\n"
    assert hub.created == [("faithful", {"repo_type": "space", "private": None, "space_sdk": "static"})]
    files = hub.uploaded.pop("files")
    assert hub.uploaded == {"repo": "me/faithful", "type": "space", "message": "Board of 2026-11-23: 3 checkpoints"}
    assert sorted(files) == FILES
    assert all(files[name] == (board / name).read_bytes() for name in FILES if name != README)
    card = RepoCard(files[README].decode())
    assert (card.data.sdk, card.data.app_file, card.data.title) == ("static", "index.html", small().title)
    assert len(card.data.short_description) <= 60
    assert card.text.count("| checkpoint | trained on |") == 1


def test_a_private_dataset(board, hub):
    assert cli.main(["board", str(board), "--push", "org/faithful", "--push-as", "dataset", "--private"]) == 0
    assert hub.created == [("org/faithful", {"repo_type": "dataset", "private": True, "space_sdk": None})]
    card = RepoCard(hub.uploaded["files"][README].decode())
    assert [config["data_files"] for config in card.data.configs] == ["board.csv", "checkpoints.csv"]


def test_a_repository_that_is_there_must_hold_a_board(board, hub, capsys):
    hub.exists = True
    assert cli.main(["board", str(board), "--push", "me/other"]) == 2 and not hub.uploaded
    line = "faithful-se: --push me/other: the space is there and holds no board: give another name\n"
    assert capsys.readouterr().err == line
    hub.holds = ["board.json"]
    assert cli.main(["board", str(board), "--push", "me/other"]) == 0 and hub.uploaded


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (refusal(401, "Invalid username"), "the hub refuses the token (401: Invalid username): hf auth login"),
        (refusal(403, "You don't have the rights"), "the hub refuses the token (403: You don't have the rights)"),
        (refusal(500, "Internal\nError"), "the hub answers 500: Internal Error"),
        (ConnectionError("no route\nto host"), "the hub cannot be reached: no route to host"),
    ],
)  # fmt: skip
def test_what_the_hub_refuses_is_one_line(board, hub, capsys, error, line):
    hub.error = error
    assert cli.main(["board", str(board), "--push", "me/b"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"faithful-se: --push me/b: {line}") and err.count("\n") == 1 and not hub.uploaded


def test_wrong_names_and_missing_tokens_are_found_before_anything_is_computed(hub, monkeypatch, capsys, tmp_path):
    command = ["board", str(tmp_path / "no-results"), "--out", str(tmp_path / "out"), "--push"]
    assert cli.main([*command, "a/b/c"]) == 2
    assert "--push a/b/c: no name of a repository" in capsys.readouterr().err
    assert cli.main([*command, ""]) == 2  # an unset variable of a shell
    assert "--push : no name of a repository" in capsys.readouterr().err
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert cli.main([*command, "me/b"]) == 2
    assert "--push me/b: no token of the hub: hf auth login" in capsys.readouterr().err
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert cli.main([*command, "me/b"]) == 2
    assert "HF_HUB_OFFLINE is set" in capsys.readouterr().err


def test_a_board_whose_files_do_not_belong_together_is_not_uploaded(board, hub, monkeypatch, capsys):
    monkeypatch.setattr(published, "find_problems", lambda folder: [(folder / "board.md", "is not what follows")])
    assert cli.main(["board", str(board), "--push", "me/b"]) == 2 and not hub.uploaded
    assert "board.md: is not what follows" in capsys.readouterr().err
