"""A model that is not there, in one line: at once where its name is a path, else when loading fails."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from faithful_se.errors import UsageError, is_out_of_memory

# Arguments of lm-eval's models that name a folder, or something on the hub.
_NAMES = re.compile(r"(?:^|[,\s])(pretrained|peft|delta|tokenizer)=([^,\s]+)")

# How lm-eval's error about --model begins.
_UNKNOWN_KIND = re.compile(
    r"Attempted to load model '(.*?)', but no model for this name found! Supported.*?: (.*)", re.S
)

# Methods of lm-eval in which a model is loaded.
_LOADERS = ("create_from_arg_obj", "create_from_arg_string")


def check_model_folders(argv: Sequence[str]) -> None:
    """Refuse the path of a missing folder, which transformers would take for a name on the hub.

    Raises:
        UsageError: names the argument, and a folder beside it of nearly that name.
    """
    for argument, name in _named(argv):
        path = Path(name)
        is_path = name.startswith(("/", ".", "~")) or name.count("/") > 1  # names on the hub have at most one slash
        if is_path and not path.exists():
            raise UsageError(f"--model_args {argument}={name}: no such folder{_hint(path)}")


def no_such_kind(error: BaseException) -> str | None:
    """What to say where lm-eval knows no kind of model of the name that --model has; None for other errors."""
    match = _UNKNOWN_KIND.match(str(error))
    if not match:
        return None
    name, known = match[1], match[2].split(", ")
    nearest = get_close_matches(name, known, n=1)
    hint = f" (did you mean {nearest[0]}?)" if nearest else ""
    return f"--model {name}: no such kind of model{hint}; a model of Hugging Face: --model hf --model_args pretrained=…"


def not_loaded(error: BaseException, argv: Sequence[str]) -> str | None:
    """What to say of a model that lm-eval could not load because it is not there; None for other errors."""
    calls = {frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)}
    if not isinstance(error, OSError) or is_out_of_memory(error) or not calls.intersection(_LOADERS):
        return None
    missing = [(argument, name) for argument, name in _named(argv) if not Path(name).exists()]
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if not missing:
        return f"the model cannot be loaded: {reason}"
    argument, name = missing[0]
    return f"--model_args {argument}={name}: no folder of this name here{_hint(Path(name))}; on the hub: {reason}"


def _named(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in argv:
        yield from _NAMES.findall(word)


def _hint(path: Path) -> str:
    if path.parts[:1] == ("~",):
        return ": a shell does not replace ~ after =, so write $HOME"
    beside = [other.name for other in path.parent.iterdir() if other.is_dir()] if path.parent.is_dir() else []
    nearest = get_close_matches(path.name, beside, n=1)
    return f" (did you mean {path.parent / nearest[0]}?)" if nearest else ""
