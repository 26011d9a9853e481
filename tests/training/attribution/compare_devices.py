"""Attributes the same texts on the CPU and on a pretended device: `compare_devices.py OUT.json`.

Writes rows by architecture, method and device, the model's answers while rows are built, the benchmark's table of the
device, and torch's error about a tensor on the wrong device.
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.attribution_inputs import texts_of
from benchmarks.attribution_throughput import throughput_table
from faithful_se.errors import UsageError
from tests.pretend_device import PretendTensor, pretended
from tests.training.attribution import tiny_models as tiny
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import Forward
from training.attribution.methods import METHODS
from training.attribution.options import AttributionOptions
from training.build.backend import responder_of
from training.models.loading import fingerprint


def rows_on_both(model: Any, fast: Any, method: str, question: Any) -> list[list[dict[str, Any]]]:
    """Rows on the CPU, rows on the other device."""
    options, documents = AttributionOptions(method, steps=4, check_flips=True), tiny.documents(question)

    def rows(model: Any) -> list[dict[str, Any]]:
        attributor = Attributor(model, fast, tiny.spec(question), options, token_budget=500)
        return [dict(row) for row in attributor.rows(documents)]

    on_cpu = rows(model)
    with pretended() as device:
        moved = copy.deepcopy(model).to(device)
        assert all(isinstance(parameter, PretendTensor) for parameter in moved.parameters())
        return [on_cpu, rows(moved)]


def answers_on_both(model: Any, fast: Any) -> list[list[str]]:
    """The model's fingerprint, and its answers while rows are built."""
    calls = [tiny.spec().classify(document) for document in tiny.documents()]

    def answers(model: Any) -> list[str]:
        return [fingerprint(model), *(answer.text for answer in responder_of(model, fast, 4)(calls))]

    on_cpu = answers(model)
    with pretended() as device:
        return [on_cpu, answers(copy.deepcopy(model).to(device))]


def wrong_device_error(model: Any, fast: Any) -> str:
    """The error if the forward pass does not move its tokens."""
    pad, Forward.pad = Forward.pad, lambda self, rows: tuple(tensor.cpu() for tensor in pad(self, rows))  # type: ignore[assignment,method-assign]
    try:
        rows_on_both(model, fast, "occlusion", tiny.TWEET)
    except (RuntimeError, UsageError) as error:
        return str(error)
    finally:
        Forward.pad = pad  # type: ignore[method-assign]
    return "no error"


def main(out: Path) -> None:
    fast = tiny.tokenizer()
    models = {kind: tiny.random_model(kind, len(fast)) for kind in tiny.ARCHITECTURES}
    plan = [("llama", method) for method in METHODS]
    plan += [(kind, method) for kind in tiny.ARCHITECTURES[1:] for method in ("occlusion", "ig")]
    results: dict[str, Any] = {}
    results["rows"] = {
        f"{kind} {method}": rows_on_both(models[kind], fast, method, tiny.PAIR if kind == "qwen2" else tiny.TWEET)
        for kind, method in plan
    }
    results["answers"] = answers_on_both(models["llama"], fast)
    with pretended() as device:
        results["benchmark"] = throughput_table("2m", device.type, texts_of(None, 2), 0, rounds=1)
    results["wrong device"] = wrong_device_error(models["llama"], fast)
    out.write_text(json.dumps(results))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
