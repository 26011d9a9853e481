"""What a study will take: calls, tokens and hours of each stage, from a first measured batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from faithful_se.files import parse_json_object
from training.study.folder import StudyFolder
from training.study.stages import Stage

PLAN = "plan.json"


def comparison(out: Path, seconds: Mapping[str, float], names: Sequence[str]) -> Iterator[str]:
    """A table of what each stage took, in Markdown, beside the plan where there was one."""
    file = out / PLAN
    plan = (parse_json_object(file.read_bytes()) if file.is_file() else None) or {}
    planned = {stage["name"]: float(stage["seconds"]) for stage in plan.get("stages", [])}
    yield "| stage | seconds |" + (" planned |" if planned else "")
    yield "|---|--:|" + ("--:|" if planned else "")
    for name in names:
        took = f"{seconds[name]:.0f}" if name in seconds else ""
        yield f"| {name} | {took} |" + (f" {planned[name]:.0f} |" if name in planned else " |" if planned else "")
    both = [name for name in names if name in seconds and name in planned]
    if both:
        total, plan_total = sum(seconds[name] for name in both), sum(planned[name] for name in both)
        yield f"| together | {total:.0f} | {plan_total:.0f} |"


def make_plan(folder: StudyFolder, stages: Sequence[Stage]) -> str:
    """Measure and write the plan."""
    raise NotImplementedError
