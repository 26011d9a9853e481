"""Write the tables of a published board into README.md and its page: `python docs/write_results.py`.

Every number comes from `leaderboards/results/NAME/board.json`. Without such a folder a block says so. A test compares
the documents with the boards, so that no number is typed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leaderboards.board import Board, Cell, Checkpoint, Estimate, Task
from leaderboards.board_json import load
from leaderboards.number_format import MARKERS, p_value, rate, with_interval
from leaderboards.verdict import verdict
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from training.study.evaluations import Evaluations, arms_of

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "results_smollm2.md")
BLOCK = re.compile(r"(<!-- results of ([\w-]+): ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Arms of the study in the order of the tables, and what they are beside.
BASE, TRAINED = "base", "word"
CONTROLS = ("random", "answers")
ONE_WORD, SEVERAL = BUDGETS


@dataclass(frozen=True)
class Results:
    """The board of a study, looked up by arms and tasks."""

    board: Board

    @cached_property
    def arms(self) -> dict[str, Checkpoint]:
        """Arm -> checkpoint."""
        return arms_of(self.board)

    @cached_property
    def cells(self) -> dict[tuple[str, str], Cell]:
        """(Arm, id of the task) -> cell."""
        return Evaluations.of(self.board).cells

    def tasks(self, budget: str) -> list[Task]:
        """The tasks of a budget: datasets of the training first, then in the order of the board."""
        own = [task for task in self.board.tasks if task.budget == budget and not task.is_variant]
        styles = EXPLANATION_STYLES
        return sorted(own, key=lambda task: (not task.trained_on, task.dataset, styles.index(task.style)))

    def value(self, arm: str, task: Task, metric: str) -> Estimate | None:
        """A metric of an arm on a task; None where it was not measured."""
        cell = self.cells.get((arm, task.id))
        return cell.metrics.get(metric) if cell else None

    def datasets(self) -> list[str]:
        """Datasets of the training, then the others."""
        return list(dict.fromkeys(task.dataset for task in self.tasks(ONE_WORD)))

    def label(self, dataset: str) -> str:
        """A dataset's name, with what is unseen in it: texts and question, or its texts alone."""
        trained = {task.dataset for task in self.board.tasks if task.trained_on}
        if dataset in trained:
            return dataset
        questions = {dataset_spec(name).question.question for name in trained}
        return f"*unseen{' texts' if dataset_spec(dataset).question.question in questions else ''}:* {dataset}"


def short(results: Results) -> Iterator[str]:
    """One line a dataset, one column a style: base, trained with its interval, the random control; and chance."""
    yield from row("one word", *EXPLANATION_STYLES)
    yield rule(len(EXPLANATION_STYLES))
    for dataset in results.datasets():
        tasks = {task.style: task for task in results.tasks(ONE_WORD) if task.dataset == dataset}
        cells = [_short_cell(results, tasks[style]) if style in tasks else "" for style in EXPLANATION_STYLES]
        yield from row(results.label(dataset), *cells)


def one_word(results: Results) -> Iterator[str]:
    """`faithful` of base, trained and controls, with intervals, chance and oracle, for one word."""
    return _faithful(results, ONE_WORD)


def several_words(results: Results) -> Iterator[str]:
    """The same for several words, which no arm was trained on."""
    return _faithful(results, SEVERAL)


def lift(results: Results) -> Iterator[str]:
    """`lift` of base, trained and controls, for one word."""
    yield from _metric_table(results, "lift", signed=True)


def valid(results: Results) -> Iterator[str]:
    """Share of valid explanations, for one word."""
    yield from _metric_table(results, "valid")


def classifier(results: Results) -> Iterator[str]:
    """Accuracy of base and arms, the majority's, the most frequent answer of the base, and the answers that stayed."""
    arms = _present(results, (BASE, TRAINED, *CONTROLS))
    yield from row(
        "dataset", "n", "majority", *arms, "most frequent answer of base", f"answers of {TRAINED} equal to base's"
    )
    yield rule(len(arms) + 4)
    for dataset in results.datasets():
        task = next(task for task in results.tasks(ONE_WORD) if task.dataset == dataset)
        accuracy = [with_interval(results.value(arm, task, "acc")) for arm in arms]
        majority, share = (_plain(results.value(BASE, task, name)) for name in ("acc_majority", "answer_share"))
        versus = results.cells[TRAINED, task.id].versus if (TRAINED, task.id) in results.cells else None
        yield from row(dataset, str(task.n), majority, *accuracy, share, rate(versus.agreement if versus else None))


def across_styles(results: Results) -> Iterator[str]:
    """What a training on one style gives the others: change of `faithful` on the datasets of the training."""
    arms = [f"only-{style}" for style in EXPLANATION_STYLES if f"only-{style}" in results.arms]
    yield from row("trained on", *EXPLANATION_STYLES)
    yield rule(len(EXPLANATION_STYLES))
    for arm in (BASE, TRAINED, *arms):
        name = {BASE: "(base)", TRAINED: "all three"}.get(arm, arm.removeprefix("only-"))
        yield from row(name, *(_means(results, arm, style) for style in EXPLANATION_STYLES))


def left_out(results: Results) -> Iterator[str]:
    """What a training without a dataset gives on that dataset."""
    yield from row("dataset", "style", "base", "trained on the others", "trained on all")
    yield rule(4)
    for task in results.tasks(ONE_WORD):
        arm = f"without-{task.dataset}"
        if (arm, task.id) in results.cells:
            values = [with_interval(results.value(name, task, "faithful")) for name in (BASE, arm, TRAINED)]
            marker = MARKERS[versus.marker] if (versus := results.cells[arm, task.id].versus) else ""
            yield from row(task.dataset, task.style, values[0], f"{values[1]} {marker}".strip(), values[2])


def plausibility(results: Results) -> Iterator[str]:
    """F1 of the named words and those that people marked, where texts have such marks."""
    arms = _present(results, (BASE, TRAINED, *CONTROLS))
    yield from row("task", *arms)
    yield rule(len(arms))
    for task in results.tasks(ONE_WORD):
        values = [results.value(arm, task, "plausibility_f1") for arm in arms]
        if any(values):
            yield from row(f"{task.dataset} {task.style}", *map(with_interval, values))


def explained_by(results: Results) -> Iterator[str]:
    """`lift` of the trained model's own explanations and of others', and own minus other over their tasks."""
    checkpoint = results.arms[TRAINED]
    others = [explainer for explainer in results.board.explainers if explainer.checkpoint == checkpoint.id]
    yield from row("lift", "its own", *(f"by {explainer.explained_by}" for explainer in others))
    yield rule(len(others) + 1)
    cells = {(explainer.explained_by, cell.task): cell for explainer in others for cell in explainer.cells}
    for task in results.tasks(ONE_WORD):
        lifts = [cells.get((explainer.explained_by, task.id)) for explainer in others]
        if any(lifts):
            values = [with_interval(cell.metrics.get("lift") if cell else None, True) for cell in lifts]
            own = with_interval(results.value(TRAINED, task, "lift"), True)
            yield from row(f"{task.dataset} {task.style}", own, *values)
    yield from row("own minus other", "", *(with_interval(other.own_leads.get("lift"), True) for other in others))


def verdict_of(results: Results) -> Iterator[str]:
    """The verdict of the board, a line for each sentence."""
    yield from (f"- {sentence}" for sentence in verdict(results.board).sentences)


TABLES = {
    "short": short,
    "one word": one_word,
    "several words": several_words,
    "lift": lift,
    "valid": valid,
    "classifier": classifier,
    "across styles": across_styles,
    "left out": left_out,
    "plausibility": plausibility,
    "explained by": explained_by,
    "verdict": verdict_of,
}


def row(*cells: str) -> Iterator[str]:
    """A line of a table."""
    yield f"| {' | '.join(cells)} |"


def rule(columns: int) -> str:
    """The line below the heading, of a first column and so many others."""
    return "|---" * (columns + 1) + "|"


def _faithful(results: Results, budget: str) -> Iterator[str]:
    arms = _present(results, (BASE, TRAINED, *CONTROLS))
    yield from row("task", "n", *arms, f"chance of {TRAINED}", f"oracle of {TRAINED}", "p (Holm)")
    yield rule(len(arms) + 4)
    for task in results.tasks(budget):
        values = [with_interval(results.value(arm, task, "faithful")) for arm in arms]
        others = [_plain(results.value(TRAINED, task, name)) for name in ("faithful_random", "faithful_oracle")]
        versus = results.cells[TRAINED, task.id].versus if (TRAINED, task.id) in results.cells else None
        p = f"{p_value(versus.p_holm)} {MARKERS[versus.marker]}".strip() if versus else "–"
        yield from row(f"{results.label(task.dataset)} {task.style}", str(task.n), *values, *others, p)


def _metric_table(results: Results, metric: str, signed: bool = False) -> Iterator[str]:
    arms = _present(results, (BASE, TRAINED, *CONTROLS))
    yield from row("task", *arms)
    yield rule(len(arms))
    for task in results.tasks(ONE_WORD):
        values = [with_interval(results.value(arm, task, metric), signed) for arm in arms]
        yield from row(f"{results.label(task.dataset)} {task.style}", *values)


def _short_cell(results: Results, task: Task) -> str:
    base, control = (_plain(results.value(arm, task, "faithful")) for arm in (BASE, CONTROLS[0]))
    chance = _plain(results.value(TRAINED, task, "faithful_random"))
    trained = with_interval(results.value(TRAINED, task, "faithful"))
    number, _, between = trained.partition(" [")
    trained = f"**{number}** [{between}" if between else trained
    return f"{base}, {trained}, {control}; {chance}"


def _means(results: Results, arm: str, style: str) -> str:
    """Mean of `faithful` over the datasets of the training, and of `lift` in brackets."""
    tasks = [task for task in results.tasks(ONE_WORD) if task.style == style and task.trained_on]
    means = []
    for metric in ("faithful", "lift"):
        values = [value.estimate for task in tasks if (value := results.value(arm, task, metric)) is not None]
        known = [value for value in values if value is not None]
        means.append(rate(sum(known) / len(known) if known and len(known) == len(tasks) else None, metric == "lift"))
    return f"{means[0]} ({means[1]})"


def _plain(value: Estimate | None) -> str:
    return rate(value.estimate if value else None)


def _present(results: Results, arms: Sequence[str]) -> list[str]:
    return [arm for arm in arms if arm in results.arms]


def written(page: str) -> str:
    """A page with every block as the boards have it now."""

    def block(match: re.Match[str]) -> str:
        path = ROOT / "leaderboards" / "results" / match[2] / "board.json"
        lines = (
            TABLES[match[3]](Results(load(path))) if path.is_file() else ["The study is not finished: no board yet."]
        )
        return f"{match[1]}{chr(10).join(lines)}\n{match[4]}"

    return BLOCK.sub(block, page)


if __name__ == "__main__":
    for path in PAGES:
        if path.is_file():
            path.write_text(written(path.read_text("utf-8")), "utf-8")
