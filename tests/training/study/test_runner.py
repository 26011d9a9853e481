"""Stages as processes: once each, logged, shown, and ended together."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from faithful_se.errors import UsageError
from training.study import runner as runner_module
from training.study.folder import StudyFolder
from training.study.progress import Display
from training.study.read_recipe import find_recipe, read_recipe
from training.study.runner import Runner, console_script
from training.study.stage import Stage
from training.study.stages import Study

BARS = """
import pathlib, sys, time
from tqdm.auto import tqdm
for _ in tqdm(range(5), desc="snli", disable=None):
    time.sleep(0.2)
print("stdout"), print("stderr", file=sys.stderr)
pathlib.Path(sys.argv[1]).touch()
"""


def folder_of(path: Path) -> StudyFolder:
    recipe = find_recipe("mini")
    folder = StudyFolder(Study(path, read_recipe(recipe)), recipe)
    folder.prepare()
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`run(stage)`: a runner whose console scripts are this interpreter; `run.lines()` is what it has printed."""
    monkeypatch.setattr(runner_module, "console_script", lambda name: sys.executable)
    stream = io.StringIO()
    runner = Runner(folder_of(tmp_path / "study"), Display(stream, interval=0), {})
    runner.lines = lambda: stream.getvalue().splitlines()
    return runner


def python(name: str, code: str, done: Path, marked: bool = False) -> Stage:
    return Stage(name, ("python", "-c", code), done, "a test", marked=marked)


def test_a_stage_runs_once(run, tmp_path):
    stage = python("touch", f"open({str(tmp_path / 'done')!r}, 'w').close()", tmp_path / "done")
    run.run(stage)
    run.run(stage)
    assert run.lines()[0] == "  touch: a test" and run.lines()[1] == f"  $ {stage.typed()}"
    assert run.lines()[-1] == "  touch: done before"


def test_a_failure_shows_the_end_of_its_log(run, tmp_path):
    with pytest.raises(UsageError, match=r"fail failed .*fail\.log\): ValueError: no such thing"):
        run.run(python("fail", "raise ValueError('no such thing')", tmp_path / "never"))
    with pytest.raises(UsageError, match=r"silent failed .*silent\.log\): exit status 0"):
        run.run(python("silent", "pass", tmp_path / "never"))


def test_the_bars_of_a_stage_are_shown_and_logged(run, tmp_path):
    """Also bars that a command draws on terminals only."""
    done = tmp_path / "done"
    run.run(Stage("bars", ("python", "-c", BARS, str(done)), done, "a test"))
    assert any(line.startswith("  bars: ███░░░░░ 40 %, 00:00 left, snli") for line in run.lines())
    log = (tmp_path / "study" / "logs" / "bars.log").read_text()
    assert "snli: 100%" in log and "stdout" in log and "stderr" in log


def test_half_of_an_evaluation_is_removed_and_the_whole_is_marked(run, tmp_path):
    mark = tmp_path / "results" / "complete"
    mark.parent.mkdir()
    (mark.parent / "half").touch()
    code = f"from pathlib import Path; p = Path({str(mark.parent)!r}); p.mkdir(); (p / 'whole').touch()"
    run.run(python("evaluate", code, mark, marked=True))
    assert sorted(path.name for path in mark.parent.iterdir()) == ["complete", "whole"]
    with pytest.raises(UsageError, match="failed"):
        run.run(python("evaluate", "raise SystemExit(3)", tmp_path / "other" / "complete", marked=True))
    assert not (tmp_path / "other" / "complete").exists()


def test_stopping_ends_what_runs_and_starts_nothing_more(run, tmp_path):
    errors = []

    def work():
        try:
            run.run(python("sleep", "import time; time.sleep(60)", tmp_path / "never"))
        except UsageError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    while not run._processes:
        time.sleep(0.01)
    run.stop()
    thread.join(10)
    assert not thread.is_alive() and "sleep failed" in errors[0]
    with pytest.raises(UsageError, match="next: stopped"):
        run.run(python("next", "pass", tmp_path / "never"))


def test_where_the_system_has_no_terminals_a_pipe_serves(run, tmp_path, monkeypatch):
    def no_terminal():
        raise OSError("out of pty devices")

    monkeypatch.setattr("pty.openpty", no_terminal)
    done = tmp_path / "done"
    run.run(python("pipe", f"open({str(done)!r}, 'w').close(); print('through a pipe')", done))
    assert (tmp_path / "study" / "logs" / "pipe.log").read_text() == "through a pipe\n"


def test_the_environment_of_a_recipe_and_the_launchers_path(tmp_path, monkeypatch):
    monkeypatch.setattr(runner_module, "console_script", lambda name: sys.executable)
    runner = Runner(folder_of(tmp_path / "study"), Display(io.StringIO()), {"OMP_NUM_THREADS": "7"})
    done = tmp_path / "done"
    code = f"import os; open({str(done)!r}, 'w').write(os.environ['OMP_NUM_THREADS'] + os.environ['PATH'])"
    runner.run(python("environment", code, done))
    assert done.read_text().startswith(f"7{Path(sys.executable).parent}{os.pathsep}")


# A stage with a process of its own that has a session of its own, as torch's launcher starts them.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(600)
"""


def test_a_killed_study_leaves_no_process(tmp_path):
    """Killed with SIGKILL, of which no program hears: the guard of the stage notices that its pipe is closed."""
    pids, code = tmp_path / "pids", (tmp_path / "family.py")
    code.write_text(FAMILY)
    script = f"""
import io, sys
from pathlib import Path
from tests.training.study.test_runner import folder_of
from training.study import runner
from training.study.progress import Display
from training.study.stage import Stage
runner.console_script = lambda name: sys.executable
stage = Stage("family", ("python", {str(code)!r}, {str(pids)!r}), Path("never"), "a test")
runner.Runner(folder_of(Path({str(tmp_path / "study")!r})), Display(io.StringIO()), {{}}).run(stage)
"""
    study = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[3], stdout=subprocess.DEVNULL)
    until(lambda: pids.is_file() and pids.read_text().endswith("\n"))
    study.send_signal(signal.SIGKILL)
    study.wait()
    until(lambda: not any(running(int(pid)) for pid in pids.read_text().split()))


def running(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(holds, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_console_scripts_are_those_of_this_environment():
    version = subprocess.run([console_script("faithful-se"), "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("faithful-se ")
    with pytest.raises(UsageError, match="no script no-such-script in "):
        console_script("no-such-script")
