"""The table by hand, the stages, the recipes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from training.demo.table import Cells, compare, matrix, named_shortcuts, rates, read_cells, rows

from faithful_se.errors import UsageError
from training.demo import cli
from training.demo.plan import SIZES
from training.demo.report import checks
from training.demo.stages import Runner, Stage, command, shown

ROOT = Path(__file__).parents[3]


def column(faithful: list[int], **more: Any) -> dict[str, list[Any]]:
    n = len(faithful)
    told = {"valid": [1] * n, "acc": [1] * n, "faithful_random": [0] * n, "faithful_oracle": [1] * n}
    told |= {"hash": list(map(str, range(n))), "prediction": ["a"] * n, "named": [["x"]] * n, "shortcut": [["X"]] * n}
    return {"faithful": faithful, **told, **more}


def cells_of(faithful: list[int], **more: Any) -> Cells:
    return {
        f"agnews_{style}_oneword": column(faithful, **more) for style in ("attribution", "redaction", "counterfactual")
    }


def test_a_cell_by_hand() -> None:
    cell = compare(cells_of([0, 0, 0, 1]), cells_of([1, 1, 0, 1], prediction=["a", "a", "a", "b"], acc=[1, 1, 1, 0]))[0]
    assert (cell.n, cell.base, cell.trained, cell.gain[0], cell.acc_change, cell.shift) == (
        4,
        0.25,
        0.75,
        0.5,
        -0.25,
        0.25,
    )
    assert cell.gain[1] <= 0.5 <= cell.gain[2] and cell.interval[0] < 0.75 < cell.interval[1]
    assert math.isnan(cell.control) and cell.oracle == 1.0


def test_other_texts_are_never_compared() -> None:
    with pytest.raises(AssertionError, match="other texts"):
        compare(cells_of([1, 0]), cells_of([1, 0], hash=["7", "8"]))


def test_the_table_and_the_matrix_hold_every_task() -> None:
    base, trained = cells_of([0, 0]), cells_of([1, 0])
    lines = list(rows(compare(base, trained, cells_of([0, 0]))))
    assert lines[2].startswith("| agnews_attribution_oneword | 0.00 [0.00, 0.66] | 0.50 [0.09, 0.91] | +0.50 [")
    assert list(matrix(base, {"word": trained}))[2] == "| agnews_attribution_oneword | 0.00 | 0.50 |"
    cell = {"faithful": 0.5, "faithful_random": 0.0, "valid": 1.0}
    assert rates(base, {"word": trained})["agnews_redaction_oneword"] == {
        "base": {**cell, "faithful": 0.0},
        "word": cell,
    }


def test_the_planted_shortcut_is_looked_for_in_texts_that_hold_one() -> None:
    named = [["Lima"], ["lima", "rain"], ["rain"], ["rain"]]
    cells = cells_of([0] * 4, named=named, shortcut=[["lima"], ["lima"], ["lima"], []])
    assert named_shortcuts(cells, ["agnews"]) == {"agnews": pytest.approx(1 / 3)}


def test_what_the_demo_is_held_to_can_be_missed() -> None:
    size = SIZES["usual"]
    told = {"trained": ("agnews",)}
    size = type(size)(**{**size.__dict__, **told})

    def lines(trained: Cells, base: Cells, control: Cells) -> list[str]:
        return [line.split()[0] for line in checks(compare(base, trained, control), base, trained, control, size)]

    nothing = cells_of([0] * 10, named=[["y"]] * 10)
    assert lines(cells_of([1] * 10), nothing, nothing) == ["holds"] * 7
    bad = cells_of([0] * 9 + [1], prediction=["b"] * 10, acc=[0] * 10, named=[["y"]] * 10)
    assert lines(bad, cells_of([1] * 10), cells_of([1] * 10)) == ["MISSED"] * 7


def test_files_of_an_evaluation_are_read_without_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "trec.json").write_text(json.dumps({"faithful_se_trec_redaction_oneword": column([1])}))
    (tmp_path / "manifest.json").write_text("{}")
    assert list(read_cells(tmp_path)) == ["trec_redaction_oneword"]


def test_a_stage_runs_once_and_a_failure_shows_the_end_of_its_log(tmp_path: Path) -> None:
    said: list[str] = []
    runner, done = Runner(tmp_path, said.append), tmp_path / "done"
    stage = Stage("touch", ("-c", f"open({str(done)!r}, 'w').close()"), done, "touch")
    runner.run(stage)
    runner.run(stage)
    assert said[-1] == "  touch: done before"
    with pytest.raises(UsageError, match=r"fail failed .*fail\.log\): ValueError: no such thing"):
        runner.run(Stage("fail", ("-c", "raise ValueError('no such thing')"), tmp_path / "never", "fail"))


def test_commands_are_shown_as_they_are_typed() -> None:
    assert shown(command("build", "--out", Path("x"), "--seed", 1)) == "faithful-se build --out x --seed 1"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="is not empty and no demo"):
        cli.main(["--out", str(tmp_path)])
    (tmp_path / "demo.json").write_text(json.dumps({"mode": "full", "seed": 3}))
    with pytest.raises(UsageError, match="holds the demo with --full and with --seed 3: give the same"):
        cli.main(["--out", str(tmp_path)])


def test_every_arm_is_a_build_of_its_own() -> None:
    from training.build.cli import parser

    arms = SIZES["full"].arms
    fixed = ["--attributions", "a", "--model", "m", "--out", "o"]
    built = {arm.name: vars(parser().parse_args([*fixed, *arm.build])) for arm in arms}
    assert len(built) == len(arms) == 12 and len({str(options) for options in built.values()}) == 12
    assert [name for name, options in built.items() if options["specific"]] == ["specific"]


def test_the_demo_trains_by_the_recipe_in_the_repository() -> None:
    assert cli.recipe().read_text() == (ROOT / "recipes" / "mini" / "sft.yaml").read_text()


@pytest.mark.parametrize("path", sorted(ROOT.glob("recipes/*/*.yaml")), ids=lambda path: path.stem)
def test_recipes_are_read_by_what_they_are_for(path: Path) -> None:
    told = yaml.safe_load(path.read_text())
    if "distributed_type" in told:
        from accelerate.commands.config.config_args import ClusterConfig

        assert ClusterConfig.from_yaml_file(str(path)).num_processes == 8
        return
    pytest.importorskip("trl")
    from trl import ModelConfig, SFTConfig, TrlParser

    from training.sft.cli import DataArguments

    here = ["--output_dir", "x", "--use_cpu", "true", "--bf16", "false"]
    parsed = TrlParser((DataArguments, SFTConfig, ModelConfig)).parse_args_and_config(["--config", str(path), *here])
    data, training, model = parsed
    assert not data.full and model.lora_target_modules == "all-linear" and training.max_length == told["max_length"]


def test_without_the_extra_the_demo_says_how_to_get_a_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(cli, "find_spec", lambda name: None if name == "altair" else name)
    cli.write_board(tmp_path, SIZES["quick"], 0, Runner(tmp_path, said.append))
    assert said == ["no board: altair missing; pip install 'faithful-se[board]', then the same command"]
    assert not (tmp_path / "board").exists()


def test_the_board_is_a_stage_that_is_done_once(tmp_path: Path) -> None:
    stage = cli.board(tmp_path, SIZES["quick"], 7)
    assert (
        stage.command[:4] == ("-m", "faithful_se", "board", str(tmp_path / "results" / "base" / "lm_eval"))
        and "(seed 7)" in stage.command[-1]
    )
    stage.done.parent.mkdir()
    stage.done.write_text("whole")
    said: list[str] = []
    cli.write_board(tmp_path, SIZES["quick"], 7, Runner(tmp_path, said.append))
    assert said[0] == "  board: done before" and said[1].endswith(stage.done.as_uri())
