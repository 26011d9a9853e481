"""Rows of `evaluation.py`: what a row is, how a task is run for it, and how rows are printed."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any, NamedTuple

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
from tqdm import tqdm

from lm_eval_tasks import DATASETS
from lm_eval_tasks.styles import EXPLANATION_STYLES

DATASETS_AND_STYLES = product(("sentiment140", "snli", "agnews"), EXPLANATION_STYLES)
NINE = [f"faithful_se_{dataset}_{style}_oneword" for dataset, style in DATASETS_AND_STYLES]
# Short explanations: the less time generation takes, the more everything else weighs.
EXPLANATION_TOKENS = 16


class Row(NamedTuple):
    """A line of the report."""

    name: str  # what is counted or timed
    peer: float  # calls or seconds of the peer
    ours: float  # the same of our run
    limit: float | None  # the largest ours / peer; None for no limit
    least: float | None = None  # the smallest `ours` that any run could reach; None where it is not known


def evaluate(lm: Any, tasks: Sequence[str], data: str, limit: int, **options: str) -> None:
    """Run lm-eval as a user does, from the loading of the tasks to the results."""
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": data, **options})
    simple_evaluate(
        lm, tasks=list(tasks), task_manager=manager, apply_chat_template=True, limit=limit,
        gen_kwargs={"max_gen_toks": EXPLANATION_TOKENS},
    )  # fmt: skip


@contextmanager
def quiet() -> Iterator[None]:
    """Hide progress bars and log lines below errors."""
    logging.disable(logging.WARNING)
    original, tqdm.__init__ = tqdm.__init__, lambda self, *a, **k: original(self, *a, **{**k, "disable": True})
    try:
        yield
    finally:
        tqdm.__init__ = original
        logging.disable(logging.NOTSET)


def verdict(row: Row) -> tuple[bool, str]:
    """Whether a row is as good as it can be, and a remark to print beside it.

    Where the least is known, only the least passes, also where it is above the limit; the remark then says so.
    """
    if row.least is not None and row.ours != row.least:
        return False, "missed: not the least"
    if row.limit is None or row.ours <= row.limit * row.peer:
        return True, ""
    if row.least is not None and row.least > row.limit * row.peer:
        return True, f"above {row.limit:.2f}; no run can make fewer calls"
    return False, "missed"


def report(rows: Iterator[Row]) -> bool:
    """Print rows as they come; returns whether all are as good as they can be."""
    print(f"{'row':<52}{'peer':>8}{'ours':>8}{'least':>8}{'limit':>7}{'ratio':>7}", flush=True)
    all_pass = True
    for row in rows:
        passes, remark = verdict(row)
        all_pass &= passes
        number, ratio = "d" if isinstance(row.peer, int) else ".2f", row.ours / row.peer
        least = "-" if row.least is None else f"{row.least:{number}}"
        limit = "-" if row.limit is None else f"{row.limit:.2f}"
        line = f"{row.name:<52}{row.peer:>8{number}}{row.ours:>8{number}}{least:>8}{limit:>7}{ratio:>7.3f}"
        print(f"{line}  {remark}".rstrip(), flush=True)
    return all_pass
