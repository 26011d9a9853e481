"""An HFLM of lm-eval's whose model is called in parts: what both quick ways need to know of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from faithful_se.errors import is_out_of_memory
from lm_eval_tasks import LOGGER
from lm_eval_tasks.data_parallel import gather_ints
from lm_eval_tasks.forward_pass.model_parts import ModelParts
from lm_eval_tasks.forward_pass.tolerance import tolerance_of

if TYPE_CHECKING:
    from lm_eval.models.huggingface import HFLM

logger = logging.getLogger(LOGGER)


def autocast(lm: HFLM) -> Any:
    """The number type in which lm-eval calls the model."""
    dtype = lm.mixed_precision_dtype
    return torch.autocast(lm.device.type, dtype=dtype, enabled=dtype is not None)


def parts_problem(lm: HFLM, prompt: Sequence[int] | None) -> tuple[ModelParts | None, torch.dtype, str]:
    """The parts of the model, the number type of its logits, and why it cannot be called in parts; "" if it can."""
    model = lm.model
    if len({parameter.device for parameter in model.parameters()}) > 1:
        return None, torch.float32, "the model lies on several devices"
    if any(hasattr(parameter, "device_mesh") for parameter in model.parameters()):
        return None, torch.float32, "the model's weights are split over devices"
    parts = ModelParts(model)
    if not prompt:
        return None, torch.float32, "its first prompt is empty"
    with autocast(lm):
        dtype = lm._model_call(torch.tensor([prompt[:2]], device=lm.device)).dtype
        return parts, dtype, parts.problem(prompt, tolerance_of(dtype).logits)


def all_agree(lm: HFLM, problem: Callable[[], str], quick: str, slow: str) -> bool:
    """Whether all processes of a run use a quick way, which is said once.

    Args:
        lm: lm-eval's model.
        problem: says why this process cannot use it; "" if it can.
        quick, slow: what the log says of both ways.
    """
    try:
        with torch.no_grad():
            reason = problem()
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
    agreed = min(gather_ints(lm, int(not reason))) == 1
    if lm.rank == 0 and agreed:
        logger.info("faithful-se: %s; --metadata quick=false leaves it to lm-eval", quick)
    elif lm.rank == 0:
        logger.warning("faithful-se: %s: %s", slow, reason or "another process says so")
    return agreed
