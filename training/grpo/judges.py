"""Who judges the explanations of a training: the model before it, the policy as it is now, or another model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from training.grpo.arguments import BASE, POLICY, GrpoArguments
from training.grpo.judge import Judge
from training.models.loading import load_model

if TYPE_CHECKING:
    from trl import GRPOTrainer, ModelConfig


def choose_judge(
    trainer: GRPOTrainer, arguments: GrpoArguments, model: ModelConfig, template_args: Mapping[str, Any]
) -> Judge:
    """The judge that the arguments name. The base is the policy without its adapter, where it has one.

    Raises:
        UsageError: the policy's weights are sharded, or there is no such model.
    """
    policy, tokenizer, batch_size = trainer.model, trainer.processing_class, arguments.judge_batch_size
    if arguments.judge == POLICY:
        return policy_judge(trainer, arguments, template_args, f"--judge {POLICY}", f"give --judge {BASE}")
    if arguments.judge == BASE and hasattr(policy, "disable_adapter") and not is_sharded(trainer):
        without: Any = policy.disable_adapter
        return Judge(policy, tokenizer, batch_size, template_args=template_args, frozen=True, within=without)
    name = str(model.model_name_or_path) if arguments.judge == BASE else arguments.judge
    loaded, own_tokenizer = load_model(name, dtype=model.dtype or "auto", device=str(trainer.accelerator.device))
    return Judge(loaded, own_tokenizer, batch_size, template_args=template_args, frozen=True)


def policy_judge(
    trainer: GRPOTrainer, arguments: GrpoArguments, template_args: Mapping[str, Any], option: str, remedy: str
) -> Judge:
    """The policy as it is at each call.

    Raises:
        UsageError: no process holds all its weights; names the option that asks for it, and the remedy.
    """
    if is_sharded(trainer):
        raise UsageError(f"{option} asks the policy, whose weights are sharded over the processes: {remedy}")
    return Judge(trainer.model, trainer.processing_class, arguments.judge_batch_size, template_args=template_args)


def is_sharded(trainer: Any) -> bool:
    """Whether no process holds all weights."""
    plugin = trainer.accelerator.state.deepspeed_plugin
    return bool(trainer.is_fsdp_enabled or (plugin and plugin.zero_stage == 3))
