"""`faithful-se eval` with a model that is not there: one line."""

from __future__ import annotations

import re

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.missing_model import check_model_folders, no_such_kind, not_loaded


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("pretrained=DIR/traind,dtype=float32", r"=DIR/traind: no such folder \(did you mean DIR/trained\?\)"),
        ("pretrained=DIR/trained,peft=./nothing/like/it", r"--model_args peft=\./nothing/like/it: no such folder$"),
        ("pretrained=~/model", r"pretrained=~/model: no such folder: a shell does not replace ~ after ="),
    ],
)  # fmt: skip
def test_a_path_that_does_not_exist(tmp_path, arguments, line):
    (tmp_path / "trained").mkdir()
    argv = ["--model", "hf", "--model_args", arguments.replace("DIR", str(tmp_path))]
    with pytest.raises(UsageError, match=line.replace("DIR", str(tmp_path))):
        check_model_folders(argv)


@pytest.mark.parametrize("arguments", ["pretrained=org/model", "pretrained=gpt2", "pretrained=DIR", "model=a/b/c"])
def test_what_may_be_there(tmp_path, arguments):
    check_model_folders(["--model_args", arguments.replace("DIR", str(tmp_path))])


def create_from_arg_obj(error):
    """Named as the method of lm-eval."""
    raise error


def test_a_name_that_nothing_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    argv = ["--model_args", "pretrained=modle,dtype=auto"]
    with pytest.raises(OSError, match="We couldn't") as caught:
        create_from_arg_obj(OSError("We couldn't connect to the hub.\nCheck your connection"))
    line = "--model_args pretrained=modle: no folder of this name here (did you mean model?); on the hub: "
    line += "We couldn't connect to the hub"
    assert not_loaded(caught.value, argv) == line
    assert not_loaded(caught.value, ["--model_args", "pretrained=model"]).startswith("the model cannot be loaded: We c")
    assert not_loaded(OSError("elsewhere"), argv) is None and not_loaded(ValueError("x"), argv) is None


@pytest.mark.parametrize(
    ("name", "hint"), [("faithful-se-rule", r" \(did you mean faithful-se-rules\?\)"), ("org/model", "")]
)
def test_a_kind_of_model_that_lm_eval_does_not_have(name, hint):
    from lm_eval.api.registry import get_model

    import lm_eval_tasks.rule_models  # noqa: F401  registers faithful-se-rules

    with pytest.raises(ValueError, match="Attempted") as caught:
        get_model(name)
    line = no_such_kind(caught.value)
    assert line is not None and re.match(f"--model {name}: no such kind of model{hint}; .* --model hf", line)
    assert no_such_kind(ValueError("another")) is None
