"""Runs the command in one of two processes: `failing_process.py FOLDER FAILING MANNER ARGUMENTS…`.

Leaves a file per rank in FOLDER with the number of shards it computed. The rank FAILING (-1: none) ends in its second
shard. MANNER is how: an ``error``, ``killed`` by itself, or ``late``, by an error while the other process waits.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from training.attribution import run
from training.attribution.cli import main

folder, failing_rank, manner, arguments = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
rank, n_shards = int(os.environ["RANK"]), 0
write_atomic = run.write_atomic


def counting(path: Path, lines: Any) -> None:
    global n_shards
    if path.parent.name == "shards":
        if rank == failing_rank and n_shards == 1:
            if manner == "late":
                time.sleep(5)
            elif manner == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("this process fails")
        n_shards += 1
    write_atomic(path, lines)


run.write_atomic = counting
main(arguments)
(folder / f"{rank}-of-{os.environ['WORLD_SIZE']}").write_text(str(n_shards))
