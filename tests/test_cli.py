"""The console script: quick to say what there is, clear about what there is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faithful_se import cli as faithful_se_cli
from lm_eval_tasks import DATASETS

ROOT = Path(__file__).parents[1]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT)


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys; from faithful_se.cli import main; main(['--help']); "
        "heavy = {'torch', 'lm_eval', 'transformers', 'datasets', 'numpy'} & set(sys.modules); assert not heavy, heavy"
    )
    start = time.perf_counter()
    done = python(code)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    assert "usage: faithful-se COMMAND" in done.stdout
    assert all(name in done.stdout for name in faithful_se_cli.COMMANDS)
    assert seconds < 5  # a loaded machine; measured at 0.02 s on an idle one


def test_no_command_shows_the_help(capsys):
    assert faithful_se_cli.main([]) == 0
    assert "commands:" in capsys.readouterr().out


def test_a_wrong_command_names_the_right_ones(capsys):
    assert faithful_se_cli.main(["evaluate"]) == 2
    assert capsys.readouterr().err.startswith(
        "faithful-se: no command 'evaluate' (did you mean eval?); the commands are eval"
    )
    assert faithful_se_cli.main(["nothing-like-it"]) == 2
    assert capsys.readouterr().err.startswith("faithful-se: no command 'nothing-like-it'; the commands are eval")


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        ("mini", "torch, transformers, peft", "hf"),
        ("attribute", "torch, transformers, peft, captum, trl", "train"),
        ("build", "torch, transformers, peft, captum, trl", "train"),
        ("sft", "torch, transformers, peft, captum, trl", "train"),
        ("demo", "torch, transformers, peft, captum, trl, altair", "board,train"),
        ("study", "torch, transformers, peft, captum, trl, altair", "board,train"),
    ],
)
def test_a_missing_extra_is_one_line(command, missing, extra):
    """As after a plain `pip install faithful-se`: what the extra brings cannot be found."""
    hide = (
        "import sys, importlib.util\nfrom faithful_se import cli\n"
        "hidden = {'torch', 'transformers', 'peft', 'captum', 'trl', 'altair'}\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in hidden:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "cli.find_spec = lambda name: None if name in hidden else importlib.util.find_spec(name)\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    line = f"faithful-se {command}: {missing} not installed; pip install 'faithful-se[{extra}]'\n"
    run = python(hide, command, "--out", "nowhere")
    assert (run.returncode, run.stderr) == (2, line)
    help_run = python(hide, command, "--help")
    assert help_run.returncode == 0 and help_run.stdout.startswith(f"usage: faithful-se {command}")


def test_every_command_can_be_loaded():
    from importlib import import_module

    for command in faithful_se_cli.COMMANDS.values():
        assert callable(import_module(command.module).main)
        assert command.summary and len(command.summary) <= 80


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten pairs in the layout of `data=DIR`."""
    path = tmp_path_factory.mktemp("data")
    (path / "snli").mkdir()
    rows = [
        {"premise": f"A man holds box {i}.", "hypothesis": f"Someone has {i} boxes.", "label": i % 3} for i in range(10)
    ]
    (path / "snli" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_eval_runs_lm_eval_with_the_tasks_and_the_rule_models(folder, tmp_path):
    """The whole way: `faithful-se eval`, the rule-based model, results and samples on disk."""
    done = python(
        "import sys; from faithful_se.cli import main; sys.exit(main(sys.argv[1:]))",
        *("eval", "run", "--model", "faithful-se-rules", "--model_args", "strategy=honest"),
        *("--tasks", "faithful_se_snli_redaction_oneword", "--apply_chat_template", "--metadata", f"data={folder}"),
        *("--log_samples", "--output_path", str(tmp_path / "out")),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "faithful_se_snli_redaction_oneword" in done.stdout
    assert "overrides" not in done.stderr
    (results,) = (tmp_path / "out").rglob("results_*.json")
    (samples,) = (tmp_path / "out").rglob("samples_*.jsonl")
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert len(rows) == 10
    transcript = json.loads(rows[0]["resps"][0][0])
    assert transcript["prediction"]["messages"][0]["content"].startswith("Does the premise entail")
    assert transcript["explanation"]["valid"]
    table = json.loads(results.read_text())["results"]["faithful_se_snli_redaction_oneword"]
    assert table["valid,none"] == 1.0
    assert table["faithful,none"] == sum(row["faithful"] for row in rows) / 10


def test_eval_names_a_misspelt_task_in_one_line():
    done = python(
        "import sys; from faithful_se.cli import main; sys.exit(main(sys.argv[1:]))",
        *("eval", "run", "--model", "faithful-se-rules", "--tasks", "faithful_se_snli_redacton_oneword"),
    )
    assert done.returncode == 2
    line = "not found: faithful_se_snli_redacton_oneword (did you mean faithful_se_snli_redaction_oneword?)"
    assert line in done.stderr.splitlines()[-1] and "Traceback" not in done.stderr


REMAINS = {
    **dict.fromkeys(("tune", "attribute", "build", "sft", "dpo", "study", "demo"), "stopped; the same command resumes"),
    **dict.fromkeys(("mini", "board"), "stopped; nothing was written, the same command begins again"),
    "eval": "stopped; no question was asked yet",
    "compare": "stopped",
}


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("how", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", REMAINS)
def test_a_command_that_is_stopped_says_what_a_rerun_finds(command, how, status, monkeypatch, capsys):
    monkeypatch.setattr(faithful_se_cli, "import_module", lambda name: os.kill(os.getpid(), how) or time.sleep(9))
    assert faithful_se_cli.main([command]) == status
    assert capsys.readouterr().err == f"faithful-se {command}: {REMAINS[command]}\n"
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    monkeypatch.setenv("RANK", "1")  # of a launch: its first process says it, and SIGTERM ends it at once
    if how == signal.SIGINT:
        assert faithful_se_cli.main([command]) == status
        assert capsys.readouterr().err == ""
    else:
        monkeypatch.setattr(faithful_se_cli, "import_module", lambda name: sys)
        monkeypatch.setattr(sys, "main", lambda rest: signal.getsignal(signal.SIGTERM) != signal.SIG_DFL, raising=False)
        assert faithful_se_cli.main([command]) == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--metadata", "data=/nowhere"), "data=/nowhere: no file /nowhere/snli/test.jsonl"),
        (("--metadata", "data=DIR", "operator=hide"), "operator='hide': give any of mask, delete, substitute"),
    ],
)
def test_a_mistake_is_one_line_without_traceback(folder, arguments, line):
    arguments = [argument.replace("DIR", str(folder)) for argument in arguments]
    done = python(
        "import sys; from faithful_se.cli import main; sys.exit(main(sys.argv[1:]))",
        *("eval", "run", "--model", "dummy", "--tasks", "faithful_se_snli_attribution_oneword", *arguments),
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("faithful-se: faithful_se_snli_attribution_oneword: ")
    assert line in done.stderr.splitlines()[-1]


def test_include_path_finds_the_tasks_without_installation(folder):
    """A clone that is not installed: `--include_path lm_eval_tasks/datasets`."""
    from lm_eval.tasks import TaskManager

    manager = TaskManager(
        include_defaults=False, include_path=str(ROOT / "lm_eval_tasks"), metadata={"data": str(folder)}
    )
    task = manager.load(["faithful_se_snli_attribution_oneword"])["tasks"]["faithful_se_snli_attribution_oneword"]
    assert len(task.eval_docs) == 10
    assert DATASETS == ROOT / "lm_eval_tasks" / "datasets"


def test_the_module_runs_as_the_console_script_does():
    command = [sys.executable, "-m", "faithful_se", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "faithful-se 0.1.0\n"


def test_the_version(capsys):
    assert faithful_se_cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "faithful-se 0.1.0\n"
