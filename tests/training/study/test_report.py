"""The report of a study on boards made by hand: rates per arm, and checks that hold or are missed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from faithful_se.files import write_json_object
from leaderboards.board import BaseComparison, Board, Cell, Checkpoint, Estimate, Settings, Task
from leaderboards.board_json import load, save
from lm_eval_tasks.styles import EXPLANATION_STYLES
from training.study.cli import open_study
from training.study.folder import StudyFolder
from training.study.mini_checks import shortcut_share
from training.study.report import write_report
from training.study.terminal_report import terminal_report

ARMS = ("base", "word", "random")
BOUNDS = {"low": 0.0, "high": 1.0, "n": 10}


def estimate(value: float) -> Estimate:
    return Estimate(value, **BOUNDS)


def versus(acc: float, agreement: float) -> BaseComparison:
    nothing = dict.fromkeys(("lift", "p", "p_holm", "detectable", "entropy", "entropy_base", "unknown", "unknown_base"))
    counts = {"n": 10, "only_checkpoint": 0, "only_base": 0, "marker": "", "unparsed": 0, "unparsed_base": 0}
    return BaseComparison(faithful=estimate(0.5), acc=estimate(acc), agreement=agreement, **counts, **nothing)


def study_of(
    out: Path, rates: dict[str, float], acc: float = 0.0, agreement: float = 1.0, named: str = "oslo"
) -> StudyFolder:
    """The folder of a finished quick demo.

    Args:
        out: its folder.
        rates: share of faithful explanations of each arm, on all tasks.
        acc, agreement: of the arm `word` against the base.
        named: the word that the explanations of `word` name; the planted shortcut is "Oslo".
    """
    tasks, cells = [], []
    for style in EXPLANATION_STYLES:
        name = f"sentiment140_{style}_oneword"
        tasks.append(Task(name, f"faithful_se_{name}", "sentiment140", style, "oneword", (), (), 1.0, {}, None, 10))
        for index, arm in enumerate(ARMS):
            file = out / "results" / arm / "a__model" / f"samples_{name}.jsonl"
            write_samples(file, named if arm == "word" else "nice")
            metrics = {
                "faithful": rates[arm],
                "faithful_random": 0.05,
                "faithful_oracle": 0.9,
                "valid": 1.0,
                "acc": 1.0,
            }
            estimates = {metric: estimate(value) for metric, value in metrics.items()}
            against = versus(acc, agreement) if arm == "word" else None
            # A board may have been made with another name of the same folder.
            recorded = Path("elsewhere", *file.parts[-4:])
            cells.append(Cell(f"c{index}", name, "2026-01-01", str(recorded), estimates, {}, 0, against))
    checkpoints = [
        Checkpoint(f"c{index}", arm, "hf", "", None, None, "", (f"results/{arm}/a__model/results.json",), {})
        for index, arm in enumerate(ARMS)
    ]
    board = Board("", "", "", Settings(), tuple(checkpoints), tuple(tasks), tuple(cells), (), (), 0, (), ())
    write_json_object(out / "study.json", {})
    save(board, out / "board" / "board.json")
    return open_study("mini", out, "quick")


def write_samples(path: Path, *named: str | None) -> None:
    """Samples of texts with the shortcut "Oslo", and of one without; None is an explanation that cannot be read."""
    rows = [(["Oslo"], {"words": [word]} if word else None) for word in named]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for shortcut, explanation in (*rows, ([], {"words": ["x"]})):
            transcript = json.dumps({"explanation": explanation})
            file.write(json.dumps({"doc": {"shortcut": shortcut}, "filtered_resps": [transcript]}) + "\n")


def test_a_report_has_every_arm_and_the_commands(tmp_path):
    folder = study_of(tmp_path, {"base": 0.25, "word": 0.75, "random": 0.1})
    (tmp_path / "stages").mkdir()
    folder.write_record(folder.stages[0], 12.4)
    write_json_object(tmp_path / "plan.json", {"stages": [{"name": "base", "seconds": 10}]})
    report = write_report(folder, "faithful-se demo --quick, seed 0")
    readme = (tmp_path / "README.md").read_text()
    assert "| task | base | word | random | chance | oracle |" in readme
    assert "| sentiment140_redaction_oneword | 0.25 | 0.75 | 0.10 | 0.05 | 0.90 |" in readme
    assert readme.startswith("# faithful-se demo --quick, seed 0\n")
    assert all(line in readme for line in report.splitlines() if line.startswith(("holds", "MISSED")))
    commands = readme.split("```")[1].strip().splitlines()
    assert commands[0] == "export OMP_NUM_THREADS=1"
    assert commands[4:] == [stage.typed() for stage in folder.stages]
    assert "| base | 12 | 10 |" in readme and "| together | 12 | 10 |" in readme


def test_the_last_lines_fit_a_terminal_and_begin_with_what_came_out(tmp_path):
    """The verdict, one word before several and trained before unseen; further arms only where there is room."""
    folder = study_of(tmp_path, {"base": 0.25, "word": 0.75, "random": 0.1})
    board = load(tmp_path / "board" / "board.json")
    tasks = [
        replace(board.tasks[1], id="sentiment140_redaction_multiword", budget="multiword"),
        replace(board.tasks[0], id="trec_attribution_oneword", dataset="trec"),
        *board.tasks,
    ]
    report = terminal_report(replace(board, tasks=tuple(tasks)), folder.study)
    assert max(map(len, report.splitlines())) <= 80
    table = report[report.index("one word, trained on") :].split("\n\n")[0].splitlines()
    assert [line.split()[:2] for line in table] == [
        ["one", "word,"],
        ["sentiment140", "attribution"],
        ["sentiment140", "redaction"],
        ["sentiment140", "counterfactual"],
        ["one", "word,"],
        ["trec", "attribution"],
        ["several", "words,"],
        ["sentiment140", "redaction"],
    ]
    assert table[1].split()[2:] == [".25", ".75", ".10", ".05", ".90"]
    assert [line.rsplit("  ", 6)[0].strip() for line in table if "," in line] == [
        "one word, trained on",
        "one word, unseen",
        "several words, trained on",
    ]


def test_a_quick_study_says_that_it_checks_nothing(tmp_path):
    report = write_report(study_of(tmp_path, {"base": 0.0, "word": 0.1, "random": 0.1}), "x", quick=True)
    assert "MISSED" not in report + (tmp_path / "README.md").read_text() and report.startswith("So few texts show")


@pytest.mark.parametrize(
    ("rates", "more", "missed"),
    [
        ({"base": 0.0, "word": 0.9, "random": 0.1}, {}, []),
        ({"base": 0.0, "word": 0.1, "random": 0.1}, {}, ["attribution and redaction reach"]),
        (
            {"base": 0.4, "word": 0.5, "random": 0.1},
            {"named": "nice"},
            ["attribution and redaction reach", "counterfactual at least", "the trained model names"],
        ),
        ({"base": 0.0, "word": 0.9, "random": 0.5}, {}, ["trained on random words"]),
        ({"base": 0.0, "word": 0.9, "random": 0.1}, {"acc": -0.03}, ["accuracy within"]),
        ({"base": 0.0, "word": 0.9, "random": 0.1}, {"agreement": 0.9}, ["at most .02 of the answers changed"]),
    ],
)
def test_checks_can_be_missed(tmp_path, rates, more, missed):
    lines = write_report(study_of(tmp_path, rates, **more), "x").splitlines()
    assert sum(line.startswith("holds   ") for line in lines) == 7 - len(missed)
    failures = [line for line in lines if line.startswith("MISSED  ")]
    assert len(failures) == len(missed)
    assert all(beginning in line for line, beginning in zip(failures, missed, strict=True))


def test_the_planted_shortcut_is_looked_for_in_texts_that_hold_one(tmp_path):
    """Letter case does not count."""
    path = tmp_path / "a" / "samples.jsonl"
    write_samples(path, "oslo", None, "Oslo", "rain")
    assert shortcut_share(path) == 0.5
