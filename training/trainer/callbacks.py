"""What a killed training needs to end as an unbroken one: its losses, and the order of rows in each pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback
from transformers.trainer_pt_utils import LengthGroupedSampler
from trl.trainer.utils import RepeatSampler

if TYPE_CHECKING:
    from transformers import TrainerState


class LogAtCheckpoints(TrainerCallback):  # type: ignore[misc]
    """Log the loss wherever a checkpoint is written, and at the end.

    transformers keeps the log in the checkpoint. The losses since the last entry are lost with the process.
    """

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called after each optimizer step, once transformers has decided whether to save."""
        if control.should_save or control.should_training_stop or state.global_step >= state.max_steps:
            control.should_log = True

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called after each epoch."""
        self.on_step_end(args, state, control)


class SeedEachPass(TrainerCallback):  # type: ignore[misc]
    """Draw the order of rows that are grouped by length, or repeated, from the seed and the number of the pass.

    transformers draws the first from torch's generator, TRL the second from one that goes on from pass to pass. No
    checkpoint holds their state at the start of a pass.
    """

    def on_epoch_begin(self, args: Any, state: Any, control: Any, train_dataloader: Any = None, **kwargs: Any) -> None:
        """Called before each pass, and before the rest of one where a training resumes."""
        batches = getattr(train_dataloader, "batch_sampler", None)
        batches = getattr(batches, "batch_sampler", batches)  # accelerate's, which serves several processes
        sampler = getattr(batches, "sampler", None)
        if isinstance(sampler, (LengthGroupedSampler, RepeatSampler)):
            sampler.generator = torch.Generator().manual_seed(args.seed + int(state.epoch or 0))


def mean_loss(state: TrainerState) -> float | None:
    """The mean over all optimizer steps; None where a checkpoint of an older version kept no log."""
    total, last = 0.0, 0
    for entry in state.log_history:
        if "loss" in entry:  # the mean over the steps since the entry before
            total += entry["loss"] * (entry["step"] - last)
            last = entry["step"]
    return total / last if last else None
