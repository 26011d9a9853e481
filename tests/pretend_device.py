"""A pretended second device, for machines without a GPU. Its tensors live in main memory, and mixing is an error.

Importing this module registers the device with torch for the whole process, so import it in a process of its own.
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


class _DeviceModule:
    """The functions that torch calls of `torch.<device>`."""

    is_initialized = is_available = staticmethod(lambda: True)
    _is_in_bad_fork = staticmethod(lambda: False)
    current_device, device_count = staticmethod(lambda: 0), staticmethod(lambda: 1)
    manual_seed_all = staticmethod(lambda seed: None)
    get_amp_supported_dtype = staticmethod(lambda: [torch.bfloat16, torch.float16])


_setup_privateuseone_for_python_backend(NAME, _DeviceModule())
DEVICE = torch.device(NAME, 0)
# Operations that copy from one device to another, as `Tensor.to` does.
COPIES = ("aten::_to_copy", "aten::copy_")


class PretendTensor(Tensor):
    """A tensor on the pretended device; `cpu_tensor` holds its values in main memory."""

    cpu_tensor: Tensor

    @staticmethod
    def __new__(cls, cpu_tensor: Tensor) -> PretendTensor:
        tensor = Tensor._make_wrapper_subclass(
            cls,
            cpu_tensor.shape,
            strides=cpu_tensor.stride(),
            storage_offset=cpu_tensor.storage_offset(),
            dtype=cpu_tensor.dtype,
            device=DEVICE,
            requires_grad=cpu_tensor.requires_grad,
        )
        tensor.cpu_tensor = cpu_tensor
        return tensor

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"PretendTensor({self.cpu_tensor})"

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


def compute(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run one operation in main memory, and put the result on the device where torch would put it.

    Raises:
        RuntimeError: tensors of two devices. As with a GPU, a tensor without dimensions may be on any device.
    """
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    pretended_tensors = [tensor for tensor in tensors if isinstance(tensor, PretendTensor)]
    cpu_tensors = [tensor for tensor in tensors if not isinstance(tensor, PretendTensor) and tensor.dim()]
    if pretended_tensors and cpu_tensors and func._schema.name not in COPIES:
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, found {NAME} and cpu")
    device = kwargs.get("device")
    is_pretended = bool(pretended_tensors) if device is None else torch.device(device).type == NAME
    if device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    args, kwargs = tree_map_only(PretendTensor, lambda tensor: tensor.cpu_tensor, (args, kwargs))
    out = func(*args, **kwargs)
    if not is_pretended:
        return out
    inputs = {id(tensor.cpu_tensor): tensor for tensor in pretended_tensors}  # an operation in place returns its input
    return tree_map_only(
        Tensor, lambda tensor: inputs[id(tensor)] if id(tensor) in inputs else PretendTensor(tensor), out
    )


class _CreationMode(TorchDispatchMode):
    """Sees operations without a tensor among their arguments: those that create one."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        return compute(func, args, kwargs or {})


@contextmanager
def pretended() -> Iterator[torch.device]:
    """The device exists inside."""
    only_lift_cpu = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=) then asks us to move its CPU tensor
    try:
        with _CreationMode():
            yield DEVICE
    finally:
        torch._C._set_only_lift_cpu_tensors(only_lift_cpu)
