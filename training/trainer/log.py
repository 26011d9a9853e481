"""The log of a training as its card shows it: a picture of the curves, and a few rows of numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from faithful_se.files import parse_json_object, write_atomic, write_json_object

LOG, PICTURE = "training_log.json", "training_log.png"
# What the trainers of TRL log, in the order of a reader's interest: the loss, and what the method is after.
CURVES = ("loss", "eval_loss", "mean_token_accuracy", "reward", "rewards/accuracies", "rewards/margins", "kl")
# Rows of the table in the card.
MOST_ROWS = 8

Entry = Mapping[str, float]


def write_log(out: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write what TRL logged, and a picture of it where vl-convert is installed (the extra `board`).

    Args:
        history: `log_history` of the trainer's state.
    """
    entries = [entry for entry in map(_numbers, history) if "step" in entry and set(entry) & set(CURVES)]
    write_json_object(out / LOG, {"log": entries})
    if len(entries) > 1 and find_spec("vl_convert"):
        import vl_convert

        write_atomic(out / PICTURE, vl_convert.vegalite_to_png(json.dumps(_chart(entries)), scale=2))


def read_log(out: Path) -> list[dict[str, float]]:
    """The log that `write_log` wrote; empty for a training of an older version."""
    try:
        log = (parse_json_object((out / LOG).read_bytes()) or {}).get("log")
    except OSError:
        return []
    return log if isinstance(log, list) else []


def log_table(entries: Sequence[Entry]) -> list[list[str]]:
    """The head and at most `MOST_ROWS` rows, evenly spread, the first and the last among them; empty without a log."""
    names = [name for name in CURVES if any(name in entry for entry in entries)]
    if not names:
        return []
    last = len(entries) - 1
    count = min(MOST_ROWS, len(entries))
    chosen = sorted({round(i * last / max(1, count - 1)) for i in range(count)})
    rows = [
        [f"{entries[i]['step']:.0f}", *(f"{entries[i][name]:.4f}" if name in entries[i] else "" for name in names)]
        for i in chosen
    ]
    return [["step", *names], *rows]


def _numbers(entry: Mapping[str, Any]) -> dict[str, float]:
    """Without what differs from run to run, such as seconds."""
    kept = {name: entry[name] for name in ("step", "epoch", *CURVES) if name in entry}
    return {
        name: float(value) for name, value in kept.items() if isinstance(value, (int, float)) and math.isfinite(value)
    }


def _chart(entries: Sequence[Entry]) -> dict[str, Any]:
    """A panel per curve, as Vega-Lite: their scales have nothing in common."""
    names = [name for name in CURVES if any(name in entry for entry in entries)]
    return {
        "background": "white",
        "hconcat": [
            {
                "width": 260,
                "height": 160,
                "data": {"values": [{"step": e["step"], "value": e[name]} for e in entries if name in e]},
                "mark": {"type": "line", "point": {"size": 16}},
                "encoding": {
                    "x": {"field": "step", "type": "quantitative", "title": "step"},
                    "y": {"field": "value", "type": "quantitative", "title": name, "scale": {"zero": False}},
                },
            }
            for name in names
        ],
    }
