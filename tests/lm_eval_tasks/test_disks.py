"""Full, read-only and failing disks: one line and status 2, before the model is asked or after lm-eval has written."""

from __future__ import annotations

import errno
import json
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from faithful_se import files
from faithful_se.errors import UsageError
from lm_eval_tasks import cache_files, disks, saved_results
from lm_eval_tasks.disks import WrittenPaths, written_paths
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.command import TASK, EvalCommand


@pytest.fixture
def command(data: Path, monkeypatch: pytest.MonkeyPatch) -> EvalCommand:
    return EvalCommand(data, monkeypatch)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """What is written beyond this size fails, as on a disk that is full in the middle of a file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        (["run", "--output_path", "a", "--use_cache", "b"], ("a", "b")),
        (["--output_path=a/x.json", "--use_cache=b"], ("a/x.json", "b")),
        (["-o", "a", "-cb"], ("a", "b")),
        (["--config", "FILE"], ("of config", "c")),
        (["--config=FILE", "-o", "a"], ("a", "c")),
        (["--config", "nowhere.yaml"], ("", "")),
        (["--output_path"], ("", "")),
        ([], ("", "")),
    ],
)
def test_the_paths_of_a_command(arguments: list[str], paths: tuple[str, str], tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("output_path: of config\nuse_cache: c\n")
    assert written_paths([word.replace("FILE", str(config)) for word in arguments]) == paths
    assert WrittenPaths("a/x.json").output_folder == Path("a") and WrittenPaths("a/x").output_folder == Path("a/x")


FAILURES = {
    errno.ENOSPC: "No space left on device; free some space, or give another folder",
    errno.EROFS: "Read-only file system; make it writable, or give another folder",
    errno.EACCES: "Permission denied; make it writable, or give another folder",
}


@pytest.mark.parametrize("number", FAILURES)
@pytest.mark.parametrize("option", ["--output_path", "--use_cache"])
def test_a_disk_that_takes_nothing_is_named_before_the_model_is_asked(
    option: str,
    number: int,
    command: EvalCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.tempfile, "TemporaryFile", fail)
    monkeypatch.setattr(RuleLM, "__init__", lambda self, **arguments: pytest.fail("the model was loaded"))
    assert command(option, tmp_path / "new" / "x") == 2
    folder = tmp_path / "new" / ("x" if option == "--output_path" else "")
    assert last_line(capsys) == f"faithful-se: {option} {folder}: cannot write there: {FAILURES[number]}"


def test_plain_lm_eval_looks_when_its_first_task_is_built(
    evaluate: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    disks.check_command.cache_clear()
    monkeypatch.setattr(disks, "is_lm_eval", lambda: True)
    monkeypatch.setattr("sys.argv", ["lm_eval", "run", "--output_path", str(tmp_path / "file" / "out")])
    with pytest.raises(UsageError, match=r"--output_path .*/file/out: it, or a part of its path, is a file"):
        evaluate(RuleLM("honest"), data, TASK, 1)
    monkeypatch.setattr("sys.argv", ["lm_eval", "run", "-o", str(tmp_path / "out")])
    evaluate(RuleLM("honest"), data, TASK, 1)
    assert os.listdir(tmp_path) == ["file"]  # the probe leaves nothing
    disks.check_command.cache_clear()


@pytest.mark.parametrize(("size", "lost"), [(100, 2), (12_000, 1)])
def test_files_that_are_cut_end_with_status_2_after_the_tables(
    size: int,
    lost: int,
    command: EvalCommand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def small(write: Callable[..., None]) -> Callable[..., None]:
        def limited(*arguments: Any, **options: Any) -> None:
            with files_of_at_most(size):
                write(*arguments, **options)

        return limited

    for name in ("_write_results", "_write_samples"):
        monkeypatch.setattr(saved_results, name, small(getattr(saved_results, name)))
    assert command("--output_path", tmp_path, "--log_samples") == 2
    printed = capsys.readouterr()
    assert "|faithful" in printed.out
    line = printed.err.splitlines()[-1]
    assert line.startswith(f"faithful-se: --output_path {tmp_path}: {lost} of 2 files are missing or cut off (")
    assert f"samples_{TASK}_2" in line and line.endswith("with --use_cache no answer would be asked for twice")


def test_whole_files_end_with_status_0(command: EvalCommand, tmp_path: Path) -> None:
    assert command("--output_path", tmp_path / "x.json", "--log_samples") == 0
    assert len(list(tmp_path.glob("x_*.json"))) == len(list(tmp_path.glob("samples_*.jsonl"))) == 1
    assert command("--output_path", tmp_path / "folder") == 0


def test_a_cache_whose_disk_fills_is_one_line_and_a_rerun_goes_on(
    command: EvalCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer, asked, small = RuleLM.generate_until, list[Any](), [True]

    def slowly(self: RuleLM, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        asked.extend(requests)
        if asked[len(requests) :] and small:  # the second call: more than the rest of the disk
            self.cache_hook.add_partial("generate_until", ("filler", {}), "x" * 9_000)
        return answer(self, requests)

    monkeypatch.setattr(RuleLM, "generate_until", slowly)
    cache = tmp_path / "c"
    with files_of_at_most(16_384):
        monkeypatch.setattr(files, "PROBE", 100)
        assert command("--use_cache", cache) == 2
    line = last_line(capsys)
    kept = cache_files.count_answers(tmp_path / "c_rank0.db")
    assert kept > 0
    assert line.startswith(f"faithful-se: --use_cache {cache}_rank0.db: d")  # "disk …", or "database or disk …"
    remedy = "make room or the file writable, or give another path"
    assert line.endswith(f"; {remedy}; {kept} answers are kept in {cache}_rank0.db: the same command asks for the rest")
    small.clear()
    asked.clear()
    assert command("--use_cache", cache) == 0
    assert len(asked) == cache_files.count_answers(tmp_path / "c_rank0.db") - kept


def test_a_file_that_is_no_cache_is_named(
    command: EvalCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c_rank0.db").write_text("something else, and longer than a header of sqlite's would be" * 20)
    assert command("--use_cache", tmp_path / "c") == 2
    line = f"faithful-se: --use_cache {tmp_path}/c_rank0.db: file is not a database; the file is damaged: delete it"
    assert last_line(capsys) == f"{line}, or give another path"


def test_a_cache_that_another_process_holds_is_named(
    command: EvalCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("--use_cache", tmp_path / "c") == 0
    connect = sqlite3.connect
    with connect(tmp_path / "c_rank0.db") as database:
        database.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(sqlite3, "connect", lambda *words, **options: connect(*words, **{**options, "timeout": 0}))
        assert command("--use_cache", tmp_path / "c") == 2
    assert last_line(capsys).endswith("database is locked; another process holds it: wait for it, or give another path")


def test_memory_that_runs_out_is_one_line(
    command: EvalCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: 9 bytes\n#0"
        )

    monkeypatch.setattr(RuleLM, "generate_until", fail)
    assert command("--use_cache", tmp_path / "c") == 2
    line = last_line(capsys)
    assert line.startswith("faithful-se: out of memory ([enforce fail") and "\n" not in line
    assert line.endswith(": give a smaller batch size; --use_cache keeps the answers so far")


# Ten texts, ten times ten, …: a hundred million.
UNFOLDING = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)

HOSTILE = {
    "aliases that unfold": (UNFOLDING, "its aliases (*name) make more than 100,000 values: write fewer"),
    "an alias of itself": ("metadata: &a {x: *a}", "its aliases (*name) make more than 100,000 values: write fewer"),
    "a Python object": ("metadata: !!python/object/apply:os.system ['touch HERE']", "not determine a constructor"),
    "a list at the top": ("- a", "YAML root must be a mapping"),
    "a list as metadata": ("metadata: [1, 2]\ntasks: t", "unsupported operand"),
    "a text as metadata": ("metadata: 'x'\ntasks: t", "--tasks: not found: t"),
    "a huge number": ("metadata: {draws: " + "9" * 5000 + "}", "Exceeds the limit"),
    "nothing": ("", "YAML root must be a mapping"),
    "a key that is unknown": ("metadatta: {}", "unexpected keyword argument 'metadatta'"),
    "half a list": ("metadata: [1", "Invalid YAML"),
    "not UTF-8": (b"metadata: {mask: caf\xe9}", "codec can't decode"),
    "deep nesting": ("metadata: " + "[" * 1000, "the arguments cannot be read: "),
    "a key that is a list": ("metadata: {[1]: 2}", "unhashable key"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_configuration_is_one_line(
    name: str, command: EvalCommand, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, message = HOSTILE[name]
    config = tmp_path / "c.yaml"
    config.write_bytes(content if isinstance(content, bytes) else content.replace("HERE", f"{tmp_path}/x").encode())
    from faithful_se.cli import main

    assert main(["eval", "run", "--config", str(config), "--model", "faithful-se-rules"]) == 2
    line = last_line(capsys)
    assert message in line and len(line) < 500
    assert os.listdir(tmp_path) == ["c.yaml"]


ARGUMENTS = {
    "half an object": ("{bad", "Invalid JSON: {bad"),
    "a huge number": ("draws=" + "9" * 5000, "Exceeds the limit"),
    "a huge number in JSON": ('{"draws": ' + "9" * 5000 + "}", "Exceeds the limit"),
    "deep JSON": ('{"a":' * 100_000, "the arguments cannot be read: "),
    "nan": ("draws=nan", "draws=nan: give a whole number from 1"),
    "an object": ('{"mask": {"a": [1]}}', "mask={'a': [1]}: give a text that is not empty"),
    "null": ('{"controls": null}', "controls=None: give any of"),
    "a byte that is no UTF-8": ("mask=\udcff", "mask=?: this argument is not UTF-8"),
    "too many draws": ("draws=99999999", "draws=99999999: give a whole number from 1 to 1000000"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_hostile_metadata_is_one_line(name: str, command: EvalCommand, capsys: pytest.CaptureFixture[str]) -> None:
    value, message = ARGUMENTS[name]
    try:
        status = command("--metadata", value)
    except SystemExit as ending:  # lm-eval's own parser
        status = int(ending.code or 0)
    assert status == 2
    line = last_line(capsys)
    assert message in line and json.dumps(line)
