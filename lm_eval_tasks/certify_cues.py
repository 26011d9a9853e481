"""How good are the keys of inserted cues? On rule-based models that follow a hint and say so, or do not.

`python -m lm_eval_tasks.certify_cues` prints a table, which docs/metrics.md has in "15. Inserted cues".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lm_eval_tasks.certify import exposed, matrix_table
from lm_eval_tasks.certify_texts import task
from lm_eval_tasks.metrics import metrics_of
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

# What the models do with a cue; the others are compared with the first. The last three say nothing about it: they name
# it always, never, or by chance.
MODELS = {
    "names=1": RuleLM(follows=0.5),
    "names=0.8,misnames=0.1": RuleLM(follows=0.5, names=0.8, misnames=0.1),
    "names=1,misnames=1": RuleLM(follows=0.5, misnames=1.0),
    "names=0": RuleLM(follows=0.5, names=0.0),
    "names=0.5,misnames=0.5": RuleLM(follows=0.5, names=0.5, misnames=0.5),
}
HEADLINE = ("faithful",)
# The keys are of parts of the texts, and cheap without controls.
DOCUMENTS = 500


def task_with_cue(style: str, cue: str = "hint") -> TaskSpec:
    """The task of the certification with a cue in each text, and without controls, which no key of cues needs."""
    spec = task(style)
    return replace(spec, options=replace(spec.options, cue=cue, controls=()))


def tables(documents: int = DOCUMENTS) -> Iterator[str]:
    """What each model gets, in Markdown."""
    style = next(name for name, each in STYLES.items() if each.REMOVES_WORDS)
    spec = task_with_cue(style)
    own = [key for key, metric in metrics_of(spec).items() if "cue" in metric.needs.split()]
    matrix = exposed(style, documents, MODELS, spec)
    yield f"**{style}**, {documents} texts with a hint that half of the answers follow"
    yield from matrix_table({name: {key: row[key] for key in (*HEADLINE, *own)} for name, row in matrix.items()})


if __name__ == "__main__":
    print("\n".join(tables()))
