"""The command line of a training: TRL's own parser over its dataclasses and one of ours, with recipes in YAML."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from faithful_se.errors import UsageError
from training.trainer.short_help import HELP, HELP_ALL

if TYPE_CHECKING:
    from trl import ModelConfig


@dataclass
class TrainerArguments:
    """Arguments of every training, besides those of TRL's dataclasses."""

    data: str = field(
        default="",
        metadata={"metavar": "FOLDER", "help": "folder of faithful-se build, or a JSONL file; several by commas"},
    )
    chat_template_args: str = field(
        default="",
        metadata={
            "metavar": "JSON",
            "help": "further arguments of the chat template as JSON, as the evaluation has them, such as "
            '{"enable_thinking": false} (default: those of the rows)',
        },
    )
    full: bool = field(default=False, metadata={"help": "train all weights instead of a LoRA adapter"})
    merge: bool = field(default=False, metadata={"help": "write adapter and base as one model into OUTPUT_DIR/merged"})

    def check(self) -> None:
        """Check what needs no other argument.

        Raises:
            UsageError: no data, or arguments that exclude each other.
        """
        if not self.data:
            raise UsageError("give --data: a folder of faithful-se build, or a JSONL file")
        if self.full and self.merge:
            raise UsageError("--merge is for adapters: --full writes a whole model already")


Own = TypeVar("Own", bound=TrainerArguments)
Config = TypeVar("Config")


def read_trainer_arguments(
    arguments: Sequence[str], prog: str, own: type[Own], config: str, **defaults: Any
) -> tuple[Own, Any, ModelConfig]:
    """The arguments of a training, from a recipe (`--config`) and the command line, which wins.

    Args:
        arguments: as they were typed.
        prog: the command, for the help.
        own: the dataclass of the command.
        config: name of TRL's dataclass of the training, such as ``SFTConfig``.
        defaults: of TRL's arguments, where a command has its own.

    Raises:
        UsageError: an unknown argument, a wrong value, or a recipe that cannot be read.
    """
    recipe = ""
    if "--config" in arguments:
        recipe = [*arguments, ""][arguments.index("--config") + 1]
        if not recipe or recipe.startswith("--"):
            raise UsageError("--config: give a YAML file of arguments")
        if not Path(recipe).is_file():
            raise UsageError(f"--config {recipe}: no such file")

    # transformers warns of TRL's own default, gradient_checkpointing=True, which the user did not type.
    warnings.filterwarnings("ignore", r"`(is_)?gradient_checkpointing` is deprecated", FutureWarning)

    import torch
    import trl
    import yaml

    def refuse(message: str) -> NoReturn:
        raise UsageError(f"{message}; {prog} {HELP_ALL} lists the arguments")

    parser = trl.TrlParser((own, getattr(trl, config), trl.ModelConfig), prog=prog)
    parser.error = refuse  # one line instead of the usage of some two hundred arguments
    parser.set_defaults(lora_target_modules=["all-linear"], **defaults)
    if not torch.cuda.is_available():
        # TRL's defaults are for GPUs. On most CPUs bf16 is slow, and memory is not so short that recomputing pays.
        parser.set_defaults(use_cpu=True, bf16=False, gradient_checkpointing=False)
    try:
        data, training, model = parser.parse_args_and_config([HELP if word == HELP_ALL else word for word in arguments])
    except UnicodeDecodeError as error:
        raise UsageError(f"--config {recipe}: not UTF-8: save it as UTF-8") from error
    except ValueError as error:
        raise UsageError(str(error).splitlines()[0]) from error
    except yaml.YAMLError as error:
        raise UsageError(f"--config {recipe}: no YAML ({' '.join(str(error).split())})") from error
    model.use_peft = not data.full
    return data, training, model
