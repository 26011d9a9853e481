"""Limits of control groups, read from their files, and one that the kernel enforces."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest
import torch

from lm_eval_tasks.forward_pass import free_memory as memory

GIB = 1 << 30


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_second_version_least_of_all_groups(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/slurm/job_7/step\n",
        "sys/fs/cgroup/slurm/job_7/step/memory.max": "max\n",
        "sys/fs/cgroup/slurm/job_7/step/memory.current": "100\n",
        "sys/fs/cgroup/slurm/job_7/memory.max": "1000\n",
        "sys/fs/cgroup/slurm/job_7/memory.current": "700\n",
        "sys/fs/cgroup/slurm/job_7/memory.stat": "anon 500\ninactive_file 150\nactive_file 50\n",
        "sys/fs/cgroup/slurm/memory.max": "5000\n",
        "sys/fs/cgroup/slurm/memory.current": "800\n",
    }
    # Of 1000, 700 are used, 150 of them by cache that goes first. The outer group has more left.
    assert memory.cgroup_bytes_left(write(tmp_path, files)) == 1000 - 700 + 150
    write(tmp_path, {"sys/fs/cgroup/slurm/memory.current": "4900\n"})
    assert memory.cgroup_bytes_left(tmp_path) == 100
    write(tmp_path, {"sys/fs/cgroup/slurm/memory.current": "5100\n"})
    assert memory.cgroup_bytes_left(tmp_path) == 0


def test_first_version_and_both_at_once(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "5:cpu,cpuacct:/a:b\n4:memory:/a:b\n0::/\n",
        "sys/fs/cgroup/memory/a:b/memory.limit_in_bytes": "2000\n",
        "sys/fs/cgroup/memory/a:b/memory.usage_in_bytes": "500\n",
        "sys/fs/cgroup/memory/a:b/memory.stat": "inactive_file 1\ntotal_inactive_file 20\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "500\n",
    }
    assert memory.cgroup_bytes_left(write(tmp_path, files)) == 2000 - 500 + 20
    write(tmp_path, {"sys/fs/cgroup/unified/memory.max": "600\n", "sys/fs/cgroup/unified/memory.current": "200\n"})
    assert memory.cgroup_bytes_left(tmp_path) == 400


def test_in_a_container_the_path_is_the_hosts(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/kubepods/pod1/../../../outside\n",
        "sys/fs/cgroup/memory.max": "900\n",
        "sys/fs/cgroup/memory.current": "300\n",
    }
    assert memory.cgroup_bytes_left(write(tmp_path, files)) == 600


@pytest.mark.parametrize("groups", ["", "0::/\n", "4:memory:/gone\n0::/gone\n"])
def test_no_limit(groups: str, tmp_path: Path) -> None:
    assert memory.cgroup_bytes_left(tmp_path) is None  # no control groups: macOS
    assert memory.cgroup_bytes_left(write(tmp_path, {"proc/self/cgroup": groups})) is None


def test_the_smaller_of_machine_and_container_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    cpu = torch.device("cpu")
    monkeypatch.setattr(memory, "cgroup_bytes_left", lambda: 12345)
    assert memory.free_memory(cpu) == 12345
    monkeypatch.setattr(memory, "cgroup_bytes_left", lambda: 1 << 60)
    assert memory.free_memory(cpu) <= psutil.virtual_memory().total
    monkeypatch.setattr(memory, "cgroup_bytes_left", lambda: None)
    assert 0 < memory.free_memory(cpu) <= psutil.virtual_memory().total


@pytest.fixture
def limited() -> Iterator[Path]:
    """A control group with a limit of one GiB; only root can make one."""
    first, second = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
    top, limit = (first, "memory.limit_in_bytes") if first.is_dir() else (second, "memory.max")
    group = top / f"faithful-se-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit).write_text(str(GIB))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"control groups cannot be made here: {error}")
    yield group
    group.rmdir()


def test_the_limit_of_the_kernel_is_read(limited: Path) -> None:
    source = "from lm_eval_tasks.forward_pass.free_memory import cgroup_bytes_left; print(cgroup_bytes_left())"
    # A shell joins the group and becomes the process that prints.
    shell = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(limited / "cgroup.procs"), sys.executable, "-c", source]
    printed = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
    assert GIB // 2 < int(printed) < GIB
