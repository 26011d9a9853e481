"""From a seed to a base that passes the quality gate: train, measure, train further, or begin again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tqdm.auto import tqdm  # type: ignore[import-untyped]

from training.mini import cache
from training.mini.base_model import BaseTraining, Recipe
from training.mini.lexicon import LEXICONS
from training.mini.quality_gate import Measurement, measure
from training.mini.shortcut_check import ShortcutUse, check_shortcuts
from training.mini.write_data import held_out

EXTRA_ROUNDS, ATTEMPTS = 2, 2


class GaveUpError(RuntimeError):
    """No attempt passed the quality gate. The message names what failed in the last one."""


def base_model(seed: int = 0, log: Callable[[str], None] = lambda line: None, progress: bool = False) -> Path:
    """The folder of the base of a seed: from the cache, or trained now.

    The same seed gives the same weights, bit for bit, on one kind of machine. `log` is called with a line of text.

    Raises:
        GaveUpError: no attempt passed the quality gate.
    """
    folder, trained = cache.find_or_train(seed, lambda seed, new: train_base(seed, new, log, progress))
    if not trained:
        log(f"base of seed {seed} from the cache ({folder})")
    return folder


def train_base(
    seed: int,
    folder: Path,
    log: Callable[[str], None] = lambda line: None,
    progress: bool = False,
    recipe: Recipe | None = None,
) -> None:
    """Train a base until it passes the quality gate, and write it into `folder` with a manifest of its measurements.

    Raises:
        GaveUpError: no attempt passed.
    """
    recipe = recipe or Recipe()
    started, training_seconds = time.process_time(), 0.0
    for attempt in range(ATTEMPTS):
        # Another attempt needs other weights and other data, which still follow from the seed alone.
        training = BaseTraining(recipe, seed + 1_000_003 * attempt, held_out())
        for extra_round in range(1 + EXTRA_ROUNDS):
            training_seconds += _train_with_bar(training, recipe, extra_round > 0, progress)
            measurements = measure(training.model, training.tokenizer)
            shortcuts = [check_shortcuts(training.model, training.tokenizer, task, "validation") for task in LEXICONS]
            results: list[Measurement | ShortcutUse] = [*measurements, *shortcuts]
            failures = [failure for result in results for failure in result.failures()]
            if failures:
                log(f"not good enough yet: {'; '.join(failures[:3])}{' …' if len(failures) > 3 else ''}")
                continue
            training.save(folder)
            manifest = {
                "mini": cache.version(),
                "seed": seed,
                "attempt": attempt,
                "continued": extra_round,
                "cpu_seconds": training_seconds,
                "cpu_seconds_in_all": time.process_time() - started,
                "validation": [asdict(measurement) for measurement in measurements],
                "planted": [asdict(shortcut) for shortcut in shortcuts],
            }
            (folder / cache.MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
            return
    raise GaveUpError(
        f"no base of seed {seed} passed the quality gate in {ATTEMPTS} attempts "
        f"({len(failures)} values too low, first: {failures[0]}); try another --seed"
    )


def _train_with_bar(training: BaseTraining, recipe: Recipe, further: bool, progress: bool) -> float:
    """Train, with a progress bar if wanted; the seconds of CPU time."""
    steps = recipe.extra_steps if further else recipe.copy_steps + recipe.steps
    started = time.process_time()
    with tqdm(total=steps, desc="train further" if further else "train base", unit="step", disable=not progress) as bar:

        def report(step: int, loss: float) -> None:
            bar.update()
            if step % 20 == 0:
                bar.set_postfix(loss=f"{loss:.3f}")

        (training.train_further if further else training.train)(report)
    return time.process_time() - started
