"""A model that answers in the middle of its training is afterwards as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Training mode and trainable parameters of a torch model are afterwards what they were before."""
    if not hasattr(model, "named_parameters"):
        yield
        return
    training = [module for module in model.modules() if module.training]
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        yield
    finally:
        for module in training:
            module.training = True
        for parameter in trainable:
            parameter.requires_grad_(True)
