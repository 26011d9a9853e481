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
from faithful_se.transcript import Transcript
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.infill_texts import infill_texts
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.metrics import METRICS, Value, metrics_of, score
from lm_eval_tasks.operators import OPERATORS
from lm_eval_tasks.options import CONTROLS, Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, one_word_decides, ranked_words
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, STYLES

DATASET, DOCUMENTS = "agnews", 100
HONEST = "honest"
SHUFFLES = 200

# AUROC below which a metric does not tell true from untrue; and the normal quantile of an interval of 95 %.
GOOD, QUANTILE = 0.99, 1.96

WORSE = " ▼"

# Why a key says little about the truth of an explanation, where it says little.
REASONS = {
    "valid": "the format of an explanation, whatever it says",
    "acc": "the classifier",
    "acc_majority": "the gold labels",
    "answer_share": "the classifier",
    "label_mass": "the classifier",
    "measurable": "a finding about the classifier and its texts",
    "answered": "the server",
    "faithful_random": "chance: random words of the text, other than the named ones",
    "lift": "a true new word may work in random places of a text too: its chance is high",
    "lift_given_valid": "as `lift`",
    "faithful_oracle": "the text: the best of all words, whichever is named",
    "headroom": "the text: the best of all words minus chance",
    "hit1_chance": "the text: how many of its words matter",
    "redundant": "the text: whether any word matters",
    "masked_fraction": "how much is named",
    "one_edit": "how much is changed",
    "edit_fraction": "how much is changed",
    "label_leak": "what is written",
    "simulation_majority": "the text: how many of the words change the answer",
    "simulation_read": "the format of the answers",
    "simulation_unsaid": "models that name untrue words, which neither of these does",
    "stability_q": "the classifier",
    "abstain": "the classifier",
    "faithful_infill": "a word of another text may speak for the label too",
    "lift_infill": "as `faithful_infill`",
    "sufficiency": "two other words may keep the answer too",
    "sufficiency_lift": "as `sufficiency`",
    "operators_agree": "the operators: a false explanation changes nothing under any",
    "madsen": "the answer to the perturbed text must be “unknown”; this model gives another label",
}


def task(style: str, dataset: str = DATASET, budget: str = BUDGETS[0]) -> TaskSpec:
    """A task with every control and operator, ranked labels and “unknown”, so that it reports every key it can."""
    operator = "+".join(OPERATORS)
    options = Options(data="mini", classifier="loglikelihood", controls=CONTROLS, unknown=True, operator=operator)
    source = dataset_spec(dataset)
    return TaskSpec(source.question, style, budget, options, others=infill_texts(source, "mini"))


def texts(spec: TaskSpec) -> list[Document]:
    """The texts of the mini data."""
    dataset = dataset_spec(spec.question.dataset)
    return [dataset.document(row) for row in load(dataset, "mini")]


def one_decides(spec: TaskSpec, document: Document) -> bool:
    """Whether one word of a text decides and another does not: a true and an untrue explanation are known."""
    conversation = Conversation(spec.question, dict(document.fields), spec.options.mask, False)
    return one_word_decides(conversation) and len({word.key for word in conversation.words}) > 1


def two_decide(spec: TaskSpec, document: Document) -> bool:
    """Whether the two heaviest words of a text decide together, and no single word does; it has two others."""
    conversation = Conversation(spec.question, dict(document.fields), spec.options.mask, False)
    words = ranked_words(conversation)
    is_new = [label_of(conversation, words[:size]) != label_of(conversation) for size in (1, 2)]
    return is_new == [False, True] and len(words) > 3


def score_all(model: RuleLM, spec: TaskSpec, documents: Sequence[Document]) -> list[dict[str, Value]]:
    """The metric values of each document, with an evaluation's own procedure."""
    backend = Backend(model, model.apply_chat_template)
    transcripts: list[Transcript] = run([self_explain(spec, document) for document in documents], backend.respond)
    return [score(transcript, spec, document) for transcript, document in zip(transcripts, documents, strict=True)]


def auroc(true: Sequence[float], untrue: Sequence[float]) -> float:
    """Probability that a true explanation scores higher than an untrue one, ties counting half; nan without any.

    The area under the ROC curve is this probability (Hanley and McNeil 1982).
    """
    if not len(true) or not len(untrue):
        return math.nan
    differences = np.subtract.outer(np.asarray(true, float), np.asarray(untrue, float))
    return float((np.sign(differences).mean() + 1) / 2)


def shuffled(true: Sequence[float], untrue: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """The middle 95 % of AUROC where truth is drawn: the control, which must hold .5."""
    draw, both = np.random.default_rng(seed), np.asarray([*true, *untrue], float)
    areas = []
    for _ in range(SHUFFLES if len(true) else 0):
        draw.shuffle(both)
        areas.append(auroc(both[: len(true)].tolist(), both[len(true) :].tolist()))
    return (float(np.quantile(areas, 0.025)), float(np.quantile(areas, 0.975))) if areas else (math.nan, math.nan)


def of_one_text(key: str, value: Value) -> float:
    """A key as a number of a single explanation, higher for better ones; nan where it is not defined."""
    metric = METRICS[key]
    number = value if metric.aggregate is None or value is None else metric.aggregate([value])
    if not isinstance(number, int | float):
        return math.nan
    return -float(number) if metric.higher_is_better is False else float(number)


def of_all_texts(key: str, values: Sequence[Value]) -> tuple[float, float]:
    """A key over documents, as an evaluation reports it, and its standard error; nan where it is not defined."""
    metric = METRICS[key]
    if metric.aggregate is None:
        numbers = [float(value) if isinstance(value, int | float) else 0.0 for value in values]
        return float(np.mean(numbers)), float(np.std(numbers, ddof=1) / math.sqrt(len(numbers)))
    number, stderr = metric.aggregate(values), metric.stderr(values) if metric.stderr else math.nan
    both = [float(part) if isinstance(part, int | float) else math.nan for part in (number, stderr)]
    return both[0], 0.0 if math.isnan(both[1]) else both[1]


def areas(
    style: str, documents: int, models: Sequence[RuleLM] = (), budget: str = BUDGETS[0]
) -> dict[str, tuple[float, int, tuple[float, float]]]:
    """Key -> AUROC, number of pairs of which it is defined, and the shuffled control.

    `models` are one that is true and one that is not; by default of their explanations.
    """
    spec, decides = task(style, budget=budget), one_decides if budget == BUDGETS[0] else two_decide
    deciding = [document for document in texts(spec) if decides(spec, document)][:documents]
    models = models or [RuleLM(HONEST, h=h) for h in (1.0, 0.0)]
    scored = [score_all(model, spec, deciding) for model in models]
    results = {}
    for key in metrics_of(spec):
        numbers = [[of_one_text(key, row[key]) for row in rows] for rows in scored]
        pairs = list(zip(*numbers, strict=True))
        defined = [pair for pair in pairs if not any(map(math.isnan, pair))]
        true, untrue = ([pair[place] for pair in defined] for place in (0, 1))
        results[key] = auroc(true, untrue), len(defined), shuffled(true, untrue)
    return results


def exposed(
    style: str, documents: int, models: Mapping[str, RuleLM] | None = None
) -> dict[str, dict[str, tuple[float, bool]]]:
    """Strategy -> key -> its value, and whether it is significantly worse than that of the first, honest model."""
    spec = task(style)
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


def area_table(results: Mapping[str, tuple[float, int, tuple[float, float]]]) -> Iterator[str]:
    """What `areas` found, in Markdown, best first."""
    yield from ("", "| key | AUROC | texts | truth shuffled | below .99: what it measures |", "|---|---|---|---|---|")
    for key, (area, count, control) in sorted(results.items(), key=lambda item: -np.nan_to_num(item[1][0])):
        reason = "" if area >= GOOD else REASONS.get(key, "")
        between = "–" if math.isnan(area) else " to ".join(map(_number, control))
        yield f"| `{key}` | {_number(area)} | {count} | {between} | {reason} |"
    yield ""


def matrix_table(matrix: Mapping[str, Mapping[str, tuple[float, bool]]]) -> Iterator[str]:
    """Strategies by keys in Markdown, worse ones marked."""
    keys = list(next(iter(matrix.values())))
    yield from ("", f"| strategy | {' | '.join(f'`{key}`' for key in keys)} |", "|---" * (len(keys) + 1) + "|")
    for name, row in matrix.items():
        yield f"| `{name}` | {' | '.join(_number(row[key][0]) + WORSE * row[key][1] for key in keys)} |"
    yield ""


def _number(value: float) -> str:
    """Two digits, without a zero before the point: `.50`, `−.17`."""
    text = f"{abs(value):.2f}".removeprefix("0")
    return "–" if math.isnan(value) else f"−{text}" if value < 0 and text != ".00" else text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="texts of each style")
    print("\n".join(tables(parser.parse_args().documents)))
