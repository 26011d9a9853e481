"""`faithful-se eval`: lm-eval's own command line, with the rule-based models registered.

Installing the package places the task files in lm-eval's folder, so lm-eval finds them without help.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from textwrap import shorten

from faithful_se.errors import UsageError
from faithful_se.last_lines import say_last
from lm_eval_tasks import DATASETS
from lm_eval_tasks.cache_files import check_caches, kept
from lm_eval_tasks.cache_stamp import OPTIONS, check_writer
from lm_eval_tasks.disks import WrittenPaths, written_paths
from lm_eval_tasks.eval_help import OTHER_COMMANDS, help_text, wants_help
from lm_eval_tasks.missing_model import check_model_folders, no_such_kind, not_loaded
from lm_eval_tasks.run_plan import PLAN

NOT_FOUND = "Tasks not found: "  # how lm-eval's error begins
# Functions of lm-eval in which every error is one of the arguments.
ARGUMENT_READERS = ("parse_args", "from_cli")
# Characters of such an error that are shown: it may repeat a whole argument.
MESSAGE = 300


def main(argv: list[str]) -> int:
    """Pass `argv` to lm-eval, without the options that are this command's own.

    Raises:
        UsageError: a model that is not there or is a GGUF file. A cache that somebody else wrote, a path that cannot be
            written, an argument that lm-eval refuses.
        KeyboardInterrupt: the run was stopped; says what a rerun finds.
    """
    if wants_help(argv):
        print(help_text(), flush=True)
        argv = ["run", "--help"]
    own = {**OPTIONS, "--plan": PLAN}
    for option in own.keys() & set(argv):
        os.environ[own[option]] = "1"  # which processes that lm-eval starts inherit
    argv = [word for word in argv if word not in own]
    paths = written_paths(argv)
    _check_paths(paths)
    for word in argv:
        # lm-eval's hf takes folder and file apart, and fails on the path in the middle of transformers.
        if match := re.search(r"pretrained=([^,\s]+\.gguf)(?=,|\s|$)", word):
            folder, name = os.path.split(match[1])
            raise UsageError(f"{match[1]}: a GGUF file: write pretrained={folder or '.'},gguf_file={name}")
    check_model_folders(argv)
    try:
        _run(argv)
    except KeyboardInterrupt as stop:
        raise type(stop)(_after_stop(paths)) from None
    if argv and argv[0] not in OTHER_COMMANDS and not wants_help(argv):
        say_last(next_step(argv, paths))
    return 0


def next_step(argv: Sequence[str], paths: WrittenPaths) -> str:
    """The line below lm-eval's tables: how these results become a board."""
    if not paths.output_path:
        return "nothing is saved: with --log_samples --output_path results, `faithful-se board results` makes a page"
    board = f"next: `faithful-se board {paths.output_folder} --out board` says what came out, on one page"
    is_known = {"--log_samples", "-s", "--config", "-C"} & set(argv)  # the file of --config may say it too
    return board if is_known else f"{board}; with --log_samples it has tests and examples too"


def _run(argv: Sequence[str]) -> None:
    """Run lm-eval.

    Raises:
        UsageError: a task or a model that it does not find, or an argument that it cannot read.
    """
    import lm_eval.__main__

    import lm_eval_tasks.rule_models  # noqa: F401  registers the rule-based models

    sys.argv = ["lm_eval", *argv]
    try:
        lm_eval.__main__.cli_evaluate()
    except (ValueError, TypeError, RecursionError, MemoryError, OSError) as error:
        if str(error).startswith(NOT_FOUND):
            raise UsageError(_tasks_not_found(str(error).removeprefix(NOT_FOUND).split(", "))) from error
        if not isinstance(error, UsageError) and _is_about_arguments(error):
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UsageError(f"the arguments cannot be read: {shorten(reason, MESSAGE, placeholder=' …')}") from error
        if line := no_such_kind(error) or not_loaded(error, argv):
            raise UsageError(line) from error
        raise


def _is_about_arguments(error: BaseException) -> bool:
    """Whether lm-eval's readers of the command line or of `--config` raised an error."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(
        frame.f_code.co_name in ARGUMENT_READERS and str(frame.f_globals.get("__name__")).startswith("lm_eval.")
        for frame in frames
    )


def _check_paths(paths: WrittenPaths) -> None:
    """Check what the run will write to, and who wrote the caches, before anything reads them."""
    paths.check()
    for file in paths.caches:
        check_writer(file)
    check_caches(paths.caches)


def _after_stop(paths: WrittenPaths) -> str:
    """What a rerun finds, for a run that was stopped."""
    if paths.use_cache:
        return kept(paths.caches)
    return "no answer is kept: with --use_cache FILE the same command would go on where it stopped"


def _tasks_not_found(names: Sequence[str]) -> str:
    import lm_eval.tasks

    folder = Path(lm_eval.tasks.__file__).parent
    if not (folder / "faithful_se").is_dir():
        return f"--tasks: {folder} holds no task files of faithful-se: reinstall it, or add --include_path {DATASETS}"
    known = sorted(path.stem for path in DATASETS.rglob("faithful_se*.yaml"))
    nearest = [match for name in names for match in get_close_matches(name, known, n=1)]
    hint = f" (did you mean {', '.join(nearest)}?)" if nearest else ""
    return f"--tasks: not found: {', '.join(names)}{hint}. `faithful-se eval ls tasks` lists all tasks"
