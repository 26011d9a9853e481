"""Reads what a checkpoint was trained on: its `train_info.json`, or the `faithful_se:` block of its model card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.train_info import CARD, CARD_BLOCK, TRAIN_INFO, read_card_block
from leaderboards.board import Training
from leaderboards.checkpoints.same_models import LEVELS
from leaderboards.lm_eval_files.results_file import Run, to_strict_json

# Fields that become attributes of `Training`. All others become its `extra`.
_TRAINING_FIELDS = {"base", "train_datasets", "train_styles", "budget", "arm", "filtered", "method"}


def read(path: Path) -> Training:
    """Read a `train_info.json`, or a model card.

    Raises:
        UsageError: the file is missing or damaged, or has no field `base`.
    """
    try:
        info = to_strict_json(read_card_block(path) if path.suffix == ".md" else json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not the train_info.json that `faithful-se sft` writes ({error})") from error
    if not isinstance(info, dict) or "base" not in info:
        raise UsageError(f"{path}: not the train_info.json that `faithful-se sft` writes (no field base)")
    filtered = set(map(bool, _as_list(info.get("filtered"))))
    return Training(
        base=str(info["base"]),
        datasets=tuple(map(str, _as_list(info.get("train_datasets")))),
        styles=tuple(map(str, _as_list(info.get("train_styles")))),
        budget=tuple(map(str, _as_list(info.get("budget")))),
        arm="+".join(map(str, _as_list(info.get("arm")))),
        filtered=filtered.pop() if len(filtered) == 1 else None,
        method="+".join(map(str, _as_list(info.get("method")))),
        source=str(path),
        extra={name: value for name, value in info.items() if name not in _TRAINING_FIELDS},
    )


def find(runs: Sequence[Run]) -> tuple[Training | None, str]:
    """The training of the model of these runs; and if its file is damaged, the error message.

    Three kinds of folders are searched, in this order. First the folder of the results. Then the recorded path of the
    model. Then every end of that path, below every folder above the results: results may be moved with the model.
    """
    for folder in _search_folders(runs[0]):
        for path in (folder / TRAIN_INFO, folder / CARD):
            try:
                if path.is_file() and (path.name == TRAIN_INFO or _is_our_card(path)):
                    return read(path), ""
            except OSError:
                continue
            except UsageError as error:
                return None, str(error)
    return None, ""


def _search_folders(run: Run) -> Iterator[Path]:
    results_folder = run.file.parent
    yield results_folder
    if run.model.path:
        recorded = Path(run.model.path)
        yield recorded
        parts = [part for part in recorded.parts if part not in ("/", "..", ".")]
        above = list(results_folder.absolute().parents)[:LEVELS]
        for start in range(len(parts)):
            for parent in above:
                yield parent.joinpath(*parts[start:])


def _is_our_card(path: Path) -> bool:
    """Whether a README.md claims to hold our block. If it is damaged, `read` says so."""
    text = path.read_bytes()
    return text.startswith(b"---") and f"\n{CARD_BLOCK}:".encode() in text


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
