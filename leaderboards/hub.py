"""`faithful-se board --push REPO`: a board on the Hugging Face hub, as a static Space or in a dataset repository.

What is uploaded is a folder: the files of the board and a README.md with the hub's metadata, in one commit.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.hub import hub_errors
from leaderboards.export import TABLES
from leaderboards.published import BOARD
from leaderboards.sanitize import one_line
from leaderboards.tables.table_markup import escape, markdown
from leaderboards.verdict import verdict

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from leaderboards.board import Board

PAGE, README = "index.html", "README.md"
TAGS = ["leaderboard", "faithfulness", "self-explanation", "faithful-se"]

# The longest short description that the hub takes.
SHORT = 60


def write_upload(board: Board, folder: Path, upload: Path, kind: str) -> None:
    """Write the folder that is uploaded: the board's files, and a README.md with the metadata of its kind.

    Args:
        board: what `folder` holds.
        folder: of the board. Other files in it are not uploaded.
        upload: an empty folder.
        kind: ``space`` or ``dataset``.
    """
    for name in (BOARD, *TABLES, PAGE):
        shutil.copyfile(folder / name, upload / name)
    (upload / README).write_text(readme(board, kind), "utf-8")


def readme(board: Board, kind: str) -> str:
    """The README.md: metadata, the verdict, the main table."""
    from huggingface_hub import DatasetCardData, SpaceCardData

    title = one_line(board.title, 100)
    data: Any
    if kind == "space":
        about = "Are models' explanations of their own answers true?"
        data = SpaceCardData(
            title=title, sdk="static", app_file=PAGE, pinned=False, tags=TAGS, short_description=about[:SHORT]
        )
    else:
        data = DatasetCardData(pretty_name=title, tags=TAGS)
        files = {"cells": "board.csv", "checkpoints": "checkpoints.csv"}
        data["configs"] = [{"config_name": name, "data_files": file} for name, file in files.items()]
    heading, _, table = markdown(board).partition("\n")
    sentences = "\n".join(f"- {escape(sentence)}" for sentence in verdict(board).sentences)
    origin = f"Made by `faithful-se board`. [The page]({PAGE}) shows the texts, [{BOARD}]({BOARD}) holds every number."
    return f"---\n{data.to_yaml()}\n---\n\n{heading}\n\n{sentences}\n{table}\n{origin}\n"


def push(board: Board, folder: Path, repo: str, kind: str, *, private: bool) -> str:
    """Upload a board; returns its address.

    A repository that is there must hold a board: nothing else is written over.

    Raises:
        UsageError: the hub refuses the token or the name, cannot be reached, or the repository holds something else.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    with hub_errors(f"--push {repo}"), TemporaryDirectory(prefix="board.") as upload:
        write_upload(board, folder, Path(upload), kind)
        address = _repository(api, repo, kind, private)
        api.upload_folder(
            repo_id=address.repo_id,
            repo_type=kind,
            folder_path=upload,
            commit_message=f"Board of {board.created[:10]}: {len(board.checkpoints)} checkpoints",
        )
    return str(address)


def _repository(api: HfApi, repo: str, kind: str, private: bool) -> Any:
    """The repository, which is made where there is none."""
    from huggingface_hub.errors import HfHubHTTPError

    settings: dict[str, Any] = {
        "repo_type": kind,
        "private": private or None,
        "space_sdk": "static" if kind == "space" else None,
    }
    try:
        return api.create_repo(repo, **settings)
    except HfHubHTTPError as error:
        if error.response is None or error.response.status_code != 409:
            raise
    address = api.create_repo(repo, exist_ok=True, **settings)
    if not api.file_exists(address.repo_id, BOARD, repo_type=kind):
        raise UsageError(f"--push {repo}: the {kind} is there and holds no board: give another name")
    return address
