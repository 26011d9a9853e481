"""Recipes: what they may hold, mistakes in one line, and those of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from faithful_se.errors import UsageError
from training.study import cli
from training.study.check import check_commands
from training.study.read_recipe import find_recipe, read_recipe, shipped

ROOT = Path(__file__).parents[3]
SMALL = {"model": "mini", "datasets": ["snli"], "evaluate": {"tasks": ["faithful-se-mini"]}, "arms": {"word": {}}}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}))
    return path


def problem(path: Path, size: str = "") -> str:
    with pytest.raises(UsageError) as error:
        check_commands(read_recipe(path, size), str(path))
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sedes": [1]}, "sedes: no such key; did you mean seeds?"),
        ({"seeds": 1}, "seeds: 1: give a list, each entry a whole number"),
        ({"seeds": [True]}, "give a list, each entry a whole number"),
        ({"seeds": []}, "datasets, evaluate.tasks and seeds: give at least one of each"),
        ({"parallel": 0}, "parallel and threads: give a whole number from 1"),
        ({"model": 7}, "model: 7: give a text"),
        ({"model": None}, "model: None: give a text"),
        ({"evaluate": {"limit": 3}}, "evaluate: tasks is missing"),
        ({"evaluate": {"tasks": ["x"], "limt": 3}}, "evaluate: limt: no such key; did you mean limit?"),
        ({"evaluate": {"tasks": ["x"], "cache": 1}}, "evaluate: cache: 1: give true or false"),
        ({"evaluate": {"tasks": ["x"], "options": {"control": "all"}}}, "options: control: no such key; did you mean"),
        ({"evaluate": {"tasks": ["x"], "options": {"controls": "al"}}}, "controls='al': give any of"),
        ({"evaluate": {"tasks": ["x"], "arguments": {"batchsize": 1}}}, "arguments: batchsize: no such key; did you"),
        ({"evaluate": {"tasks": ["faithful_se_snly_*"]}}, "evaluate: tasks: faithful_se_snly_*: no such task; did you"),
        ({"attribute": {"limits": 3}}, "attribute: limits: no such key; did you mean limit?"),
        ({"attribute": {"limit": "many"}}, "attribute: limit: 'many': give a whole number"),
        ({"attribute": {"limit": [3]}}, "attribute: limit: [3]: give one value"),
        ({"attribute": {"check-flips": "yes"}}, "attribute: check-flips: 'yes': give true or false"),
        ({"attribute": {"model": "x"}}, "attribute: model: the study sets it; leave it out"),
        ({"build": {"launch": "accelerate launch"}}, "build: launch: build runs in one process; leave it out"),
        ({"tune": {"budget": ["oneword"]}}, "tune: budget: no such key; did you mean budgets?"),
        ({"tune": {"rows": 2000}}, "tune: rows: 2000: give a list"),
        ({"tune": "gold"}, "tune: 'gold': give a list, each entry keys and values"),
        ({"tune": [{}, {"replay": "all"}]}, "tune-2: replay: 'all': give a whole number"),
        ({"build": {"style": ["attribution"]}}, "build: style: no such key; did you mean styles?"),
        ({"arms": {"word": {"trainer": "ppo"}}}, "arms: word: trainer: ppo: give one of sft, dpo, grpo"),
        ({"arms": {"word": {"pairs": True}}}, "arms: word: pairs: give trainer: dpo, which trains on pairs"),
        ({"arms": {"word": {"after": "sft"}}}, "arms: word: after: sft: give an arm above it (there is none)"),
        ({"arms": {"word": {"trainer": "grpo", "arm": "random"}}}, "arms: word: arm: is of rows, and grpo has none"),
        ({"arms": {"word": {"trainer": "grpo", "tasks": ["x"], "seed": 1}}}, "word: seed: the study sets it; leave"),
        ({"dpo": {"bta": 0.2}}, "dpo: bta: no such key; did you mean beta?"),
        ({"arms": {"word": {"styles": "attribution"}}}, "arms: word: styles: 'attribution': give a list"),
        ({"arms": {"word": {"arm": "wrod"}}}, "arms: word: arm wrod: give one of word, random, lowest, answers"),
        ({"arms": {"base": {}}}, "arms: base: an arm is a name of letters"),
        ({"arms": {"word": ["x"]}}, "arms: word: give keys and values"),
        ({"arms": {"word": {"tasks": []}}}, "arms: word: tasks: []: give a list of names"),
        ({"arms": {"word": {"tasks": ["faithful_se_snly_*"]}}}, "arms: word: tasks: faithful_se_snly_*: no such task"),
        (
            {"sft": {"config": "nowhere.yaml", "learning_rates": 1}},
            "sft: learning_rates: no such key; did you mean learning_rate?",
        ),
        ({"datasets": ["snil"]}, "datasets: snil: no such dataset"),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(changes, message, tmp_path):
    assert message in problem(write(tmp_path, **changes))


def test_files_that_are_no_recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    for content, message in ((b"- a", "keys and values"), (b"a: [", "no YAML"), (b"a: \xff", "not UTF-8")):
        path.write_bytes(content)
        assert message in problem(path)
    with pytest.raises(UsageError, match=r"nothing: no such recipe; give a file, or one of doi2025/study_13b\.yaml"):
        find_recipe("nothing")
    assert "--size big: no such size; give one of default, small" in problem(
        write(tmp_path, sizes={"small": {}}), "big"
    )


def test_a_size_changes_single_values(tmp_path):
    path = write(tmp_path, sizes={"big": {"arms": {"random": {"arm": "random"}}, "evaluate": {"limit": 3}}})
    recipe = read_recipe(path, "big", data="mini", model=None)
    assert list(recipe.arms) == ["word", "random"] and recipe.data == "mini" and recipe.model == "mini"
    assert recipe.evaluate.limit == 3 and recipe.evaluate.tasks == ("faithful-se-mini",)
    assert read_recipe(path).evaluate.limit is None and list(read_recipe(path).arms) == ["word"]


@pytest.mark.parametrize("path", sorted(ROOT.glob("recipes/*/study*.yaml")), ids=lambda path: f"{path.parent.name}")
def test_recipes_of_the_repository_are_read(path, tmp_path):
    for size in ("", *read_recipe(path).sizes):
        folder = cli.open_study(str(path), tmp_path / "out", size)
        assert len({stage.name for stage in folder.stages}) == len(folder.stages)


def test_recipes_are_found_by_their_names():
    assert shipped() == ROOT / "recipes"
    for name in ("mini/study.yaml", "recipes/mini/study.yaml", "mini"):
        assert find_recipe(name).resolve() == ROOT / "recipes" / "mini" / "study.yaml"


def test_the_help_lists_the_keys(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert all(key in text for key in ("  tune  ", "  seeds  ", "  model_args ", "  launch "))


def test_the_known_arguments_of_the_training_are_those_of_trl():
    pytest.importorskip("trl")
    from dataclasses import fields

    from trl import ModelConfig, SFTConfig

    from training.sft.cli import DataArguments
    from training.study.options import SFT

    known = {field.name for kind in (DataArguments, SFTConfig, ModelConfig) for field in fields(kind)}
    assert known | {"config"} >= SFT


def test_the_documents_list_the_keys():
    from dataclasses import fields

    from training.study.recipe import Evaluate, Explainers, Recipe

    page = (ROOT / "docs" / "study.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    documented = {name for cell in rows for name in cell.replace("`", "").replace(",", " ").split()}
    assert documented >= {field.name for section in (Recipe, Evaluate, Explainers) for field in fields(section)}
