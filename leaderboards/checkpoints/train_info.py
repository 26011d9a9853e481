"""What a checkpoint was trained on: `train_info.json`, or the front matter of a model card where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from leaderboards.board import Training
from leaderboards.runs import Run, encodable

INFO, CARD = "train_info.json", "README.md"

# A results folder can lie this deep below the folder that holds the model: OUT/results/NAME/lm_eval/MODEL.
_LEVELS = 6

_KNOWN = {"base", "train_datasets", "train_styles", "budget", "arm", "filtered", "method"}


def read(path: Path) -> Training:
    """A `train_info.json`, or a model card.

    Raises:
        UsageError: no such file, no JSON, no field `base`.
    """
    try:
        text = path.read_text("utf-8")
        info = encodable(_front_matter(text) if path.suffix == ".md" else json.loads(text))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UsageError(f"{path}: not the train_info.json that `faithful-se sft` writes ({error})") from error
    if not isinstance(info, dict) or "base" not in info:
        raise UsageError(f"{path}: not the train_info.json that `faithful-se sft` writes (no field base)")
    filtered = _listed(info.get("filtered"))
    return Training(
        base=str(info["base"]),
        datasets=tuple(map(str, _listed(info.get("train_datasets")))),
        styles=tuple(map(str, _listed(info.get("train_styles")))),
        budget=tuple(map(str, _listed(info.get("budget")))),
        arm="+".join(map(str, _listed(info.get("arm")))),
        filtered=bool(filtered[0]) if len(set(map(bool, filtered))) == 1 else None,
        method="+".join(map(str, _listed(info.get("method")))),
        source=str(path),
        extra={key: value for key, value in info.items() if key not in _KNOWN},
    )


def of(runs: list[Run]) -> tuple[Training | None, str]:
    """The training of the model of these runs, looked for where its results name it; and why one could not be read.

    Looked into: the recorded path of the model as it stands; the end of that path below the folders above the results
    (results that were moved together with the model); the results' own folder.
    """
    for folder in _places(runs):
        for name in (INFO, CARD):
            path = folder / name
            try:
                if path.is_file() and (name == INFO or _is_ours(path)):
                    return read(path), ""
            except OSError:
                continue
            except UsageError as error:
                return None, str(error)
    return None, ""


def _places(runs: list[Run]) -> Iterator[Path]:
    model, folder = runs[0].model, runs[0].file.parent
    yield folder
    if model.path:
        recorded = Path(model.path)
        yield recorded
        parts = [part for part in recorded.parts if part not in ("/", "..", ".")]
        above = list(folder.absolute().parents)[:_LEVELS]
        for start in range(len(parts)):
            for parent in above:
                yield parent.joinpath(*parts[start:])


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4096)
    return head.startswith(b"---") and b"faithful-se" in head


def _front_matter(text: str) -> dict[str, Any]:
    """A model card of `faithful-se sft`: base model from the front matter, the rest from its table."""
    import yaml

    _, _, rest = text.partition("---\n")
    front, _, body = rest.partition("\n---")
    try:
        head = yaml.safe_load(front) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"its front matter is no YAML: {str(error).splitlines()[0]}") from error
    told: dict[str, Any] = {"base": head["base_model"]} if isinstance(head, dict) and head.get("base_model") else {}
    names = {"arm": "arm", "styles": "train_styles", "datasets": "train_datasets", "words found by": "method"}
    for line in body.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 2 and cells[0] in names and cells[1] != "not told":
            told[names[cells[0]]] = [part.strip() for part in cells[1].split(",")]
    return told


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
