"""Which run a folder belongs to: compared setting by setting, and nothing of anybody else is written over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faithful_se.differences import differences
from faithful_se.errors import UsageError
from training.build.folder import BuildFolder
from training.runs.folder import RunFolder
from training.runs.lock import LOCK
from training.runs.settings import absolute_data
from training.runs.shards import ShardedFolder
from training.runs.versions import package_versions


class Experiment(RunFolder[dict[str, Any]]):
    settings_file = "experiment.json"
    option = "--output_dir"
    results = ("*",)
    digests = {"digest": "was begun with other data: give the same data"}  # noqa: RUF012


def test_a_folder_is_claimed_once_and_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run"
    settings = {"seed": 1, "sizes": (1, 2)}
    for _ in range(2):
        with Experiment(path, settings).open():
            (path / "result").write_text("done")
    assert json.loads((path / "experiment.json").read_text()) == {"seed": 1, "sizes": [1, 2]}
    assert sorted(file.name for file in path.iterdir()) == [LOCK, "experiment.json", "result"]


def test_the_setting_that_changed_is_named_before_a_digest_that_follows_from_it(tmp_path: Path) -> None:
    Experiment(tmp_path, {"digest": "1", "options": {"steps": 16}}).claim()
    message = (
        rf"^{tmp_path} was begun with options.steps = 16, now 32: give the same settings, or another --output_dir$"
    )
    with pytest.raises(UsageError, match=message):
        Experiment(tmp_path, {"digest": "2", "options": {"steps": 32}}).check()
    with pytest.raises(UsageError, match=r"was begun with other data: give the same data, or another --output_dir$"):
        Experiment(tmp_path, {"digest": "2", "options": {"steps": 16}}).check()
    with pytest.raises(UsageError, match=r"was begun with options = \{'steps': 16\}, now None"):
        Experiment(tmp_path, {"digest": "1"}).check()


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    message = r"holds thesis.tex and no experiment.json: give another --output_dir, nothing is overwritten$"
    with pytest.raises(UsageError, match=message), Experiment(tmp_path, {}).open():
        pass
    with pytest.raises(UsageError, match=r"^--output_dir .*thesis.tex is a file: give a folder$"):
        Experiment(tmp_path / "thesis.tex", {}).check()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_damaged_settings_are_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "experiment.json").write_text('{"seed": ')
    with pytest.raises(UsageError, match=r"experiment.json is damaged, .*put it back, or give another --output_dir"):
        Experiment(tmp_path, {"seed": 1}).check()


def test_shards_without_settings_are_not_taken_over(tmp_path: Path) -> None:
    folder = ShardedFolder(tmp_path, {"seed": 1})
    with folder.open():
        folder.shard("snli", "0").write_text("{}\n")
        (tmp_path / "shards" / ".snli-1.jsonl.7.tmp").write_text("{")
    with folder.open():
        assert [path.name for path in (tmp_path / "shards").iterdir()] == ["snli-0.jsonl"]
    (tmp_path / "settings.json").unlink()
    with pytest.raises(UsageError, match=r"holds shards/snli-0.jsonl and no settings.json"), folder.open():
        pass


def test_a_manifest_is_written_once_and_again_when_it_is_damaged(tmp_path: Path) -> None:
    folder = ShardedFolder(tmp_path, {"seed": 1})
    assert folder.read_manifest() is None
    folder.write_manifest({"rows": 3})
    written = (tmp_path / "manifest.json").stat().st_mtime_ns
    folder.write_manifest({"rows": 3})
    assert (tmp_path / "manifest.json").stat().st_mtime_ns == written
    (tmp_path / "manifest.json").write_text('{"rows"')
    assert folder.read_manifest() is None
    folder.write_manifest({"rows": 3})
    assert folder.read_manifest() == {"rows": 3}


def test_paths_of_data_are_compared_by_where_they_are(tmp_path: Path) -> None:
    assert [absolute_data(name) for name in ("hub", "mini", "/x/../y")] == ["hub", "mini", "/y"]
    earlier = {"attributions": {"data": "here", "texts": "1", "options": {"mask": "_"}}, "data": "mini"}
    attributions: Any = {**earlier["attributions"], "data": str(Path("here").resolve())}  # type: ignore[dict-item]
    now: Any = {**earlier, "attributions": attributions}
    (tmp_path / "settings.json").write_text(json.dumps(earlier))
    BuildFolder(tmp_path, now).check()
    with pytest.raises(UsageError, match=r"was begun with data = 'mini', now 'hub'"):
        BuildFolder(tmp_path, {**now, "data": "hub"}).check()
    other = {**attributions, "texts": "2"}
    with pytest.raises(UsageError, match=r"was begun with other texts: give the same --limit, --datasets and attrib"):
        BuildFolder(tmp_path, {**now, "attributions": other}).check()
    with pytest.raises(UsageError, match=r"was begun with attributions.options.mask = '_', now '#'"):
        BuildFolder(tmp_path, {**now, "attributions": {**other, "options": {"mask": "#"}}}).check()


def test_differences_go_into_nested_settings() -> None:
    changes = differences({"a": {"b": 1, "c": [1]}, "d": None}, {"a": {"b": 2, "c": [1]}, "e": 0})
    assert [tuple(change) for change in changes] == [("a.b", 1, 2), ("e", None, 0)]


def test_versions_of_packages_that_are_not_there() -> None:
    versions = package_versions("faithful-se", "no-such-package-at-all")
    assert versions["faithful-se"][0].isdigit() and versions["no-such-package-at-all"] == "unknown"
