"""Fixtures of all tests: real text, evaluations, the mini base model."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A run passes or fails for its code, not for its random examples. To search for new examples:
# pytest --hypothesis-profile=explore
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("same")

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# One thread adds sums in one order, here and in processes that tests start. Tests compare rows to the last digit.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


# The tasks of the paper's three datasets.
PAPER = ",".join(
    f"faithful_se_{dataset}_{style}_*"
    for dataset in ("sentiment140", "snli", "agnews")
    for style in ("attribution", "redaction", "counterfactual")
)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches the test, also where a shell started pytest in the background and had it ignored."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real public text, which a clone does not hold."""
    folder = os.environ.get("FAITHFUL_SE_DATA")
    if not folder:
        pytest.skip("FAITHFUL_SE_DATA is not set: no folder of real text (sentiment140/, snli/, ag_news/, …)")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The folder of SmolLM2-135M-Instruct, which `recipes/smollm2/get_model.py` writes."""
    folder = os.environ.get("FAITHFUL_SE_SMOLLM2")
    if not folder:
        pytest.skip("FAITHFUL_SE_SMOLLM2 is not set: no folder of `python recipes/smollm2/get_model.py --out FOLDER`")
    return Path(folder).resolve()


@pytest.fixture(scope="session")
def evaluate() -> Iterator[Callable[..., dict[str, Any]]]:
    """`evaluate(lm, data, tasks, limit, **options)`: the real `simple_evaluate` on tasks of this package."""
    import torch.utils.collect_env
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    from lm_eval_tasks import DATASETS

    def run(
        lm: Any,
        data: str | Path,
        tasks: str = PAPER,
        limit: int | None = None,
        extra: Any = None,
        **options: Any,
    ) -> dict[str, Any]:
        metadata = {"data": str(data), **options}
        manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=metadata)
        settings = {"apply_chat_template": True, "bootstrap_iters": 1, "log_samples": True, **(extra or {})}
        names = manager.match_tasks(tasks.split(","))
        return dict(simple_evaluate(lm, tasks=names, task_manager=manager, limit=limit, **settings))

    with pytest.MonkeyPatch.context() as patch:
        # What lm-eval records of the machine: it starts pip, which takes longer than most evaluations here.
        patch.setattr(torch.utils.collect_env, "get_pretty_env_info", str)
        yield run


@pytest.fixture(scope="session")
def mini_base() -> Path:
    """The folder of the mini base of seed 0. It is trained once and stays in the cache (FAITHFUL_SE_CACHE)."""
    from training.mini.train import base_model

    return base_model(0, log=print)
