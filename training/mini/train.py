"""From a seed to a base that has passed its examination: train, examine, continue, or begin again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tqdm.auto import tqdm  # type: ignore[import-untyped]

from training.mini import cache
from training.mini.base import Recipe, Training
from training.mini.lexicon import LEXICONS
from training.mini.quality_gate import examine
from training.mini.shortcut_check import find_planted
from training.mini.write_data import held_out

CONTINUE, ATTEMPTS = 2, 2


class GaveUpError(RuntimeError):
    """No attempt passed the examination. The message names what failed in the last one."""


def base_model(seed: int = 0, say: Callable[[str], None] = lambda line: None, bar: bool = False) -> Path:
    """The folder of the examined base of a seed: from the cache, or trained now.

    Args:
        seed: the same seed gives the same weights, bit for bit, on one kind of machine.
        say: told in one line what happens.
        bar: show a progress bar.

    Raises:
        GaveUpError: see there.
    """
    folder, made = cache.base(seed, lambda seed, new: make(seed, new, say, bar))
    if not made:
        say(f"base of seed {seed} from the cache ({folder})")
    return folder


def make(
    seed: int,
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
    bar: bool = False,
    recipe: Recipe | None = None,
) -> None:
    """Train and examine a base and write it to `folder`, with a manifest of what was found."""
    recipe = recipe or Recipe()
    failures: list[str] = []
    started, trained = time.process_time(), 0.0
    for attempt in range(ATTEMPTS):
        # Another attempt needs other weights and other data, which still follow from the seed alone.
        training = Training(recipe, seed + 1_000_003 * attempt, held_out())
        for round_ in range(1 + CONTINUE):
            steps = recipe.more if round_ else recipe.copy_steps + recipe.steps
            begun = time.process_time()
            with tqdm(
                total=steps, desc="continue" if round_ else "train base", unit="step", disable=not bar
            ) as progress:

                def report(step: int, loss: float, progress: tqdm = progress) -> None:
                    progress.update()
                    if step % 20 == 0:
                        progress.set_postfix(loss=f"{loss:.3f}")

                (training.more if round_ else training.run)(report)
            trained += time.process_time() - begun
            findings = examine(training.model, training.tokenizer)
            planted = [find_planted(training.model, training.tokenizer, task, "validation") for task in LEXICONS]
            failures = [failure for finding in findings for failure in finding.failures()]
            failures += [failure for found in planted for failure in found.failures()]
            if not failures:
                training.save(folder)
                told = {
                    "mini": cache.version(),
                    "seed": seed,
                    "attempt": attempt,
                    "continued": round_,
                    "cpu_seconds": trained,
                    "cpu_seconds_in_all": time.process_time() - started,
                    "validation": [asdict(finding) for finding in findings],
                    "planted": [asdict(found) for found in planted],
                }
                (folder / cache.MANIFEST).write_text(json.dumps(told, indent=1) + "\n", "utf-8")
                return
            say(f"not good enough yet: {'; '.join(failures[:3])}{' …' if len(failures) > 3 else ''}")
    raise GaveUpError(
        f"no base of seed {seed} passed its examination in {ATTEMPTS} attempts "
        f"({len(failures)} values too low, first: {failures[0]}); try another --seed"
    )
