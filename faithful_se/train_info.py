"""What a checkpoint was trained on: the form of `train_info.json` and of the `faithful_se:` block of a model card.

`faithful-se sft` writes both into the folder of the trained model, and `faithful-se board` reads either. Both hold the
same fields, so a card that was pushed to the hub alone still says what its model was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

TRAIN_INFO, CARD = "train_info.json", "README.md"

# The key of the block in the card's front matter.
CARD_BLOCK = "faithful_se"


class RowFile(TypedDict):
    """A file of training rows: where it was, how many rows it holds, and 16 hex digits of its SHA-256."""

    path: str
    rows: int
    sha256: str


class TrainInfo(TypedDict):
    """One training. A list holds one value for each different build that its rows come from, sorted.

    Attributes:
        base: folder or hub name of the model before the training.
        base_fingerprint: of its weights; None where they could not be read (sharded, quantised, other dtype).
        rows_fingerprint: of the models that the rows were built with; empty for rows of no build.
        own_rows: whether the rows explain the answers of `base`; None where that is not known.
        train_datasets: datasets of the rows.
        train_styles: styles of the explanations; empty for the arm `answers`, which has none.
        budget: ``oneword`` or ``multiword``.
        arm: ``word``, or the control ``random``, ``lowest`` or ``answers``.
        filtered: whether only explanations that change the answer became rows.
        specific: whether counterfactuals prefer a new word that works at its position only.
        replay: share of classifications among the rows.
        method: attribution methods.
        data: the files of rows.
        rows: rows of all files.
        supervised_tokens: tokens with a loss, in all rows.
        how: which weights were trained, in words.
        learning_rate: peak.
        epochs: passes over the rows.
        steps: optimizer steps.
        batch: rows per step, over all processes.
        seed: of the training.
        loss: mean over the steps since `loss_since` (nats per token); None where it is not known.
        loss_since: the step at which the last call resumed.
        commit: of this package; empty outside a git clone.
        versions: package -> version.
    """

    base: str
    base_fingerprint: str | None
    rows_fingerprint: list[str]
    own_rows: bool | None
    train_datasets: list[str]
    train_styles: list[str]
    budget: list[str]
    arm: list[str]
    filtered: list[bool]
    specific: list[bool]
    replay: list[float]
    method: list[str]
    data: list[RowFile]
    rows: int
    supervised_tokens: int
    how: str
    learning_rate: float
    epochs: float
    steps: int
    batch: int
    seed: int
    loss: float | None
    loss_since: int
    commit: str
    versions: dict[str, str]


def read_card_block(card: Path) -> dict[str, Any] | None:
    """Read the `faithful_se:` block of a model card.

    Args:
        card: a Markdown file.

    Returns:
        The block: the fields of `TrainInfo`, unchecked. None where the card has no front matter, or no block in it.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not UTF-8, its front matter is no YAML mapping, or the block is no mapping.
    """
    import yaml
    from huggingface_hub import metadata_load

    try:
        front_matter = metadata_load(card)
    except yaml.YAMLError as error:
        raise ValueError(f"its front matter is no YAML: {' '.join(str(error).split())}") from error
    block = (front_matter or {}).get(CARD_BLOCK)
    if block is not None and not isinstance(block, dict):
        raise ValueError(f"{CARD_BLOCK} in its front matter is no mapping")
    return block
