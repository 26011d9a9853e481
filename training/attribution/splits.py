"""The splits of the evaluation's datasets: what is wrong with one is told in the options of our commands."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import datasets

from faithful_se.errors import UsageError
from lm_eval_tasks.data import DatasetSpec, has_mini, load

SPLITS = ("train", "validation", "test")

logger = logging.getLogger(__name__)


def load_split(dataset: DatasetSpec, data: str, split: str = "test") -> Any:
    """The rows of a split. The evaluation reads it, and its remedies are those of `lm_eval`: here they are `--data`.

    Args:
        dataset: of the evaluation.
        data: ``hub``, ``mini`` or a folder.
        split: one of `SPLITS`; the evaluation's by default.

    Raises:
        UsageError: no such split, nothing there, or rows that cannot be used.
    """
    if split not in SPLITS:
        raise UsageError(f"--split {split}: give one of {', '.join(SPLITS)}")
    name = dataset.question.dataset
    files = [f"{folder}/{split}.jsonl" for folder in dict.fromkeys((dataset.folder, name))]
    wanted = f"--data DIR, a folder with {' or '.join(files)}"
    if data == "mini" and not has_mini(name):
        raise UsageError(f"--data mini: there is no mini data of {name}; give {wanted}, or --data hub")
    try:
        return load(dataset, data, split)
    except UsageError as error:
        if str(error).startswith(f"data={data}:"):
            raise UsageError(
                f"--data {data}: no file {Path(data).expanduser() / files[0]}; give {wanted}, or --data hub"
            ) from error
        if data != "hub" or error.__cause__ is None:  # what is wrong in the rows has no cause but itself
            raise
        told = (str(error.__cause__).strip().splitlines() or [type(error.__cause__).__name__])[0].rstrip(".")
        raise UsageError(
            f"cannot read {name} from the hub ({dataset.hub[0]}): {told}. Check the network, or give {wanted}"
        ) from error.__cause__


def check_evaluation(dataset: DatasetSpec, data: str) -> None:
    """See that `faithful-se build` will find the texts of the evaluation, to keep them apart from a file of one's own.

    Said before the work. The hub is asked only where that costs nothing: offline. Who is offline here may build
    elsewhere, so it is a warning.

    Raises:
        UsageError: the folder that was given does not hold them.
    """
    if data == "hub" and not datasets.config.HF_HUB_OFFLINE:
        return
    try:
        load_split(dataset, data)
    except UsageError as error:
        if data != "hub":
            raise
        told = str(error)
        logger.warning("later, for `faithful-se build`, which keeps the evaluation's texts apart: %s", told)
