"""`python -m training.sft` in processes of the CPU that accelerate takes for GPUs: it shards weights on those only.

All else is the real thing: accelerate's FSDP plugin, torch's `fully_shard`, processes that talk over gloo.
"""

from __future__ import annotations

import os

os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"

from accelerate.state import PartialState
from accelerate.utils import DistributedType
from transformers import training_args


def pretend() -> None:
    """Before anything asks accelerate where it is."""
    PartialState._prepare_backend = lambda *_, **__: ("gloo", DistributedType.MULTI_GPU)
    training_args.is_torch_bf16_gpu_available = lambda: True


if __name__ == "__main__":
    from training.sft.cli import main

    pretend()
    raise SystemExit(main())
