"""`--push_to_hub`: the folder of a training on the Hugging Face hub, with our card and `train_info.json`.

TRL uploads checkpoints while it trains, with a card of its own. What it has uploaded is overwritten at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from faithful_se.hub import check_upload, hub_errors

if TYPE_CHECKING:
    from transformers import TrainingArguments

OPTION = "--push_to_hub"

# What stays here: checkpoints, a merged model, hidden files, and what transformers pickles, which may hold a token.
NOT_UPLOADED = ["checkpoint-*", "merged/*", ".*", "_*", "training_args.bin"]


def check_push(training: TrainingArguments, out: Path) -> None:
    """Check the name and the token before the model is loaded.

    Raises:
        UsageError: there is no token, or the hub does not allow the name.
    """
    check_upload(f"{OPTION} ({repository(training, out)})", repository(training, out), training.hub_token)


def push(training: TrainingArguments, out: Path) -> str:
    """Upload a finished training; returns the address.

    Raises:
        UsageError: the hub refuses it, or cannot be reached.
    """
    from huggingface_hub import HfApi

    api, repo = HfApi(token=training.hub_token), repository(training, out)
    with hub_errors(f"{OPTION} ({repo})"):
        address = api.create_repo(repo, private=training.hub_private_repo, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo_id,
            folder_path=out,
            commit_message="Trained with faithful-se",
            revision=training.hub_revision,
            ignore_patterns=NOT_UPLOADED,
        )
    return str(address)


def repository(training: TrainingArguments, out: Path) -> str:
    """The name of the repository: `--hub_model_id`, else that of the folder, as transformers has it."""
    return training.hub_model_id or out.absolute().name
