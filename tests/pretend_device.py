"""A second device that is none, for machines without a GPU: its tensors live in main memory, and mixing is an error.

Importing this module tells torch of the device, for the whole process: import it in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "pretend"


class _Module:
    """What torch asks of `torch.<device>`."""

    is_initialized = is_available = staticmethod(lambda: True)
    _is_in_bad_fork = staticmethod(lambda: False)
    current_device, device_count = staticmethod(lambda: 0), staticmethod(lambda: 1)
    manual_seed_all = staticmethod(lambda seed: None)
    get_amp_supported_dtype = staticmethod(lambda: [torch.bfloat16, torch.float16])


_setup_privateuseone_for_python_backend(NAME, _Module())
DEVICE = torch.device(NAME, 0)
# What copies from one device to another, as `Tensor.to` does.
MOVES = ("aten::_to_copy", "aten::copy_")


class There(Tensor):
    """A tensor on the pretended device."""

    here: Tensor

    @staticmethod
    def __new__(cls, here: Tensor) -> There:
        made = Tensor._make_wrapper_subclass(
            cls,
            here.shape,
            strides=here.stride(),
            storage_offset=here.storage_offset(),
            dtype=here.dtype,
            device=DEVICE,
            requires_grad=here.requires_grad,
        )
        made.here = here
        return made

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"There({self.here})"

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """One operation, in main memory; the result is where torch would put it.

    Raises:
        RuntimeError: tensors of two devices. A number in a tensor without dimensions may be anywhere, as with a GPU.
    """
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = [tensor for tensor in given if isinstance(tensor, There)]
    strangers = [tensor for tensor in given if not isinstance(tensor, There) and tensor.dim()]
    if there and strangers and func._schema.name not in MOVES:
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, found {NAME} and cpu")
    asked = kwargs.get("device")
    stays = bool(there) if asked is None else torch.device(asked).type == NAME
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    args, kwargs = tree_map_only(There, lambda tensor: tensor.here, (args, kwargs))
    out = func(*args, **kwargs)
    if not stays:
        return out
    known = {id(tensor.here): tensor for tensor in there}  # an operation in place gives back what it was given
    return tree_map_only(Tensor, lambda tensor: known[id(tensor)] if id(tensor) in known else There(tensor), out)


class _Making(TorchDispatchMode):
    """Sees the operations that no tensor is given to: the making of new ones."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


@contextmanager
def pretended() -> Iterator[torch.device]:
    """The device exists inside."""
    before = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=) asks us to move what it made on the CPU
    try:
        with _Making():
            yield DEVICE
    finally:
        torch._C._set_only_lift_cpu_tensors(before)
