"""The table of how far trainings carry over: means over groups of tasks, by hand."""

from __future__ import annotations

from leaderboards.board import Board, Cell, Checkpoint, Estimate, Settings, Task, Training
from training.study.arms_table import table

# (dataset, style, budget) -> lift of base, sft and dpo; sft knows all styles, dpo attribution alone.
LIFTS: dict[tuple[str, str, str], tuple[float | None, float, float | None]] = {
    ("snli", "attribution", "oneword"): (0.0, 0.9, 0.8),
    ("snli", "redaction", "oneword"): (0.1, 0.7, 0.2),
    ("snli", "attribution", "multiword"): (-0.1, 0.6, 0.5),
    ("trec", "attribution", "oneword"): (0.0, 0.4, None),  # not measurable
    ("trec", "redaction", "oneword"): (None, 0.2, 0.3),
}


def board() -> Board:
    tasks, cells = [], []
    for (dataset, style, budget), lifts in LIFTS.items():
        name, seen = f"{dataset}_{style}_{budget}", dataset == "snli"
        task = Task(name, name, dataset, style, budget, (), (), 1.0, {}, None, 10, trained_on=seen)
        tasks.append(task)
        for arm, lift in zip(("c0", "c1", "c2"), lifts, strict=True):
            metrics = {"lift": Estimate(lift, None, None, 10)}
            cells.append(Cell(arm, name, "", "", metrics, {}, 0, None))
    checkpoints = []
    styles_of = {"base": (), "sft": ("attribution", "redaction"), "dpo": ("attribution",)}
    for number, (arm, styles) in enumerate(styles_of.items()):
        training = Training("base", ("snli",), styles, ("oneword",), "word", True, "occlusion", "") if styles else None
        file = f"out/results/{arm}/model/results.json"
        checkpoints.append(Checkpoint(f"c{number}", arm, "hf", "", "c0" if styles else None, training, "", (file,), {}))
    return Board("", "", "", Settings(), tuple(checkpoints), tuple(tasks), tuple(cells), (), (), 0, (), ())


def test_each_cell_is_the_mean_over_its_tasks_and_what_cannot_be_measured_is_no_gain() -> None:
    assert list(table([board(), board()], "lift")) == [
        "| lift | trained | other styles | several words | unseen |",
        "|---|---|---|---|---|",
        "| base | .05 / .05 |  | −.10 / −.10 | .00 / .00 |",
        "| sft | .80 / .80 |  | .60 / .60 | .30 / .30 |",
        "| dpo | .80 / .80 | .20 / .20 | .50 / .50 | .00 / .00 |",
    ]
