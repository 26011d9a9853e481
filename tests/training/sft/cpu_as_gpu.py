"""A training command in a process that accelerate takes for one with a GPU, because it shards weights on GPUs only.

Everything else is real: accelerate's FSDP plugin, torch's `fully_shard`, processes that talk over gloo.
"""

from __future__ import annotations

import os

os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"

from accelerate.state import PartialState
from accelerate.utils import DistributedType
from transformers import training_args


def pretend_to_have_a_gpu() -> None:
    """Call this before anything asks accelerate for its state."""
    PartialState._prepare_backend = lambda *_, **__: ("gloo", DistributedType.MULTI_GPU)
    training_args.is_torch_bf16_gpu_available = lambda: True


if __name__ == "__main__":
    from faithful_se.cli import main

    pretend_to_have_a_gpu()
    raise SystemExit(main())
