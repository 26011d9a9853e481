"""Runs a command and ends it, with all it has started, when whoever asked for it is gone: `guard.py COMMAND …`.

Standard input is a pipe from the study. The system closes it when the study ends, however it ends. No other process has
the pipe's other end. This file is run as a script and imports nothing of this package, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

GRACE = 3.0  # seconds between asking processes to end and ending them
ENDING = threading.RLock()  # held while processes are ended: the command is the first of them, and not the last


def end_children() -> None:
    """End all processes below this one, also those with a session of their own (torch's launcher starts such)."""
    import psutil

    children = psutil.Process().children(recursive=True)
    for child in children:
        try:
            child.terminate()
        except psutil.NoSuchProcess:
            continue
    _, left = psutil.wait_procs(children, timeout=GRACE)
    for child in {*left, *psutil.Process().children(recursive=True)}:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def watch() -> None:
    """Wait for the end of the study."""
    while os.read(0, 1):
        pass
    with ENDING:
        end_children()


def main(command: list[str]) -> int:
    """Run a command and return its exit status, as shells count it."""
    # Ctrl-C reaches the command itself. A handler, unlike SIG_IGN, is not inherited by it.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: end_children())
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    threading.Thread(target=watch, daemon=True).start()
    status = process.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    with ENDING:
        os._exit(status)  # the thread may still read
