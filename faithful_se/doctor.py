"""`faithful-se doctor`: what is installed, what is not here and what is wrong; one line each, with the remedy."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from faithful_se.errors import is_out_of_memory
from lm_eval_tasks import DATASETS

DISTRIBUTION = "faithful-se"

DESCRIPTION = """\
Say what is installed, what is optional and not here, and what is wrong: one line each, with the remedy. Exit status 1
where something is wrong.

  faithful-se doctor
  faithful-se doctor | grep -v ^ok
"""

# What each extra is for.
EXTRAS = {
    "hf": "local models",
    "train": "word attributions and training",
    "board": "leaderboards and comparisons",
    "api": "OpenAI-compatible servers",
    "gguf": "models in GGUF files",
    "languages": "words of Chinese, Japanese, Thai, …",
    "sentences": "sentences as the unit of explanations",
}

OK, OPTIONAL, WRONG = "ok", "optional", "WRONG"


class Finding(NamedTuple):
    """One line."""

    state: str  # OK, OPTIONAL or WRONG
    about: str
    text: str


def parser() -> argparse.ArgumentParser:
    """The command line."""
    return argparse.ArgumentParser(
        "faithful-se doctor", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def main(argv: list[str] | None = None) -> int:
    """Run the command; 1 where something is wrong."""
    parser().parse_args(argv)
    findings = []
    for finding in examine():
        print(f"{finding.state:<9}{finding.about:<11}{finding.text}", flush=True)
        findings.append(finding)
    print(f"\n{conclusion(findings)}")
    return int(any(finding.state == WRONG for finding in findings))


def conclusion(findings: Sequence[Finding]) -> str:
    """The last line: what is wrong, and what is optional and not here."""
    wrong, optional = (
        ", ".join(finding.about for finding in findings if finding.state == state) for state in (WRONG, OPTIONAL)
    )
    first = f"Wrong: {wrong}." if wrong else "Nothing is wrong."
    return f"{first} Optional, not here: {optional}." if optional else first


def examine() -> Iterator[Finding]:
    """All findings: versions, extras, tasks, devices, the hub."""
    yield Finding(OK, "package", f"{DISTRIBUTION} {version(DISTRIBUTION)} in {DATASETS.parents[1]}, Python {_python()}")
    yield packages("core", list(needs_of(DISTRIBUTION, "")), "")
    for extra, purpose in EXTRAS.items():
        yield packages(extra, list(needs_of(DISTRIBUTION, extra)), purpose)
    yield task_files()
    yield device()
    yield from hub()


def _python() -> str:
    return f"{platform.python_version()}, {len(os.sched_getaffinity(0)) if _has_affinity() else os.cpu_count()} CPUs"


def _has_affinity() -> bool:
    return hasattr(os, "sched_getaffinity")  # not on macOS and Windows


def needs_of(distribution: str, extra: str) -> Iterator[Requirement]:
    """What a distribution or an extra of it needs with this Python; what extras in an extra need, too."""
    for need in map(Requirement, requires(distribution) or ()):
        with_extra = need.marker is not None and need.marker.evaluate({"extra": extra})
        if not (with_extra if extra else need.marker is None):
            continue
        if need.name != distribution:
            yield need
        if need.name == distribution or _version(need.name):
            for inner in need.extras:
                yield from needs_of(need.name, inner)


def packages(extra: str, needs: list[Requirement], purpose: str) -> Finding:
    """Which versions of some packages are installed: all, too old ones, or none."""
    versions = {need.name: _version(need.name) for need in needs}
    target = f"{DISTRIBUTION}[{extra}]" if purpose else DISTRIBUTION
    old = [
        f"{need.name} {versions[need.name]} (needs {need.specifier})"
        for need in needs
        if versions[need.name] and not need.specifier.contains(versions[need.name], prereleases=True)
    ]
    missing = [name for name, number in versions.items() if not number]
    if old or (missing and not purpose):
        problem = ", ".join([*old, *(f"{name} is missing" for name in missing)])
        return Finding(WRONG, extra, f"{problem}: pip install --upgrade '{target}'")
    if missing:
        return Finding(OPTIONAL, extra, f"{', '.join(missing)}, for {purpose}: pip install '{target}'")
    return Finding(OK, extra, ", ".join(f"{name} {number}" for name, number in versions.items()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def task_files() -> Finding:
    """Whether lm-eval finds the tasks, and whether they are those of this package."""
    spec = find_spec("lm_eval")
    if spec is None or not spec.origin:
        return Finding(WRONG, "tasks", f"no lm_eval: pip install '{DISTRIBUTION}'")
    folder = Path(spec.origin).parent / "tasks" / "faithful_se"
    remedy = f"reinstall {DISTRIBUTION} (in a clone: make tasks)"
    if not folder.is_dir():
        return Finding(WRONG, "tasks", f"{folder} is missing: {remedy}, or give lm_eval --include_path {DATASETS}")
    ours, installed = _yaml_files(DATASETS), _yaml_files(folder)
    if stale := sorted(name for name in ours.keys() | installed.keys() if ours.get(name) != installed.get(name)):
        return Finding(WRONG, "tasks", f"{folder}: {stale[0]} is not that of this version: {remedy}")
    count = sum(Path(name).parent.name != "" for name in installed if name.endswith(".yaml"))
    return Finding(OK, "tasks", f"{count} tasks in {folder}")


def _yaml_files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*yaml")
        if path.is_file() and path.name.endswith(("_yaml", ".yaml"))
    }


def device() -> Finding:
    """The GPU that local models run on, or why there is none."""
    if not _version("torch"):
        return Finding(OPTIONAL, "GPU", "no torch, and none needed for servers and rule-based models")
    try:
        import torch

        if torch.cuda.is_available():
            names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
            return Finding(OK, "GPU", ", ".join(f"{gpu.name} {gpu.total_memory / 2**30:.0f} GiB" for gpu in names))
        if torch.backends.mps.is_available():
            return Finding(OK, "GPU", "Apple: --device mps")
    except (ImportError, OSError, RuntimeError, MemoryError) as error:
        reason = "memory ran out" if is_out_of_memory(error) else " ".join(str(error).split())[:200]
        return Finding(WRONG, "GPU", f"torch cannot be loaded ({reason}): install it again, see pytorch.org")
    if torch.version.cuda or torch.version.hip:
        remedy = "check nvidia-smi and CUDA_VISIBLE_DEVICES"
    else:
        remedy = "if there is one, install torch for it, see pytorch.org"
    return Finding(OPTIONAL, "GPU", f"torch {torch.__version__} sees none, and models from 1B on are slow: {remedy}")


def hub() -> Iterator[Finding]:
    """Whether models and texts can be loaded from the hub, and whether boards can be put there."""
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        yield Finding(
            OPTIONAL, "hub", f"offline, only {constants.HF_HUB_CACHE} is read: unset HF_HUB_OFFLINE to load more"
        )
    else:
        yield Finding(OK, "hub", f"{constants.ENDPOINT}, kept in {constants.HF_HUB_CACHE}")
    if get_token():
        yield Finding(OK, "token", "of the hub")
    else:
        yield Finding(OPTIONAL, "token", "of the hub, for gated models and for board --push: hf auth login")
