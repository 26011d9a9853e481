"""`faithful-se demo`: train a mini model to explain itself faithfully, and compare it with what it was before.

It trains a mini base (once on a machine) and evaluates it with lm_eval. It finds the word that each answer depends on.
It builds verified one-word explanations in three styles and trains on them with TRL. It evaluates again, on texts and
tasks not trained on too, beside a control that was trained on random words. No download, no GPU. Each step is a command
of this package or lm_eval; the demo prints it before it runs.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from training.demo.plan import SIZES
from training.demo.stages import Demo

NEXT = """
With a model of your own (a folder or hub name with a chat template; a GPU from 1B on):

  lm_eval run --model hf --model_args pretrained=MODEL --tasks 'faithful_se_*' --apply_chat_template \\
      --log_samples --output_path results
  faithful-se attribute --model MODEL --tasks sentiment140 snli agnews --limit 5000 --out attributions
  faithful-se build --attributions attributions --model MODEL --out rows
  faithful-se sft --model_name_or_path MODEL --data rows --output_dir trained --learning_rate 2e-4

Then run the first command again with --model_args pretrained=MODEL peft=trained, and compare the two:

  faithful-se board results --out board

docs/training.md explains each step."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "faithful-se demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size = p.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="two small tasks in a minute or two: does everything run?")
    size.add_argument("--full", action="store_true", help="also single styles, datasets left out, further controls")
    p.add_argument("--seed", type=int, default=0, help="of the base, the rows and the training (default: 0)")
    p.add_argument(
        "--out", type=Path, default=Path("runs/demo"), help="folder; the same command resumes (default: runs/demo)"
    )
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    arguments = parser().parse_args(sys.argv[1:] if argv is None else argv)

    from faithful_se.errors import UsageError
    from training.demo.folder import DemoFolder

    if "," in str(arguments.out):
        raise UsageError(f"--out {arguments.out}: lm_eval ends an argument at a comma; give a folder without one")
    mode = "quick" if arguments.quick else "full" if arguments.full else "default"
    demo = Demo(arguments.out, SIZES[mode], arguments.seed)
    # `kill` ends the running stages too, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with DemoFolder(demo, mode).open():
        print(f"about {demo.size.minutes} min on two cores, plus the base where there is none yet (3 to 5 min)")
        run(demo, mode)
    print(NEXT)
    return 0


def run(demo: Demo, mode: str) -> None:
    """Run a demo, or what is left of it, two stages at a time.

    Raises:
        UsageError: a stage failed; the others were ended.
    """
    from training.demo.progress import Display
    from training.demo.report import write_report
    from training.demo.runner import Runner

    display, started = Display(), time.monotonic()
    runner = Runner(demo.out / "logs", display)
    with ThreadPoolExecutor(2) as pool:
        try:
            display.line(f"1. the base: a mini model, seed {demo.seed}")
            runner.run(demo.base())
            display.line("2. how faithful are its explanations, and which word does each answer depend on?")
            futures = [pool.submit(runner.run, stage) for stage in (demo.evaluation("base"), demo.attribution())]
            futures[1].result()
            display.line("3. build explanations, train on them, evaluate again")
            futures += [pool.submit(runner.run, *demo.arm(arm)) for arm in demo.size.arms]
            for future in as_completed(futures):
                future.result()
            display.line("4. the leaderboard")
            runner.run(demo.board())
        except BaseException:
            runner.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    option = "" if mode == "default" else f" --{mode}"
    display.line("\n" + write_report(demo, f"faithful-se demo{option}, seed {demo.seed}"))
    display.line(f"\n{demo.out}/README.md holds this table and the commands; {time.monotonic() - started:.0f} s")
    display.line(f"The leaderboard, every text on one page: {demo.board().done.absolute().as_uri()}")
