"""The commands of a study: they can be copied, and each arm is a build of its own. The recipes of the repository."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from faithful_se.errors import UsageError
from training.study.check import check_commands
from training.study.cli import open_study
from training.study.read_recipe import find_recipe, read_recipe
from training.study.report import command_lines, exports
from training.study.run import select
from training.study.stages import Study

ROOT = Path(__file__).parents[3]
RECIPE = ROOT / "recipes" / "mini" / "study.yaml"

# The numbers of the demo are those of these commands.
DEMO = """\
faithful-se mini --out OUT/base --seed 0
faithful-se attribute --model OUT/base --tasks sentiment140 agnews snli --data mini --split train --limit 700 \
--word-list --out OUT/attributions
lm_eval run --model hf --model_args pretrained=OUT/base --tasks faithful-se-mini --apply_chat_template --metadata \
data=mini controls=random+oracle --limit 300 --device cpu --batch_size 128 --log_samples --output_path OUT/results/base
faithful-se build --attributions OUT/attributions --model OUT/base --out OUT/rows/word --seed 0
faithful-se sft --config OUT/sft.yaml --model_name_or_path OUT/base --data OUT/rows/word --output_dir OUT/trained/word \
--num_train_epochs 3 --seed 0
lm_eval run --model hf --model_args pretrained=OUT/base peft=OUT/trained/word --tasks faithful-se-mini \
--apply_chat_template --metadata data=mini controls=random+oracle --limit 300 --device cpu --batch_size 128 \
--log_samples --output_path OUT/results/word
faithful-se build --attributions OUT/attributions --model OUT/base --out OUT/rows/random --seed 0 --arm random
faithful-se sft --config OUT/sft.yaml --model_name_or_path OUT/base --data OUT/rows/random --output_dir \
OUT/trained/random --num_train_epochs 3 --seed 0
lm_eval run --model hf --model_args pretrained=OUT/base peft=OUT/trained/random --tasks faithful-se-mini \
--apply_chat_template --metadata data=mini controls=random+oracle --limit 300 --device cpu --batch_size 128 \
--log_samples --output_path OUT/results/random
lm_eval run --model hf --model_args pretrained=OUT/base peft=OUT/trained/word --tasks \
'faithful_se_sentiment140_[ar]*_oneword' 'faithful_se_agnews_[ar]*_oneword' 'faithful_se_snli_[ar]*_oneword' \
--apply_chat_template --metadata data=mini controls=random+oracle explanations=OUT/results/base \
--limit 300 --device cpu --batch_size 128 --log_samples --output_path OUT/results/word-by-base
lm_eval run --model hf --model_args pretrained=OUT/base peft=OUT/trained/word --tasks \
'faithful_se_sentiment140_[ar]*_oneword' 'faithful_se_agnews_[ar]*_oneword' 'faithful_se_snli_[ar]*_oneword' \
--apply_chat_template --metadata data=mini controls=random+oracle explanations=OUT/attributions/word_list.json \
--limit 300 --device cpu --batch_size 128 --log_samples --output_path OUT/results/word-by-word_list
faithful-se attribute --model OUT/trained/word --tasks sentiment140 agnews snli --data mini --split test --limit 300 \
--out OUT/explainers/word
lm_eval run --model hf --model_args pretrained=OUT/base peft=OUT/trained/word --tasks \
'faithful_se_sentiment140_[ar]*_oneword' 'faithful_se_agnews_[ar]*_oneword' 'faithful_se_snli_[ar]*_oneword' \
--apply_chat_template --metadata data=mini controls=random+oracle explanations=OUT/explainers/word \
--limit 300 --device cpu --batch_size 128 --log_samples --output_path OUT/results/word-by-attribution
faithful-se board OUT/results --out OUT/board --title 'The mini model, before and after training (seed 0)'
"""


def study(out: str = "OUT", size: str = "", **changes) -> Study:
    return Study(Path(out), read_recipe(RECIPE, size, **changes))


def test_the_demo_is_what_it_was():
    assert [stage.typed() for stage in study().stages()] == DEMO.splitlines()
    assert list(exports(study())) == [
        "export OMP_NUM_THREADS=1",
        "export TOKENIZERS_PARALLELISM=false",
        "export HF_HUB_OFFLINE=1",
        "export CUDA_VISIBLE_DEVICES=",
    ]


def test_a_preference_goes_on_from_the_merged_model_of_another_arm():
    arms = {"word": {}, "dpo": {"trainer": "dpo", "after": "word"}, "control": {"trainer": "dpo", "arm": "random"}}
    stages = study(arms=arms, dpo={"config": "dpo.yaml", "beta": 0.2}, seeds=[0, 1]).stages()
    commands = {stage.name: stage.typed() for stage in stages}
    rows = "faithful-se build --attributions OUT/attributions --model OUT/base --out OUT/rows"
    assert commands["build-dpo"] == f"{rows}/dpo --seed 0 --pairs"
    assert commands["build-control-seed1"] == f"{rows}/control-seed1 --seed 1 --arm random --pairs"
    merged = "OUT/trained/word-seed1/merged"
    assert commands["dpo-dpo-seed1"] == (
        f"faithful-se dpo --config OUT/dpo.yaml --model_name_or_path {merged} --data OUT/rows/dpo-seed1 "
        "--output_dir OUT/trained/dpo-seed1 --beta 0.2 --seed 1"
    )
    assert f"pretrained={merged} peft=OUT/trained/dpo-seed1 " in commands["evaluate-dpo-seed1"]
    assert "pretrained=OUT/base peft=OUT/trained/control " in commands["evaluate-control"]
    assert commands["merge-word"] == commands["sft-word"] + " --merge true" and "merge-dpo" not in commands
    after = {stage.name: stage.after for stage in stages}
    assert after["dpo-dpo-seed1"] == ("build-dpo-seed1", "merge-word-seed1")
    assert after["merge-word"] == ("sft-word",) and after["evaluate-dpo"] == ("dpo-dpo",)
    assert [stage.name for stage in select(stages, ["dpo"], ["control"])][:2] == ["dpo-dpo", "dpo-dpo-seed1"]


def test_a_reward_needs_no_rows():
    arms = {"word": {}, "grpo": {"trainer": "grpo", "after": "word", "styles": ["redaction"], "reward": "random"}}
    stages = study(arms=arms, grpo={"config": "grpo.yaml", "max_steps": 9}, seeds=[3]).stages()
    commands = {stage.name: stage.typed() for stage in stages}
    assert commands["grpo-grpo"] == (
        "faithful-se grpo --config OUT/grpo.yaml --model_name_or_path OUT/trained/word/merged --data mini "
        "--tasks sentiment140 agnews snli --output_dir OUT/trained/grpo --max_steps 9 --styles redaction "
        "--reward random --seed 3"
    )
    assert "build-grpo" not in commands and "peft=OUT/trained/grpo " in commands["evaluate-grpo"]
    assert {stage.name: stage.after for stage in stages}["grpo-grpo"] == ("merge-word",)
    alone = study(arms={"grpo": {"trainer": "grpo"}}).stages()
    assert {stage.name: stage.after for stage in alone}["grpo-grpo"] == ("base",)


def test_an_arm_with_tasks_of_its_own_is_evaluated_on_these():
    arms = {"word": {}, "without-snli": {"without": ["snli"], "tasks": ["faithful_se_snli_*"]}}
    commands = {stage.name: stage.typed() for stage in study(arms=arms).stages()}
    assert "--without snli" in commands["build-without-snli"] and "tasks" not in commands["build-without-snli"]
    assert "--tasks 'faithful_se_snli_*' --apply_chat_template" in commands["evaluate-without-snli"]
    assert "--tasks faithful-se-mini --apply_chat_template" in commands["evaluate-word"]


def test_the_sizes_of_the_demo():
    quick, full = study(size="quick"), study(size="full", seeds=[7])
    attribute, evaluate = quick.stages()[1].typed(), quick.stages()[2].typed()
    assert "--tasks sentiment140 --data mini --split train --limit 100" in attribute
    assert "--tasks 'faithful_se_sentiment140_[arc]*_oneword' 'faithful_se_trec_[arc]*_oneword' --apply" in evaluate
    assert (
        len(full.stages()) == 4 + 3 * 12 + 4 and sum("--seed 7" in stage.typed() for stage in full.stages()) == 1 + 24
    )


@pytest.mark.parametrize("size", ["quick", "", "full"])
def test_a_command_line_is_what_runs(size):
    stages = study("a folder", size).stages()
    for stage in stages:
        assert tuple(shlex.split(stage.typed())) == stage.command
        assert stage.command[0] in ("faithful-se", "lm_eval")
    assert len({stage.done for stage in stages}) == len(stages)
    names = [stage.name for stage in stages]
    assert all(names.index(name) < names.index(stage.name) for stage in stages for name in stage.after)


def test_every_arm_is_a_build_of_its_own():
    from training.build.cli import parser

    builds = {
        stage.name: vars(parser().parse_args([*stage.command[2:], "--out", "o"]))
        for stage in study(size="full").stages()
        if stage.name.startswith("build-")
    }
    assert len(builds) == 12 and len({str(options) for options in builds.values()}) == 12
    assert [name for name, options in builds.items() if options["specific"]] == ["build-specific"]


def test_others_explain_an_arm_of_the_same_seed_one_after_the_other():
    explainers = {"of": ["word"], "by": ["random", "rationales"], "tasks": ["faithful_se_esnli_attribution_oneword"]}
    evaluate = {"tasks": ["faithful_se"], "options": {"order": "balanced"}}
    stages = {stage.name: stage for stage in study(seeds=[0, 1], explainers=explainers, evaluate=evaluate).stages()}
    first, second = stages["explain-word-seed1-by-random-seed1"], stages["explain-word-seed1-by-rationales"]
    assert "peft=OUT/trained/word-seed1 --tasks faithful_se_esnli_attribution_oneword" in first.typed()
    assert "--metadata data=mini order=balanced explanations=OUT/results/random-seed1" in first.typed()
    assert "explanations=rationales --use_cache OUT/cache/word-seed1" in second.typed()  # the answers of the evaluation
    assert first.after == ("evaluate-word-seed1", "evaluate-random-seed1")
    assert second.after == ("evaluate-word-seed1", first.name)
    assert not first.arm and {first, second} <= set(select([*stages.values()], ["explain"], []))
    assert {first.name, second.name} <= set(stages["board"].after)
    assert "--word-list" not in stages["attribute"].typed()


def test_the_attribution_of_an_arm_is_of_the_texts_of_the_evaluation():
    explainers = {"of": ["word"], "by": ["attribution"], "tasks": ["faithful_se_snli_attribution_oneword"]}
    evaluate = {"tasks": ["faithful_se"], "limit": 9, "options": {"order": "balanced", "order_seed": 5}}
    attribute = {"split": "train", "limit": 40, "order": "file"}
    changes = {"explainers": explainers, "evaluate": evaluate, "attribute": attribute}
    command = {stage.name: stage.typed() for stage in study(**changes).stages()}["explain-word"]
    assert "--split test --limit 9 --order balanced --order-seed 5 --out OUT/explainers/word" in command


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"of": ["words"]}, "of: words: no such arm; did you mean word?"),
        ({"by": ["wordlist"]}, "by: wordlist: no such explainer; did you mean word_list?"),
        ({"by": ["word"]}, "word: its own explanations are judged already"),
        (
            {"tasks": ["faithful_se_snli_*_oneword"]},
            "word_list does not explain faithful_se_snli_counterfactual_oneword",
        ),
        ({"tasks": ["faithful_se_trec_attribution_oneword"]}, "of sentiment140, agnews, snli"),
        ({"task": []}, "explainers: task: no such key; did you mean tasks?"),
        ({"by": ["base", "base"]}, "explainers: base explains word twice: put the tasks of both into one entry"),
    ],
)
def test_an_explainer_that_cannot_explain_is_refused_before_the_first_stage(change, message):
    explainers = {"of": ["word"], "by": ["word_list"], "tasks": ["faithful_se_snli_attribution_oneword"], **change}
    with pytest.raises(UsageError, match=re.escape(message)):
        check_commands(read_recipe(RECIPE, explainers=explainers), "recipe")


def test_the_tasks_of_a_size_are_found_by_lm_eval():
    from lm_eval.tasks import TaskManager

    from lm_eval_tasks import DATASETS

    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata={"data": "mini"})
    assert len(manager.match_tasks(list(study(size="quick").recipe.evaluate.tasks))) == 6
    assert manager.match_tasks(list(study().recipe.evaluate.tasks)) == ["faithful-se-mini"]
    tasks = read_recipe(find_recipe("smollm2")).evaluate.tasks
    assert len(manager.match_tasks(list(tasks))) == 3 * 6 + 5 * 3


def test_each_tuning_goes_on_from_the_one_before_and_the_last_is_the_subject():
    tune = [{"rows": ["90"], "config": "tune.yaml"}, {"drawn": "first", "config": "explain.yaml"}]
    stages = {stage.name: stage for stage in Study(Path("OUT"), read_recipe(RECIPE, tune=tune)).stages()}
    tasks = "--tasks sentiment140 agnews snli --data mini"
    assert stages["tune"].typed() == (
        f"faithful-se tune --model OUT/base {tasks} --out OUT/subject --rows 90 --config OUT/tune.yaml"
    )
    assert stages["tune-2"].typed() == (
        f"faithful-se tune --model OUT/subject/model {tasks} --out OUT/subject-2 --drawn first --config OUT/tune-2.yaml"
    )
    assert [stages[name].config for name in ("tune", "tune-2")] == [Path("OUT/tune.yaml"), Path("OUT/tune-2.yaml")]
    assert (stages["tune"].after, stages["tune-2"].after, stages["attribute"].after) == (
        ("base",),
        ("tune",),
        ("tune-2",),
    )
    assert "--model_name_or_path OUT/subject-2/model" in stages["sft-word"].typed()


def test_a_tuned_model_is_the_subject_and_launchers_come_first():
    changes = {"model": "DIR", "dtype": "bfloat16", "seeds": [3, 5], "data": "texts"}
    recipe = read_recipe(
        RECIPE,
        **changes,
        tune={"rows": ["90"], "bf16": True, "full": True},
        sft={"launch": "accelerate launch --no_python", "config": "sft.yaml", "bf16": False},
        evaluate={"tasks": ["faithful_se"], "model": "vllm", "model_args": {"tensor_parallel_size": 2}},
    )
    stages = {stage.name: stage for stage in Study(Path("OUT"), recipe).stages()}
    subject = "OUT/subject/model"
    assert stages["tune"].typed() == (
        "faithful-se tune --model DIR --tasks sentiment140 agnews snli --data texts --out OUT/subject --rows 90 "
        "--bf16 true --full"
    )
    assert stages["attribute"].after == stages["evaluate-base"].after == ("tune",)
    assert stages["sft-word-seed5"].typed() == (
        f"accelerate launch --no_python faithful-se sft --config OUT/sft.yaml --model_name_or_path {subject} "
        "--data OUT/rows/word-seed5 --output_dir OUT/trained/word-seed5 --bf16 false --seed 5"
    )
    assert "--seed 3 --dtype bfloat16 --arm random" in stages["build-random"].typed()
    assert stages["evaluate-word"].typed() == (
        f"lm_eval run --model vllm --model_args pretrained={subject} dtype=bfloat16 tensor_parallel_size=2 "
        "lora_local_path=OUT/trained/word --tasks faithful_se --apply_chat_template --metadata data=texts "
        "--use_cache OUT/cache/word --log_samples --output_path OUT/results/word"
    )
    word = [stage.name for stage in select(list(stages.values()), [], ["word"])]
    assert word[:2] == ["build-word", "sft-word"] and word[3:5] == ["build-word-seed5", "sft-word-seed5"]
    assert [stage.name for stage in select(list(stages.values()), ["sft"], [])][-1] == "sft-random-seed5"


def test_commands_for_a_scheduler(tmp_path):
    folder = open_study("mini", tmp_path / "out")
    lines = list(command_lines(folder.stages, folder.study))
    assert "# sft-word, after build-word" in lines
    assert lines[lines.index("# evaluate-word, after sft-word") + 1].endswith(
        f"&& touch {tmp_path}/out/results/word/complete"
    )


@pytest.mark.parametrize(
    "path",
    sorted(path for path in ROOT.glob("recipes/*/*.yaml") if not path.stem.startswith("study")),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_recipes_are_read_by_what_they_are_for(path):
    content = yaml.safe_load(path.read_text())
    if "distributed_type" in content:
        from accelerate.commands.config.config_args import ClusterConfig

        assert ClusterConfig.from_yaml_file(str(path)).num_processes == 8
        return
    pytest.importorskip("trl")
    import trl

    from training.grpo.arguments import GrpoArguments
    from training.sft.cli import DataArguments
    from training.trainer.arguments import TrainerArguments

    on_cpu = ["--output_dir", "x", "--use_cpu", "true", "--bf16", "false"]
    kinds: dict = {"dpo": (TrainerArguments, trl.DPOConfig), "grpo": (GrpoArguments, trl.GRPOConfig)}
    kind = "grpo" if path.parent.name == "grpo" else path.stem
    parser = trl.TrlParser((*kinds.get(kind, (DataArguments, trl.SFTConfig)), trl.ModelConfig))
    data, training, model = parser.parse_args_and_config(["--config", str(path), *on_cpu])
    assert not data.full and model.lora_target_modules == "all-linear"
    if kind == "grpo":
        assert training.max_completion_length == content["max_completion_length"]
        return
    assert training.max_length == content["max_length"]
