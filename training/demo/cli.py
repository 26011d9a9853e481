"""`faithful-se demo`: from a mini model to one that explains itself more truly, and the numbers of both.

Trains a mini base (once on a machine), evaluates it with lm-eval, finds the word that each of its answers hangs on,
builds verified one-word explanations in three styles, trains on them with TRL, evaluates again on texts and tasks not
trained on, beside a control that was trained on random words. No download, no GPU.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from training.demo.plan import SIZES, Arm, Size
from training.demo.stages import Runner, Stage, command, shown
from training.runs.lock import folder_lock

NEXT = """
On a model of your own (a Hugging Face folder or hub name with a chat template; a GPU from 1B on):

  lm_eval run --model hf --model_args pretrained=MODEL --tasks 'faithful_se_*' --apply_chat_template \\
      --log_samples --output_path results
  faithful-se attribute --model MODEL --tasks sentiment140 snli agnews --limit 5000 --out attributions
  faithful-se build --attributions attributions --model MODEL --out rows
  faithful-se sft --model_name_or_path MODEL --data rows --output_dir trained --learning_rate 2e-4

and then the first one again with pretrained=MODEL,peft=trained. training/TUTORIAL.md explains each."""


def recipe() -> Path:
    """The mini model's training recipe."""
    return Path(str(files("training") / "demo" / "sft.yaml"))


def stages_of(arm: Arm, out: Path, size: Size, seed: int) -> list[Stage]:
    """Build, train and evaluate one arm."""
    base, data, trained, results = out / "base", out / "rows" / arm.name, out / "trained" / arm.name, out / "results"
    return [
        Stage(
            f"build-{arm.name}",
            command(
                "build",
                "--attributions",
                out / "attributions",
                "--model",
                base,
                "--out",
                data,
                "--seed",
                seed,
                *arm.build,
            ),
            data / "manifest.json",
            f"rows: {arm.why}",
        ),
        Stage(
            f"sft-{arm.name}",
            command(
                *("sft", "--config", recipe(), "--model_name_or_path", base, "--data", data, "--output_dir", trained),
                *("--num_train_epochs", size.epochs, "--seed", seed),
            ),
            trained / "manifest.json",
            "training with TRL (LoRA)",
        ),
        evaluation(arm.name, out, size, results / arm.name, trained),
    ]


def evaluation(name: str, out: Path, size: Size, results: Path, adapter: Path | None = None) -> Stage:
    """Evaluate the base, or an adapter on it."""
    words = ["-m", "training.demo.evaluate", "--model", str(out / "base"), "--out", str(results)]
    words += ["--datasets", *size.trained, *size.unseen, "--budgets", *size.budgets, "--limit", str(size.tests)]
    words += ["--controls", "random+oracle", *(["--adapter", str(adapter)] if adapter else [])]
    tasks = len(size.trained + size.unseen) * 3 * len(size.budgets)
    return Stage(
        f"evaluate-{name}", tuple(words), results / "manifest.json", f"lm-eval, {tasks} tasks of {size.tests} texts"
    )


def board(out: Path, size: Size, seed: int) -> Stage:
    """The leaderboard of every evaluation: a page to open in a browser, written last."""
    results = [out / "results" / name / "lm_eval" for name in ("base", *(arm.name for arm in size.arms))]
    words = command("board", *results, "--out", out / "board", "--title", f"A mini model, taught (seed {seed})")
    return Stage("board", words, out / "board" / "index.html", "a page of all checkpoints")


def write_board(out: Path, size: Size, seed: int, runner: Runner) -> None:
    """Write the board, or say what it needs: the rest of the demo does not."""
    missing = [name for name in ("altair", "great_tables", "jinja2", "polars", "vl_convert") if not find_spec(name)]
    if missing:
        runner.say(f"no board: {', '.join(missing)} missing; pip install 'faithful-se[board]', then the same command")
        return
    stage = board(out, size, seed)
    runner.run(stage)
    runner.say(f"every checkpoint, task and text on one page: {stage.done.absolute().as_uri()}")


def run(out: Path, mode: str, seed: int) -> str:
    """Run or finish the demo; the report.

    Raises:
        UsageError: another demo's folder, or a stage that failed.
    """
    from training.demo.report import write_report

    size, started = SIZES[mode], time.monotonic()
    runner = Runner(out, lambda line: print(line, flush=True))
    base, attributions = out / "base", out / "attributions"
    runner.say(f"1. the base: a mini model, seed {seed} (trained once on a machine: 3 to 5 minutes on one core)")
    runner.run(
        Stage("base", command("mini", "--out", base, "--seed", seed), base / "mini.json", "training, or from the cache")
    )
    runner.say("2. how true are its explanations? and which word does each answer hang on?")
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(runner.run, evaluation("base", out, size, out / "results" / "base"))
        texts = command(
            *("attribute", "--model", base, "--tasks", *size.trained, "--data", "mini", "--split", "train"),
            *("--limit", size.texts, "--out", attributions),
        )
        runner.run(
            Stage("attribute", texts, attributions / "manifest.json", f"{size.texts} texts a dataset, occlusion")
        )
        runner.say("3. explanations, training, and the same evaluation again")
        jobs = [pool.submit(runner.run, *stages_of(arm, out, size, seed)) for arm in size.arms]
        for job in (before, *jobs):
            job.result()
    text = write_report(out, mode, seed, [shown(stage.command) for stage in stages_of(size.arms[0], out, size, seed)])
    runner.say(f"{text}\n{out}/README.md holds this table; {time.monotonic() - started:.0f} s")
    write_board(out, size, seed, runner)
    return text


def _told(was: dict[str, Any], now: dict[str, Any]) -> str:
    """The demo that a folder holds, and how to go on with it."""
    mode, seed = was.get("mode"), was.get("seed")
    if (mode, seed) == (now["mode"], now["seed"]):
        return "the same demo of another version: give that version"
    size = f"with --{mode}" if mode in ("quick", "full") else "without --quick and --full"
    return f"the demo {size} and with --seed {seed}: give the same"


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    from faithful_se.errors import UsageError

    p = argparse.ArgumentParser(
        "faithful-se demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size = p.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="two small tasks in a minute or two: does everything run?")
    size.add_argument("--full", action="store_true", help="also single styles, datasets left out, further controls")
    p.add_argument("--seed", type=int, default=0, help="of the base, the rows and the training (default: 0)")
    p.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder; the same command goes on (runs/demo)")
    given = p.parse_args(sys.argv[1:] if argv is None else argv)

    from faithful_se.files import make_folder, read_json_object, write_atomic

    mode = "quick" if given.quick else "full" if given.full else "usual"
    settings = {"mode": mode, "seed": given.seed, "size": json.loads(json.dumps(asdict(SIZES[mode])))}
    path = given.out / "demo.json"
    if path.is_file():
        if (was := read_json_object(path, "put it back, or give another --out")) != settings:
            raise UsageError(f"{given.out} holds {_told(was, settings)}, or another --out")
    elif given.out.exists() and not given.out.is_dir():
        raise UsageError(f"{given.out} is a file: give a folder as --out")
    elif given.out.exists() and any(given.out.iterdir()):
        raise UsageError(f"{given.out} is not empty and no demo: give another --out, nothing there is overwritten")
    else:
        make_folder(given.out)
        write_atomic(path, [json.dumps(settings, indent=1)])
    print(
        f"about {SIZES[mode].minutes} min on two cores, plus the base where there is none yet; what is done stays done"
    )
    with folder_lock(given.out):
        run(given.out, mode, given.seed)
    print(NEXT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
