"""What a folder belongs to: `settings.json`, compared with what is asked for now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from faithful_se.errors import UsageError
from faithful_se.files import read_json_object
from training.attribution.prompt.chat_template import render_chat

if TYPE_CHECKING:
    from training.attribution.attributor import Attributor

SETTINGS = "settings.json"

# Keys of the settings of attributions: a digest of what the model reads, per dataset; the day that a template shows.
PROMPT, DATE = "prompt", "date"

# In the settings of a build: a digest of the texts it was given.
TEXTS = "attributions.texts"

# What the folder of a command holds.
ATTRIBUTIONS, ROWS = "attributions", "rows to train on"


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings that a folder was begun with.

    Raises:
        UsageError: damaged. The rows may be those of any model: nothing is guessed.
    """
    return read_json_object(
        folder / SETTINGS, "nothing else says what its folder belongs to; put it back, or give another --out"
    )


def day_of(folder: Path) -> date:
    """The day that the prompts of a folder show, or today.

    Raises:
        UsageError: the settings are damaged.
    """
    told = read_settings(folder).get(DATE) if (folder / SETTINGS).exists() else None
    try:
        return date.today() if told is None else date.fromisoformat(told)
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{folder / SETTINGS}: {DATE} is {told!r}, no day; put it back as it was, or give another --out"
        ) from error


def prompt_digest(attributor: Attributor) -> str:
    """What the model reads around the texts, two times 8 hex digits.

    The first are of the chat template and the tokenizer alone, the same for all datasets of a folder; the second of the
    prompt, the labels and the mask.
    """
    renderer = attributor.renderer
    turns = renderer.spec.classify(Document(dict.fromkeys(renderer.spec.question.fields, ""))).messages
    chat = as_chat(tuple((role, "ab cd") for role, _ in turns))
    shown = render_chat(renderer.tokenizer, chat, renderer.today, add_generation_prompt=True)
    alone = [shown, renderer.tokens([shown])["input_ids"], len(renderer.tokenizer)]
    tokens = [renderer.prefix, attributor.forward.tree.paths, renderer.mask_ids(True), renderer.mask_ids(False)]
    return "-".join(
        hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8] for told in (alone, [renderer.pieces, *tokens])
    )


def place_of(data: str) -> str:
    """Where texts are, as a run keeps it: a folder by its whole path, to be found from elsewhere too."""
    return data if data in ("hub", "mini") else str(Path(data).expanduser().resolve())


def kind_of(written: Mapping[str, Any]) -> str:
    """Which command wrote these settings, by what its folder holds; empty for other programs' files of that name."""
    options = written.get("options")
    if not isinstance(options, dict):
        return ""
    if "model" in written and {"method", "target", "mask"} <= options.keys():
        return ATTRIBUTIONS
    return ROWS if isinstance(written.get("attributions"), dict) and {"styles", "arm"} <= options.keys() else ""


def compare(folder: Path, written: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse to go on in a folder with other settings.

    Raises:
        UsageError: names the first that differs, or what the folder of another command holds. `prompt` may have further
            datasets.
    """
    kinds = kind_of(written), kind_of(settings)
    if all(kinds) and kinds[0] != kinds[1]:
        raise UsageError(f"{folder} holds {kinds[0]}: give another --out")
    aside = {PROMPT, DATE}
    was, now = ({name: value for name, value in told.items() if name not in aside} for told in (written, settings))
    if found := list(_differences(was, now)):
        # Another dtype is another model too, and other options other texts: their names say more than a digest.
        name, was, now = min(found, key=lambda one: (one[0] == TEXTS, one[0] == "model"))
        if name == TEXTS:
            raise UsageError(
                f"{folder} was begun with other texts: give the same --limit, --datasets and attributions, or another "
                "--out"
            )
        raise UsageError(
            f"{folder} was begun with {name} = {was!r}, now {now!r}: give the same settings or another --out"
        )
    if PROMPT in settings:
        _compare_prompts(folder, written, settings)


def _differences(was: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(name, then, now) of every value that is another one, with the names above it."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            yield from _differences(was.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif was != now:
        # Folders of before hold a path as it was typed.
        texts = name.rpartition(".")[2] == "data" and isinstance(was, str) and isinstance(now, str)
        if not texts or place_of(was) != place_of(now):
            yield name, was, now


def _compare_prompts(folder: Path, written: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    was = written.get(PROMPT)
    if not was or not isinstance(was, dict):
        raise UsageError(
            f"{folder} was begun by an older version, which did not keep what the model read: give another --out"
        )
    now = settings[PROMPT]
    other = [name for name, digest in now.items() if was.get(name, digest) != digest]
    # Further datasets come with the template and the tokenizer of those that are there.
    if other or len({str(digest).split("-")[0] for digest in (*was.values(), *now.values())}) > 1:
        of = f" ({', '.join(other)})" if other else ""
        raise UsageError(
            f"{folder}: the chat template or the tokenizer is another one than at the start{of}: "
            "give that one, or another --out"
        )
