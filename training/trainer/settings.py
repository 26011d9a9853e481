"""What makes the weights of a training what they are: the settings that its folder belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from training.trainer.rows import RowSource

if TYPE_CHECKING:
    from transformers import TrainingArguments
    from trl import ModelConfig

# Options that may change between two calls of one training: where and how often something is written or shown.
NOT_COMPARED = frozenset(
    {"output_dir", "logging_dir", "logging_steps", "resume_from_checkpoint", "disable_tqdm", "report_to", "run_name"}
)


def training_settings(
    training: TrainingArguments,
    model: ModelConfig,
    sources: Sequence[RowSource],
    template_args: Mapping[str, Any],
    own: Mapping[str, Any],
) -> dict[str, Any]:
    """The settings of a training, as JSON holds them.

    Args:
        training, model: TRL's dataclasses.
        sources: of the rows.
        template_args: further arguments of the chat template.
        own: the command's own arguments that change the weights. One that is false or empty is left out, so that
            folders of versions without it stay the same. A mapping stands for a group of options.
    """
    settings: dict[str, Any] = {
        "data": [{"rows": source.file["rows"], "sha256": source.file["sha256"]} for source in sources],
        "model": vars(model),
        "training": {name: value for name, value in training.to_dict().items() if name not in NOT_COMPARED},
    }
    if template_args:  # as text: `TrainingFolder.comparable` takes a mapping for a group of options
        settings["chat_template_args"] = json.dumps(template_args, sort_keys=True)
    settings |= {name: value for name, value in own.items() if value}
    return dict(json.loads(json.dumps(settings, default=str)))
