"""What a checkpoint was trained on: the form of `train_info.json` and of the `faithful_se:` block of a model card.

`faithful-se sft` writes both into the folder of the trained model, and `faithful-se board` reads either. Both hold the
same fields, so a card that was pushed to the hub alone still says what its model was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing_extensions import NotRequired

TRAIN_INFO, CARD = "train_info.json", "README.md"

# The key of the block in the card's front matter.
CARD_BLOCK = "faithful_se"


class RowFile(TypedDict):
    """A file of training rows: where it was, how many rows it holds, and 16 hex digits of its SHA-256."""

    path: str
    rows: int
    sha256: str


class TrainInfo(TypedDict):
    """One training. A list holds one value for each different build that its rows come from, sorted."""

    base: str  # folder or hub name of the model before the training
    base_fingerprint: str | None  # of its weights; None where they could not be read (sharded, quantised, other dtype)
    rows_fingerprint: list[str]  # of the models that the rows were built with; empty for rows of no build
    own_rows: bool | None  # whether the rows explain the answers of `base`; None where that is not known
    train_datasets: list[str]  # datasets of the rows
    train_styles: list[str]  # styles of the explanations; empty for the arm `answers`, which has none
    budget: list[str]  # ``oneword`` or ``multiword``
    # ``word``, or the control ``random``, ``lowest`` or ``answers``; ``dpo`` or ``grpo`` for ``word`` trained so.
    arm: list[str]
    trainer: NotRequired[str]  # ``dpo`` or ``grpo``; absent where rows were imitated (`faithful-se sft`)
    trainer_options: NotRequired[dict[str, Any]]  # what that training learns by, such as `beta`, the reward, the judge
    filtered: list[bool]  # whether only explanations that change the answer became rows
    specific: list[bool]  # whether counterfactuals prefer a new word that works at its position only
    replay: list[float]  # share of classifications among the rows
    classifier: list[str]  # how the explained answers were made: ``generate``, ``loglikelihood`` or ``calibrated``
    num_fewshot: list[int]  # labelled examples in the prompts of the rows
    method: list[str]  # attribution methods
    data: list[RowFile]  # the files of rows
    rows: int  # rows of all files
    supervised_tokens: int  # tokens with a loss, in all rows
    chat_template_args: NotRequired[dict[str, Any]]  # further arguments of the chat template; older trainings had none
    empty_thoughts: NotRequired[bool]  # whether the template wrote an empty thought before answers, learnt with them
    how: str  # which weights were trained, in words
    dtype: str  # number format of the base's weights in the training, and of a merged model; empty if unknown
    learning_rate: float  # peak
    epochs: float  # passes over the rows
    steps: int  # optimizer steps
    batch: int  # rows per step, over all processes
    seed: int  # of the training
    # Mean over the steps (nats per token); None where it is not known. Of trainings of 0.1.0: after step `loss_since`.
    loss: float | None
    commit: str  # of this package; empty outside a git clone
    versions: dict[str, str]  # package -> version


def read_card_block(card: Path) -> dict[str, Any] | None:
    """Read the `faithful_se:` block of a model card: the fields of `TrainInfo`, unchecked.

    None where the card has no front matter, or no block in it.

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
