"""`faithful-se eval --plan`: what an evaluation will ask, and how long it will take, from its first texts.

The evaluation goes as far as its first call. A few texts of each dataset then go through all its tasks, with the real
model, and the command ends: no result is written.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from lm_eval_tasks.data_parallel import gather_ints
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.work import LEAST_SECONDS, Meter, Work, evaluation_work, plan_table

# The option `--plan`, as a variable of the environment for plain `lm_eval`.
PLAN = "FAITHFUL_SE_PLAN"

# Texts of each dataset that are asked about; and so many where these take few seconds.
TEXTS, MORE_TEXTS = 8, 24


@dataclass
class DatasetPlan:
    """A dataset in a plan."""

    specs: dict[TaskSpec, None] = field(default_factory=dict)  # its tasks
    documents: dict[str, Document] = field(default_factory=dict)  # by hash
    work: Work = field(default_factory=Work)

    def of_all(self, processes: int) -> tuple[int, Work]:
        """Texts and work of all processes, which have equal parts and work at the same time."""
        return processes * len(self.documents), replace(self.work.times(processes), seconds=self.work.seconds)


def asked_for() -> bool:
    """Whether the run is to be planned."""
    return bool(os.environ.get(PLAN))


def print_and_exit(backend: Backend, pairs: Sequence[tuple[TaskSpec, Document]]) -> NoReturn:
    """Print the plan of a run, in its first process, and end the command."""
    plans, texts, seconds = measure(backend, pairs)
    if backend.lm.rank == 0:
        works = {name: plan.of_all(backend.lm.world_size) for name, plan in plans.items()}
        note = f"up to {texts} texts of each dataset, of all lengths, asked about in {seconds:.0f} seconds"
        print("\n".join(plan_table(works, note)))
    raise SystemExit(0)


def measure(
    backend: Backend, pairs: Sequence[tuple[TaskSpec, Document]]
) -> tuple[Mapping[str, DatasetPlan], int, float]:
    """The work of each dataset, the number of its texts that were asked about, and how long that took.

    Args:
        backend: answers.
        pairs: tasks and documents.
    """
    plans: dict[str, DatasetPlan] = {}
    for spec, document in pairs:
        # The texts of a prior are asked about once a run.
        options = replace(spec.options, classifier="loglikelihood") if spec.calibrated else spec.options
        plan = plans.setdefault(spec.question.dataset, DatasetPlan())
        plan.specs[replace(spec, options=options)] = None
        plan.documents[document.hash] = document
    meter = Meter(backend.respond, backend.count_tokens)

    def ask(texts: int) -> float:
        meter.work = Work()
        for plan in plans.values():
            documents = list(plan.documents.values())
            plan.work = evaluation_work(list(plan.specs), documents, texts, meter, again=backend.any_process_waiting)
        return max(gather_ints(backend.lm, round(1000 * meter.work.seconds))) / 1000

    ask(1)  # with the comparison of the forward pass, the search for a batch size and whatever is done once
    for texts in (TEXTS, MORE_TEXTS):
        if (seconds := ask(texts)) >= LEAST_SECONDS:
            break
    return plans, texts, seconds
