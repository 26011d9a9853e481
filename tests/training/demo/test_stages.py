"""The commands of the demo: they can be copied, and each arm is a build of its own. The recipes of the repository."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml

from training.demo.folder import recipe
from training.demo.plan import SIZES
from training.demo.stages import Demo

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_a_command_line_is_what_runs(size, tmp_path):
    stages = Demo(tmp_path / "a folder", size, 7).stages()
    assert [stage.name for stage in stages[:3]] == ["base", "attribute", "evaluate-base"]
    assert stages[-1].name == "board" and len(stages) == 4 + 3 * len(size.arms)
    for stage in stages:
        assert tuple(shlex.split(stage.typed())) == stage.command
        assert stage.command[0] in ("faithful-se", "lm_eval")
    assert len({stage.done for stage in stages}) == len(stages)


def test_an_evaluation_is_the_lm_eval_run_of_the_readme():
    evaluation = Demo(Path("runs/demo"), SIZES["default"], 0).arm(SIZES["default"].arms[0])[-1]
    line = evaluation.typed()
    assert line.startswith("lm_eval run --model hf --model_args pretrained=runs/demo/base peft=runs/demo/trained/word ")
    assert "--tasks faithful-se-mini --apply_chat_template" in line
    assert line.endswith("--log_samples --output_path runs/demo/results/word")


def test_the_tasks_of_a_size_are_found_by_lm_eval():
    from lm_eval.tasks import TaskManager

    from lm_eval_tasks import DATASETS

    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": "mini"})
    assert len(manager.match_tasks(list(SIZES["quick"].tasks))) == 6
    assert manager.match_tasks(list(SIZES["default"].tasks)) == ["faithful-se-mini"]


def test_every_arm_is_a_build_of_its_own():
    from training.build.cli import parser

    arms = SIZES["full"].arms
    fixed = ["--attributions", "a", "--model", "m", "--out", "o"]
    builds = {arm.name: vars(parser().parse_args([*fixed, *arm.build])) for arm in arms}
    assert len(builds) == len(arms) == 12 and len({str(options) for options in builds.values()}) == 12
    assert [name for name, options in builds.items() if options["specific"]] == ["specific"]


def test_the_demo_trains_by_the_recipe_in_the_repository():
    assert recipe().read_text() == (ROOT / "recipes" / "mini" / "sft.yaml").read_text()


@pytest.mark.parametrize("path", sorted(ROOT.glob("recipes/*/*.yaml")), ids=lambda path: path.stem)
def test_recipes_are_read_by_what_they_are_for(path):
    content = yaml.safe_load(path.read_text())
    if "distributed_type" in content:
        from accelerate.commands.config.config_args import ClusterConfig

        assert ClusterConfig.from_yaml_file(str(path)).num_processes == 8
        return
    pytest.importorskip("trl")
    from trl import ModelConfig, SFTConfig, TrlParser

    from training.sft.cli import DataArguments

    on_cpu = ["--output_dir", "x", "--use_cpu", "true", "--bf16", "false"]
    parser = TrlParser((DataArguments, SFTConfig, ModelConfig))
    data, training, model = parser.parse_args_and_config(["--config", str(path), *on_cpu])
    assert not data.full and model.lora_target_modules == "all-linear"
    assert training.max_length == content["max_length"]
