"""The wheel, installed into a fresh virtual environment and used from a folder that is not the clone.

The environment borrows the packages of this one. Its lm-eval holds no tasks but ours, so that listing them is quick.
The folder holds packages of the user's with the names of ours: no command may import them.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from lm_eval_tasks import DATASETS
from tests.tiny_data import texts_of, write_data
from tests.tiny_model import write_tiny_chat_model

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]
TASK = "faithful_se_snli_attribution_oneword"

Run = Callable[[str], subprocess.CompletedProcess[str]]


def python(*arguments: object) -> None:
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; the path of its commands."""
    folder = tmp_path_factory.mktemp("wheel")
    python("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    venv = folder / "venv"
    python("-m", "venv", "--without-pip", venv)
    (site,) = venv.glob("lib/python*/site-packages")
    packages = Path(sysconfig.get_paths()["purelib"])
    link_children(packages, site, lambda path: path.name != "lm_eval" and "faithful_se" not in path.name)
    link_children(packages / "lm_eval", site / "lm_eval", lambda path: path.name != "tasks")
    link_children(packages / "lm_eval" / "tasks", site / "lm_eval" / "tasks", Path.is_file)
    command = venv / "bin" / "lm_eval"
    command.write_text(f"#!{venv}/bin/python\nfrom lm_eval.__main__ import cli_evaluate\ncli_evaluate()\n")
    command.chmod(0o755)
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", wheel]
    python("-m", "pip", "--python", venv / "bin" / "python", *install)
    return venv / "bin"


def link_children(source: Path, target: Path, choose: Callable[[Path], bool]) -> None:
    target.mkdir(exist_ok=True)
    for path in filter(choose, source.iterdir()):
        (target / path.name).symlink_to(path)


@pytest.fixture(scope="module")
def run(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`run(line)`: a line of the shell, in a folder with packages of the user's own."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("lm_eval_tasks", "training", "leaderboards", "faithfulness_metrics", "faithful_se"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise SystemExit('imported the {name} of the user')\n")
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables["PATH"] = os.pathsep.join([str(environment), os.environ["PATH"]])

    def run_line(line: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-o", "pipefail", "-c", line]
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=300, check=False
        )

    return run_line


def test_plain_lm_eval_lists_the_tasks(run: Run) -> None:
    done = run("lm_eval ls tasks")
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("|faithful_se_")]
    assert {name.strip() for _, name, *_ in rows} == {path.stem for path in DATASETS.glob("*/*.yaml")}
    assert all(path.strip().startswith("lm_eval/tasks/faithful_se/") for _, _, path, *_ in rows)


def test_the_mini_data_is_in_the_package_and_not_among_lm_evals_tasks(environment: Path) -> None:
    (site,) = environment.parent.glob("lib/python*/site-packages")
    shipped = {path.relative_to(site).parts[:2] for path in site.rglob("*.jsonl") if "mini" in path.parts}
    assert shipped == {("lm_eval_tasks", "datasets")}


def test_recipes_are_in_the_package(run: Run, tmp_path: Path) -> None:
    done = run(f"faithful-se study mini/study.yaml --out {tmp_path / 'out'} --print-commands")
    assert done.returncode == 0, done.stderr
    assert f"faithful-se mini --out {tmp_path / 'out' / 'base'} --seed 0" in done.stdout.splitlines()


def test_head_gets_its_line_and_no_traceback(run: Run) -> None:
    done = run("faithful-se eval ls tasks | head -1")
    # 141 is how shells count a writer whose reader left before it had ended.
    assert done.returncode in (0, 141) and done.stdout == "\n"
    assert "Error" not in done.stderr


def test_an_evaluation_and_its_files(run: Run, tmp_path: Path) -> None:
    """`ccf_stderr` stands beside `ccf`; keys like `ccf_stderr_stderr` stand nowhere."""
    metadata = "--metadata data=mini controls=oracle classifier=loglikelihood"
    done = run(
        f"faithful-se eval run --model faithful-se-rules --model_args h=0.6 --tasks {TASK} --apply_chat_template "
        f"--limit 40 --log_samples --output_path {tmp_path} {metadata}"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (row,) = [line for line in done.stdout.splitlines() if "|ccf " in line]
    (path,) = tmp_path.rglob("results_*.json")
    results = json.loads(path.read_text())["results"][TASK]
    for metric in ("ccf", "masked_fraction", "loo_percentile", "hit1"):
        assert isinstance(results[f"{metric}_stderr,none"], float)
    assert f"{results['ccf,none']:.4f}|±  |{results['ccf_stderr,none']:.4f}|" in row
    assert "_stderr_stderr" not in path.read_text()
    (samples,) = tmp_path.rglob("samples_*.jsonl")
    assert "_stderr" not in samples.read_text()


@pytest.mark.parametrize("model", ["dummy", "hf"])
def test_wrong_input_is_one_line_and_status_2(run: Run, tmp_path: Path, model: str) -> None:
    arguments = "--model dummy"
    if model == "hf":
        folder = write_tiny_chat_model(tmp_path / "model", texts_of(write_data(tmp_path / "data", 3)))
        arguments = f"--model hf --device cpu --model_args pretrained={shlex.quote(str(folder))}"
    done = run(f"lm_eval run {arguments} --tasks {TASK} --metadata data=/nowhere")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(
        f"faithful-se: {TASK}: data=/nowhere: no file /nowhere/snli/test.jsonl"
    )
