"""What each of two processes runs: `one_of_two.py SEEN FAILS HOW ARGUMENTS…`.

Leaves a file per rank in SEEN with the number of shards it computed. The rank FAILS (-1: none) ends in its second
shard: by an error, by `kill -9` of itself, or by an error while the other has finished and waits (HOW).
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

seen, fails, how, arguments = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
rank, done = int(os.environ["RANK"]), 0
plain = run.write_atomic


def counting(path: Path, lines: Any) -> None:
    global done
    if path.parent.name == "shards":
        if rank == fails and done == 1:
            if how == "late":
                time.sleep(5)
            elif how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("this process fails")
        done += 1
    plain(path, lines)


run.write_atomic = counting
main(arguments)
(seen / f"{rank}-of-{os.environ['WORLD_SIZE']}").write_text(str(done))
