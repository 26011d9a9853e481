"""Resuming in a folder: another template, another day, further datasets, settings of others."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.command import attribute
from tests.training.attribution.test_chat_template import LLAMA, NextDay
from training.attribution import folder, run
from training.attribution.cli import main


def changed(model: Path, to: Path, template: str) -> Path:
    """The model with another chat template."""
    shutil.copytree(model, to)
    (to / "chat_template.jinja").write_text(template)
    return to


def saved(out: Path, name: str = "settings.json") -> Any:
    return json.loads((out / name).read_text())


class Today(date):
    """The day of a test."""

    now = date(2026, 11, 26)

    @classmethod
    def today(cls) -> Any:
        return cls.now


@pytest.fixture
def at_night(monkeypatch: pytest.MonkeyPatch) -> type[Today]:
    """The run reads the clock before midnight, transformers after it."""
    monkeypatch.setattr(folder, "date", Today)
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", NextDay)
    return Today


@pytest.mark.parametrize("day", [27, 25])  # the next one; and the one before, by a clock that was set back
def test_a_run_keeps_its_day_and_resumes_with_it(
    day: int, model: Path, texts: Path, at_night: type[Today], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dated, out = changed(model, tmp_path / "dated", LLAMA + tiny.TEMPLATE), tmp_path / "out"
    attribute(dated, texts, out, "--limit", "5")
    assert saved(out)["date"] == saved(out, "manifest.json")["date"] == "2026-11-26"
    prompt = saved(out)["prompt"]
    monkeypatch.setattr(at_night, "now", date(2026, 11, day))
    later = attribute(dated, texts, out, "--limit", "9", "--shard-size", "2")
    assert (saved(out)["date"], saved(out)["prompt"]) == ("2026-11-26", prompt)
    # Rows of the other day are those of an uninterrupted run. Another day has other prompts.
    monkeypatch.setattr(at_night, "now", date(2026, 11, 26))
    once = attribute(dated, texts, tmp_path / "once", "--limit", "9", "--shard-size", "2")
    assert [row["logprobs"] for row in later] == [pytest.approx(row["logprobs"], abs=1e-5) for row in once]
    monkeypatch.setattr(at_night, "now", date(2026, 12, 25))
    other = attribute(dated, texts, tmp_path / "other", "--limit", "9")
    assert [row["logprobs"] for row in later] != [pytest.approx(row["logprobs"], abs=1e-5) for row in other]


def test_the_day_is_recorded_only_where_it_is_written(model: Path, texts: Path, tmp_path: Path) -> None:
    attribute(model, texts, tmp_path, "--limit", "1")
    assert "date" not in saved(tmp_path)


@pytest.mark.parametrize("template", [tiny.TEMPLATE.replace("|>\n", "|> "), LLAMA + tiny.TEMPLATE])
def test_another_chat_template_is_refused(template: str, model: Path, texts: Path, tmp_path: Path) -> None:
    first_rows = attribute(model, texts, tmp_path / "out", "--limit", "3")
    other = changed(model, tmp_path / "other", template)
    with pytest.raises(
        UsageError,
        match=r"out: the chat template or the tokenizer is not the one .* begun with \(rows, chat_template\)",
    ) as error:
        attribute(other, texts, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert list(read_jsonl(tmp_path / "out" / "rows.jsonl")) == first_rows


def test_another_tokenizer_is_refused(model: Path, texts: Path, tmp_path: Path) -> None:
    attribute(model, texts, tmp_path / "out", "--limit", "3")
    other = shutil.copytree(model, tmp_path / "other")
    tiny.tokenizer(known=()).save_pretrained(other)  # the mask is several tokens
    with pytest.raises(
        UsageError, match="the chat template or the tokenizer is not the one that the folder was begun with"
    ):
        attribute(other, texts, tmp_path / "out")


def test_a_folder_takes_further_datasets(model: Path, tmp_path: Path) -> None:
    common = ["--model", str(model), "--data", "mini", "--limit", "2", "--out", str(tmp_path / "out")]
    assert main([*common, "--tasks", "sentiment140"]) == 0
    assert main([*common, "--tasks", "snli"]) == 0
    assert set(saved(tmp_path / "out")["prompt"]) == {"sentiment140", "snli"}
    assert saved(tmp_path / "out", "manifest.json")["rows"] == {"sentiment140": 2, "snli": 2}
    # The manifest still counts the lost rows of a dataset that is not asked for: a later run computes them again.
    (tmp_path / "out" / "sentiment140.jsonl").write_text("")
    assert main([*common, "--tasks", "agnews"]) == 0
    assert saved(tmp_path / "out", "manifest.json")["rows"] == {"agnews": 2, "sentiment140": 2, "snli": 2}
    assert main([*common, "--tasks", "sentiment140"]) == 0
    assert len(list(read_jsonl(tmp_path / "out" / "sentiment140.jsonl"))) == 2
    common[1] = str(changed(model, tmp_path / "other", tiny.TEMPLATE.replace("|>\n", "|> ")))
    with pytest.raises(
        UsageError,
        match=r"the chat template or the tokenizer is not the one .* begun with \(chat_template\): give",
    ):
        main([*common, "--tasks", "trec"])


@pytest.mark.parametrize("setting", ["prompt", "tokenizer"])
def test_a_folder_of_an_older_version_is_refused(model: Path, texts: Path, tmp_path: Path, setting: str) -> None:
    attribute(model, texts, tmp_path, "--limit", "3")
    old = saved(tmp_path)
    del old[setting]
    (tmp_path / "settings.json").write_text(json.dumps(old))
    with pytest.raises(UsageError, match=rf"was begun by an older version, .*{setting}: .*give another --out"):
        attribute(model, texts, tmp_path, "--limit", "3")


def test_a_run_without_rows_does_not_claim_the_folder(
    model: Path, texts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The remedy of a run that failed at its first text works in the same folder."""

    def failing(path: Path, rows: Any) -> None:
        raise UsageError("the model's numbers are not finite in torch.bfloat16: try --dtype float32")

    with monkeypatch.context() as patched:
        patched.setattr(run, "write_atomic", failing)
        with pytest.raises(UsageError, match="try --dtype float32"):
            attribute(model, texts, tmp_path, "--limit", "3", "--dtype", "bfloat16")
    assert saved(tmp_path)["dtype"] == "bfloat16" and (tmp_path / "shards").is_dir()
    assert len(attribute(model, texts, tmp_path, "--limit", "3", "--dtype", "float32")) == 3
    assert saved(tmp_path)["dtype"] == saved(tmp_path, "manifest.json")["dtype"] == "float32"
    with pytest.raises(UsageError, match="begun with dtype = 'float32', now 'bfloat16'"):
        attribute(model, texts, tmp_path, "--limit", "3", "--dtype", "bfloat16")


def test_settings_of_another_program_stay(model: Path, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"editor.tabSize": 4}')
    with pytest.raises(UsageError, match="give the same settings, or another --out"):
        attribute(model, texts, tmp_path, "--limit", "3")
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]
    assert (tmp_path / "settings.json").read_text() == '{"editor.tabSize": 4}'


def test_nothing_is_made_in_a_folder_of_somebody_else(model: Path, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(UsageError, match=r"holds README.md and no settings.json"):
        attribute(model, texts, tmp_path, "--limit", "3")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
