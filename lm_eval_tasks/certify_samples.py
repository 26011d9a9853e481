"""How good are the keys of sampled answers? On rule-based models that answer with noise.

`python -m lm_eval_tasks.certify_samples` prints two tables, which docs/metrics.md has in "16. Sampled answers".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lm_eval_tasks.certify import exposed, matrix_table
from lm_eval_tasks.certify_areas import auroc, number, of_one_text, shuffled
from lm_eval_tasks.certify_texts import DOCUMENTS, one_decides, score_all, task, texts
from lm_eval_tasks.metrics import metrics_of
from lm_eval_tasks.options import Options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

SAMPLES, NOISE = 8, 0.5

# The share of answers that are drawn at random, and how they are explained; the others are compared with the first.
# With noise=1 nothing decides an answer, and no word is better than another.
MODELS = {
    "noise=0": RuleLM(),
    "noise=0.5": RuleLM(noise=NOISE),
    "noise=0.5,strategy=random": RuleLM("random", noise=NOISE),
    "noise=0.5,strategy=absent_word": RuleLM("absent_word", noise=NOISE),
    "noise=1": RuleLM(noise=1.0),
}
# Keys of the majority of all answers: by them, the oracle is chosen and scored by the same answers.
HEADLINE = ("faithful", "lift", "faithful_oracle", "headroom")


def task_with_samples(style: str, samples: int = SAMPLES) -> TaskSpec:
    """The task of the certification with sampled answers, one operator and no neutral changes."""
    options = Options(data="mini", controls=("random", "oracle"), samples=samples)
    return replace(task(style), options=options, generation='{"do_sample": true, "temperature": 1.0}')


def own_keys(spec: TaskSpec) -> list[str]:
    """The keys that only a task with samples has."""
    return [key for key, metric in metrics_of(spec).items() if "samples" in metric.needs.split()]


def tables(documents: int = DOCUMENTS) -> Iterator[str]:
    """Both tables in Markdown: true and untrue explanations of noisy answers, and what each model gets."""
    style = next(name for name, each in STYLES.items() if each.REMOVES_WORDS)
    spec = task_with_samples(style)
    deciding = [document for document in texts(spec) if one_decides(spec, document)][:documents]
    scored = [score_all(RuleLM(h=h, noise=NOISE), spec, deciding) for h in (1.0, 0.0)]
    yield f"**{style}**, {len(deciding)} texts in which one word decides, {SAMPLES} answers, half of them at random"
    yield from ("", "| key | AUROC | truth shuffled |", "|---|---|---|")
    for key in (*HEADLINE[:2], *own_keys(spec)):
        true, untrue = ([of_one_text(key, row[key]) for row in rows] for rows in scored)
        between = " to ".join(map(number, shuffled(true, untrue)))
        yield f"| `{key}` | {number(auroc(true, untrue))} | {between} |"
    yield ""
    matrix = exposed(style, documents, MODELS, spec)
    yield f"**{style}**, {documents} texts, {SAMPLES} answers"
    columns = (*HEADLINE, *own_keys(spec))
    yield from matrix_table({name: {key: row[key] for key in columns} for name, row in matrix.items()})


if __name__ == "__main__":
    print("\n".join(tables()))
