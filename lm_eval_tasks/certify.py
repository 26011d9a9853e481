"""How good are the metrics themselves? On rule-based models, whose true explanations are known.

`python -m lm_eval_tasks.certify` prints two tables, which docs/metrics.md has too. The first says how well each metric
key tells a true explanation from an untrue one of the same text (AUROC). The second says which key exposes which
degenerate strategy.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from faithful_se.progress import Progress
from lm_eval_tasks.certify_areas import area_table, areas, number
from lm_eval_tasks.certify_texts import DOCUMENTS, score_all, task, texts
from lm_eval_tasks.metrics import METRICS, Value, metrics_of
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, STYLES

# The normal quantile of an interval of 95 %.
QUANTILE = 1.96

WORSE = " ▼"


def of_all_texts(key: str, values: Sequence[Value]) -> tuple[float, float]:
    """A key over documents, as an evaluation reports it, and its standard error; nan where it is not defined."""
    metric = METRICS[key]
    if metric.aggregate is None:
        numbers = [float(value) if isinstance(value, int | float) else 0.0 for value in values]
        return float(np.mean(numbers)), float(np.std(numbers, ddof=1) / math.sqrt(len(numbers)))
    number, stderr = metric.aggregate(values), metric.stderr(values) if metric.stderr else math.nan
    both = [float(part) if isinstance(part, int | float) else math.nan for part in (number, stderr)]
    return both[0], 0.0 if math.isnan(both[1]) else both[1]


def exposed(
    style: str, documents: int, models: Mapping[str, RuleLM] | None = None, spec: TaskSpec | None = None
) -> dict[str, dict[str, tuple[float, bool]]]:
    """Strategy -> key -> its value, and whether it is significantly worse than that of the first, honest model.

    `spec` is the task, by default the one of `task`.
    """
    spec = spec or task(style)
    first = texts(spec)[:documents]
    models = models or {name: RuleLM(name) for name in STRATEGIES}
    honest: Mapping[str, tuple[float, float]] = {}
    results: dict[str, dict[str, tuple[float, bool]]] = {}
    with Progress(f"certify: {style}", len(models), "strategy") as progress:
        for name, model in models.items():
            rows = score_all(model, spec, first)
            values = {key: of_all_texts(key, [row[key] for row in rows]) for key in metrics_of(spec)}
            honest = honest or values
            results[name] = {key: (own[0], _is_worse(key, own, honest[key])) for key, own in values.items()}
            progress.update()
    return results


def _is_worse(key: str, own: tuple[float, float], honest: tuple[float, float]) -> bool:
    if METRICS[key].higher_is_better is None:
        return False
    sign = 1 if METRICS[key].higher_is_better else -1
    return sign * (honest[0] - own[0]) > QUANTILE * math.hypot(own[1], honest[1]) + 1e-9


def tables(documents: int = DOCUMENTS) -> Iterator[str]:
    """Both tables in Markdown, for a style that removes words and one that edits them."""
    styles = [next(name for name, style in STYLES.items() if style.REMOVES_WORDS is way) for way in (True, False)]
    for style in styles:
        yield f"**{style}**, {documents} texts in which one word decides"
        yield from area_table(areas(style, documents))
    several = areas(styles[0], documents, budget=BUDGETS[1])
    results = {key: row for key, row in several.items() if key not in metrics_of(task(styles[0]))}
    yield f"**{styles[0]}**, {max(count for _, count, _ in results.values())} texts in which two words decide"
    yield from area_table(results)
    for style in styles:
        matrix = exposed(style, documents)
        columns = {key: [row[key] for row in matrix.values()] for key in next(iter(matrix.values()))}
        keys = list[str]()
        for key, column in columns.items():  # `lift_mask` is `lift` again
            if any(worse for _, worse in column) and str(column) not in [str(columns[name]) for name in keys]:
                keys.append(key)
        yield f"**{style}**, {documents} texts"
        yield from matrix_table({name: {key: row[key] for key in keys} for name, row in matrix.items()})


def matrix_table(matrix: Mapping[str, Mapping[str, tuple[float, bool]]]) -> Iterator[str]:
    """Strategies by keys in Markdown, worse ones marked."""
    keys = list(next(iter(matrix.values())))
    yield from ("", f"| strategy | {' | '.join(f'`{key}`' for key in keys)} |", "|---" * (len(keys) + 1) + "|")
    for name, row in matrix.items():
        yield f"| `{name}` | {' | '.join(number(row[key][0]) + WORSE * row[key][1] for key in keys)} |"
    yield ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="texts of each style")
    print("\n".join(tables(parser.parse_args().documents)))
