"""How good are the keys of the style `simulation`? On rule-based models that know their rule, or do not.

`python -m lm_eval_tasks.certify_simulation` prints two tables, which docs/metrics.md has in "13. Simulation".
"""

from __future__ import annotations

from collections.abc import Iterator

from lm_eval_tasks.certify import exposed, matrix_table
from lm_eval_tasks.certify_areas import area_table, areas
from lm_eval_tasks.certify_texts import DOCUMENTS, task
from lm_eval_tasks.metrics import metrics_of
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.styles import STYLES

# What the models know of their rule; the others are compared with the first. The last two know it, and explain badly.
MODELS = {
    "knows=1": RuleLM(),
    "knows=0.5": RuleLM(knows=0.5),
    "knows=0": RuleLM(knows=0.0),
    "knows=yes": RuleLM(knows="yes"),
    "knows=no": RuleLM(knows="no"),
    "strategy=random": RuleLM("random"),
    "strategy=absent_word": RuleLM("absent_word"),
}
HEADLINE = ("faithful",)


def tables(documents: int = DOCUMENTS) -> Iterator[str]:
    """Both tables in Markdown: of a model that knows its rule, against the one that always says the contrary."""
    for style in (name for name, each in STYLES.items() if each.SIMULATES):
        own = [key for key, metric in metrics_of(task(style)).items() if "simulation" in metric.needs.split()]
        results = areas(style, documents, [MODELS["knows=1"], MODELS["knows=0"]])
        yield f"**{style}**, {documents} texts in which one word decides"
        yield from area_table({key: results[key] for key in own})
        matrix = exposed(style, documents, MODELS)
        yield f"**{style}**, {documents} texts"
        yield from matrix_table({name: {key: row[key] for key in (*HEADLINE, *own)} for name, row in matrix.items()})


if __name__ == "__main__":
    print("\n".join(tables()))
