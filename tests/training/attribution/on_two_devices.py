"""Attributes the same texts on the CPU and on a pretended device: `on_two_devices.py OUT.json`.

Writes rows by architecture, method and device, answers of the model while rows are built, the benchmark's table of the
device, and what torch says to a tensor that was left behind.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.attribution_device import on_device
from benchmarks.attribution_world import texts_of
from faithful_se.errors import UsageError
from tests.pretend_device import There, pretended
from tests.training.attribution import architectures as world
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import Forward
from training.attribution.methods import METHODS
from training.attribution.options import AttributionOptions
from training.build.backend import of_model
from training.models.loading import fingerprint


def rows_on_both(model: Any, fast: Any, method: str, question: Any) -> list[list[dict[str, Any]]]:
    """Rows on the CPU, rows on the other device."""
    options, documents = AttributionOptions(method, steps=4, check_flips=True), world.documents(question)

    def rows(model: Any) -> list[dict[str, Any]]:
        made = Attributor(model, fast, world.spec(question), options, token_budget=500)
        return [dict(row) for row in made.rows(documents)]

    usual = rows(model)
    with pretended() as device:
        moved = copy.deepcopy(model).to(device)
        assert all(isinstance(parameter, There) for parameter in moved.parameters())
        return [usual, rows(moved)]


def answers_on_both(model: Any, fast: Any) -> list[list[str]]:
    """What the model answers while rows are built, and its fingerprint."""
    calls = [world.spec().classify(document) for document in world.documents()]

    def answers(model: Any) -> list[str]:
        return [fingerprint(model), *(answer.text for answer in of_model(model, fast, 4)(calls))]

    usual = answers(model)
    with pretended() as device:
        return [usual, answers(copy.deepcopy(model).to(device))]


def left_behind(model: Any, fast: Any) -> str:
    """The error where the forward pass forgets to move its tokens."""
    moves, Forward.pad = Forward.pad, lambda self, rows: tuple(t.cpu() for t in moves(self, rows))  # type: ignore[assignment,method-assign]
    try:
        rows_on_both(model, fast, "occlusion", world.TWEET)
    except (RuntimeError, UsageError) as error:
        return str(error)
    finally:
        Forward.pad = moves  # type: ignore[method-assign]
    return "no error"


def main(out: Path) -> None:
    fast = world.tokenizer()
    models = {kind: world.random_model(kind, len(fast)) for kind in world.ARCHITECTURES}
    plan = [("llama", method) for method in METHODS]
    plan += [(kind, method) for kind in world.ARCHITECTURES[1:] for method in ("occlusion", "ig")]
    found: dict[str, Any] = {}
    found["rows"] = {
        f"{kind} {method}": rows_on_both(models[kind], fast, method, world.PAIR if kind == "qwen2" else world.TWEET)
        for kind, method in plan
    }
    found["answers"] = answers_on_both(models["llama"], fast)
    with pretended() as device:
        found["benchmark"] = on_device("2m", device.type, texts_of(None, 2), 0, rounds=1)
    found["left behind"] = left_behind(models["llama"], fast)
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
