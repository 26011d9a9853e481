"""Runs the stages of a study: each once those before it are complete, as many at once as the recipe allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from faithful_se.errors import UsageError
from training.study.folder import StudyFolder
from training.study.progress import Display
from training.study.recipe import Recipe
from training.study.runner import Runner
from training.study.stage import Stage


def environment(recipe: Recipe) -> dict[str, str]:
    """Variables that the recipe sets in the environment of each process."""
    threads = {} if recipe.threads is None else {"OMP_NUM_THREADS": str(recipe.threads)}
    return {**threads, **{name: str(value) for name, value in recipe.environment.items()}}


def select(stages: Sequence[Stage], names: Collection[str], arms: Collection[str]) -> list[Stage]:
    """The stages of these names, and those of these arms; all where neither is given. `sft` stands for all `sft-…`.

    Raises:
        UsageError: there is no such stage or arm.
    """
    if not names and not arms:
        return list(stages)
    selected = []
    for kind, wanted, names_of in (("--stage", names, _stage_names), ("--arm", arms, _arm_names)):
        for name in wanted:
            matches = [stage for stage in stages if name in names_of(stage)]
            if not matches:
                known = dict.fromkeys(next(iter(names_of(stage)), "") for stage in stages)
                raise UsageError(f"{kind} {name}: the recipe has {', '.join(filter(None, known))}")
            selected += matches
    return [stage for stage in stages if stage in selected]


def run_stages(folder: StudyFolder, stages: Sequence[Stage], recipe: Recipe, display: Display) -> None:
    """Run stages, or what is left of them.

    Raises:
        UsageError: a stage failed, and the others were ended. Or one needs a stage that is not complete.
    """
    names = {stage.name for stage in stages}
    done_before = {stage.name for stage in folder.stages if stage.name not in names and stage.done.is_file()}
    for stage in stages:
        if missing := [name for name in stage.after if name not in names | done_before]:
            raise UsageError(f"{stage.name} needs {', '.join(missing)}: run it first, with --stage {missing[0]}")
    runner = Runner(folder, display, environment(recipe))
    waiting, running, complete = list(stages), dict[Future[None], str](), done_before
    with ThreadPoolExecutor(recipe.parallel) as pool:
        try:
            while waiting or running:
                ready = [stage for stage in waiting if complete.issuperset(stage.after)]
                for stage in ready[: recipe.parallel - len(running)]:
                    waiting.remove(stage)
                    running[pool.submit(runner.run, stage)] = stage.name
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
                    complete.add(running.pop(future))
        except BaseException:
            runner.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _stage_names(stage: Stage) -> Iterator[str]:
    yield from (stage.name, stage.name.partition("-")[0])


def _arm_names(stage: Stage) -> Iterator[str]:
    if stage.arm:
        yield stage.arm
        yield stage.name.partition("-")[2]
