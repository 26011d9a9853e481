"""A hundred kills at random moments over all commands that write: nothing lost, nothing doubled, nothing different.

    pytest -m slow tests/test_kills.py -s

`kill -9` meets 20 runs each of `eval` with a cache, `attribute`, `build`, `sft` and `board`, all on the mini model. It
meets ten of `build --pairs`, and ten of `dpo` on a tiny model. `compare` only reads.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.killing import ROOT, Command, check_files, finish, kill_again_and_again
from tests.leaderboards.result_files import rows_of, write_run
from tests.training.dpo.tiny_pairs import write_tiny_pairs
from tests.training.sft.tiny_rows import arguments

pytest.importorskip("trl")
pytestmark = pytest.mark.slow
KILLS = 20
BOARD = {"board.csv", "board.json", "board.md", "board.png", "board.tex", "checkpoints.csv", "index.html"}
TASKS = [("snli", style, budget) for style in ("attribution", "redaction") for budget in ("oneword", "multiword")]


def lines(*paths: Path) -> Counter[str]:
    """The lines of files; lines of different files differ."""
    return Counter(f"{path.name}: {line}" for path in paths for line in path.read_text("utf-8").split("\n"))


Kill = Callable[..., Path]


@pytest.fixture(scope="module")
def kill(tmp_path_factory: pytest.TempPathFactory) -> Kill:
    """`kill(name, command)`: run it undisturbed and killed again and again; returns the undisturbed folder."""

    def run(name: str, command: Command, kills: int = KILLS) -> Path:
        folder = tmp_path_factory.mktemp(name.replace(" ", "_"))
        cpu = finish(command.words(folder / "undisturbed"), folder / "log")
        tally = kill_again_and_again(command, kills, folder / "undisturbed", cpu, folder / "killed")
        print(f"\n{name}: {cpu:.1f} s of CPU undisturbed; {tally}", flush=True)
        assert tally.amid > kills // 4, "too few kills met a command at work"
        assert (tally.lost, tally.doubled, tally.different) == (0, 0, 0)
        return folder / "undisturbed"

    return run


def training_files(out: Path) -> int:
    return len([*out.glob("shards/*.jsonl"), *out.glob("*.jsonl"), *out.glob("checkpoint-*")])


def training_command(words: Callable[[Path], list[object]], rows: Callable[[Path], Counter[str]]) -> Command:
    return Command(words, rows, training_files, check_files, lambda out: (out / "manifest.json").exists())


@pytest.fixture(scope="module")
def attributions(mini_base: Path, kill: Kill) -> Path:
    def words(out: Path) -> list[object]:
        tasks = ["--tasks", "sentiment140", "snli", "--data", "mini", "--limit", 400, "--shard-size", 16]
        return ["attribute", "--model", mini_base, *tasks, "--out", out]

    return kill("attribute", training_command(words, lambda out: lines(*out.glob("*.jsonl"))))


@pytest.fixture(scope="module")
def built(attributions: Path, mini_base: Path, kill: Kill) -> Path:
    def words(out: Path) -> list[object]:
        return ["build", "--attributions", attributions, "--model", mini_base, "--out", out]

    files = ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json")
    return kill("build", training_command(words, lambda out: lines(*map(out.joinpath, files))))


def test_attribute_and_build(built: Path) -> None:
    assert not (built / "shards").exists()


def trained_files(out: Path) -> Counter[str]:
    """All files, without the name of their folder; `training_args.bin` holds times."""
    names = {path.name for path in out.iterdir() if path.is_file()} - {"training_args.bin", ".lock"}
    texts = {name: (out / name).read_bytes().replace(str(out).encode(), b"OUT") for name in sorted(names)}
    texts["README.md"] = texts["README.md"].replace(f"# {out.name}\n".encode(), b"# OUT\n")
    return Counter(f"{name} {hashlib.sha256(text).hexdigest()}" for name, text in texts.items())


def test_sft(built: Path, mini_base: Path, kill: Kill) -> None:
    def words(out: Path) -> list[object]:
        recipe = ["--config", ROOT / "recipes" / "mini" / "sft.yaml", "--model_name_or_path", mini_base]
        return ["sft", *recipe, "--data", built, "--output_dir", out, "--max_steps", 40, "--save_steps", 4]

    kill("sft", training_command(words, trained_files))


def test_pairs(attributions: Path, mini_base: Path, kill: Kill) -> None:
    def words(out: Path) -> list[object]:
        return ["build", "--pairs", "--attributions", attributions, "--model", mini_base, "--out", out]

    files = ("train.jsonl", "rejected.jsonl", "report.json", "README.md", "manifest.json")
    kill("pairs", training_command(words, lambda out: lines(*map(out.joinpath, files))), KILLS // 2)


def test_dpo(tmp_path: Path, kill: Kill) -> None:
    """On the tiny model, whose steps take so little that most kills meet one."""
    model, pairs = write_tiny_pairs(tmp_path)

    def words(out: Path) -> list[object]:
        return ["dpo", *arguments(model, pairs, out), "--max_steps", 300, "--save_steps", 10]

    kill("dpo", training_command(words, trained_files), KILLS // 2)


def test_grpo(mini_base: Path, kill: Kill) -> None:
    def words(out: Path) -> list[object]:
        recipe = ["--config", ROOT / "recipes" / "mini" / "grpo.yaml", "--model_name_or_path", mini_base]
        few = ["--tasks", "sentiment140", "--limit", 64, "--held_out", 4, "--check_steps", 8]
        steps = ["--max_steps", 24, "--save_steps", 1, "--per_device_train_batch_size", 32, "--num_generations", 8]
        return ["grpo", *recipe, *few, *steps, "--output_dir", out]

    kill("grpo", training_command(words, trained_files), KILLS // 2)


def cached_answers(out: Path) -> dict[str, Any]:
    path = out / "cache_rank0.db"
    if not path.exists():
        return {}
    with sqlite3.connect(path) as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        return dict(database.execute("select key, value from unnamed").fetchall()) if tables else {}


def test_eval_with_a_cache(mini_base: Path, kill: Kill) -> None:
    def words(out: Path) -> list[object]:
        out.mkdir(exist_ok=True)
        tasks = ["faithful_se_sentiment140_attribution_oneword", "faithful_se_snli_counterfactual_oneword"]
        model = ["--model", "hf", "--model_args", f"pretrained={mini_base}", "--device", "cpu", "--batch_size", 8]
        options = ["--limit", 60, "--apply_chat_template", "--metadata", "data=mini", "controls=random+oracle"]
        files = ["--use_cache", out / "cache", "--log_samples", "--output_path", out / "results"]
        return ["eval", "run", *model, "--tasks", ",".join(tasks), *options, *files]

    def rows(out: Path) -> Counter[str]:
        """The samples of the newest results, its numbers, and every answer of the cache."""
        newest = max(out.glob("results/*/results_*.json"))
        date = newest.stem.removeprefix("results_")
        samples = [json.loads(line) for path in newest.parent.glob(f"samples_*_{date}.jsonl") for line in path.open()]
        kept = [json.dumps([row["doc_hash"], row["resps"], *(row[name] for name in row["metrics"])]) for row in samples]
        numbers = json.dumps(json.loads(newest.read_text())["results"])
        answers = [f"{key} {pickle.loads(value)}" for key, value in cached_answers(out).items()]
        return Counter([*kept, numbers, *answers])

    def complete(out: Path) -> bool:
        return any(out.glob("results/*/results_*.json"))

    kill("eval", Command(words, rows, lambda out: len(cached_answers(out)), lambda out: None, complete))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for number in range(4):
        outcomes = [float((i * 7 + number) % 3 > 0) for i in range(300)]
        tasks = {task: rows_of(outcomes, task) for task in TASKS}
        write_run(folder / f"model{number}", tasks, peft=f"models/{number}" if number else "")
    return folder


def board_rows(out: Path) -> Counter[str]:
    """All files of a board, but the moment that it was made."""
    contents = {path.name: path.read_bytes().decode("latin-1") for path in out.iterdir() if path.name in BOARD}
    return Counter(
        f"{name}: {line}"
        for name, content in contents.items()
        for line in re.sub(r"2\d{3}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\+00:00)?", "", content).split("\n")
    )


def test_a_new_board_appears_whole_or_not_at_all(results: Path, kill: Kill) -> None:
    def check(out: Path) -> None:
        if out.exists():
            assert {path.name for path in out.iterdir()} == BOARD
            check_files(out)

    def unfinished(out: Path) -> int:
        """Files in the hidden folders of killed runs, which lie beside the board."""
        return len(list(out.parent.glob(".out.*/new/*")))

    def words(out: Path) -> list[object]:
        return ["board", results, "--out", out]

    kill("board", Command(words, board_rows, unfinished, check, Path.exists), KILLS // 2)


def test_an_older_board_stays_whole(results: Path, kill: Kill, tmp_path: Path) -> None:
    older = tmp_path / "older"
    finish(["board", results / "model0", results / "model1", "--out", older], tmp_path / "log")

    def words(out: Path) -> list[object]:
        if not out.exists():
            shutil.copytree(older, out)
        return ["board", results, "--out", out]

    def check(out: Path) -> None:
        names = [path.name for path in out.iterdir() if not path.name.startswith(".board.")]
        assert set(names) == BOARD
        check_files(out)
        replaced = {(out / name).read_bytes() != (older / name).read_bytes() for name in BOARD}
        assert len(replaced) == 1, "older and newer files side by side"

    def unfinished(out: Path) -> int:
        return len(list(out.glob(".board.*/*")))

    def complete(out: Path) -> bool:
        return (out / "index.html").read_bytes() != (older / "index.html").read_bytes()

    kill("board over an older one", Command(words, board_rows, unfinished, check, complete), KILLS // 2)
