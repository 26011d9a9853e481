"""Datasets outside the package in the commands of a training: found by `--include_path`, also after a move."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from faithful_se.cli import main
from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from tests.lm_eval_tasks.new_tasks.conftest import COMPLAINTS, run_new
from tests.tiny_model import write_tiny_chat_model
from training.attribution.cli import main as attribute
from training.attribution.inputs import load_split
from training.build.attributions import read_attributions
from training.build.decontaminate import EvaluationTexts
from training.study.check import check_commands
from training.study.read_recipe import read_recipe
from training.study.stages import Study
from training.tune.options import RowOptions, SourceOptions
from training.tune.texts import read_texts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outside")
    run_new(COMPLAINTS, "--text", "complaint", "--label", "category", "--out", folder / "tasks")
    return folder


@pytest.fixture(scope="module")
def attributions(folder):
    texts = COMPLAINTS.read_text("utf-8").splitlines()
    model = write_tiny_chat_model(folder / "model", texts)
    words = ["--model", str(model), "--tasks", "complaints", "--include_path", str(folder / "tasks")]
    assert main(["attribute", *words, "--limit", "3", "--out", str(folder / "attributions")]) == 0
    return folder / "attributions"


def test_attribute_reads_the_training_rows(folder, attributions):
    rows = list(read_jsonl(attributions / "complaints.jsonl"))
    train = list(read_jsonl(folder / "tasks" / "complaints" / "train.jsonl"))
    assert [row["fields"]["complaint"] for row in rows] == [row["complaint"] for row in train[:3]]
    manifest = json.loads((attributions / "manifest.json").read_text("utf-8"))
    assert (manifest["data"], manifest["include_path"]) == ("own", str(folder / "tasks"))


def test_build_finds_the_texts_of_the_evaluation_after_a_move(folder, attributions, tmp_path):
    read = read_attributions(attributions)
    tests = EvaluationTexts(map(read.dataset("complaints").document, load_split(read.dataset("complaints"), read.data)))
    assert len(tests) == 18
    assert not any(tests.reason(text.document) for text in read.texts["complaints"])
    shutil.copytree(folder / "tasks", tmp_path / "moved")
    moved = read_attributions(attributions, include_path=str(tmp_path / "moved"))
    assert moved.dataset("complaints").home == str(tmp_path / "moved" / "complaints")
    with pytest.raises(UsageError, match=r"--include_path .*: there is no such folder"):
        read_attributions(attributions, include_path=str(tmp_path / "nowhere"))


def test_tune_reads_all_splits(folder):
    source = SourceOptions("model", folder / "out", ("complaints",), include_path=str(folder / "tasks"))
    texts = read_texts("complaints", 8, source, RowOptions(own_examples=0))
    assert (len(texts.gold), len(texts.held_out)) == (8, 6)


def test_a_study_passes_it_to_every_command(folder, tmp_path):
    recipe = {
        "model": "MODEL",
        "datasets": ["complaints"],
        "include_path": str(folder / "tasks"),
        "evaluate": {"tasks": ["faithful-se-complaints"]},
        "tune": {},
        "arms": {"word": {}},
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(recipe), "utf-8")
    check_commands(read_recipe(path), str(path))
    commands = {stage.name: stage.command for stage in Study(tmp_path / "out", read_recipe(path)).stages()}
    for stage, words in commands.items():
        expected = stage.partition("-")[0] in ("tune", "attribute", "build", "evaluate")
        assert ("--include_path" in words) == expected, stage
    path.write_text(yaml.safe_dump({**recipe, "datasets": ["complaint"]}), "utf-8")
    with pytest.raises(UsageError, match="did you mean complaints"):
        check_commands(read_recipe(path), str(path))


def test_a_name_that_is_not_there(folder):
    words = ["--model", "MODEL", "--tasks", "reviews", "--include_path", str(folder / "tasks"), "--out", "out"]
    with pytest.raises(UsageError, match=r"no dataset 'reviews' in .*tasks; there are complaints, agnews"):
        attribute(words)
