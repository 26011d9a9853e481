"""Budgets, the order of texts and a lack of memory change no score."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lm_eval_tasks.forward_pass.batching import TokenBudget, in_order
from tests.training.attribution import tiny_models as tiny
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import Forward
from training.attribution.methods import METHODS
from training.attribution.options import AttributionOptions


@pytest.fixture(scope="module")
def fast() -> Any:
    return tiny.tokenizer()


@pytest.fixture(scope="module")
def model(fast: Any) -> Any:
    return tiny.random_model("llama", len(fast))


def assert_same(rows: list[Any], others: list[Any], near: float = 1e-5) -> None:
    assert [row["hash"] for row in rows] == [row["hash"] for row in others]
    for row, other in zip(rows, others, strict=True):
        scale = max(1, *map(abs, row["types"].values()))
        assert other["types"] == pytest.approx(row["types"], abs=near * scale)
        for name in ("prediction", "flips", "flipped_to", "problem"):
            assert other[name] == row[name]
        assert other["top"]["key"] == row["top"]["key"]


@pytest.mark.parametrize("method", METHODS)
def test_neither_budget_nor_order_changes_a_score(method: str, model: Any, fast: Any) -> None:
    options, documents = AttributionOptions(method, steps=4, check_flips=True), tiny.documents()
    rows = Attributor(model, fast, tiny.spec(), options).rows(documents)
    assert any(row["flips"] for row in rows) or method in ("random", "lowest")
    for budget in (1, 97, 100_000):
        assert_same(rows, Attributor(model, fast, tiny.spec(), options, token_budget=budget).rows(documents))
    mixed = random.Random(1).sample(documents, len(documents))
    by_hash = {row["hash"]: row for row in Attributor(model, fast, tiny.spec(), options).rows(mixed)}
    assert_same(rows, [by_hash[document.hash] for document in documents])


def test_a_budget_gives_results_in_order_and_halves() -> None:
    sizes = []

    def work(batch: list[int]) -> list[int]:
        sizes.append(len(batch) * max(batch))
        if sizes[-1] > 12:
            raise torch.OutOfMemoryError("too much")
        return [item * 10 for item in batch]

    budget, items = TokenBudget(40), [3, 1, 4, 1, 5, 2, 6]
    assert in_order(budget.batches(items, lambda item: item, work)) == [30, 10, 40, 10, 50, 20, 60]
    assert budget.tokens <= 12 and sizes[0] > 12
    with pytest.raises(MemoryError, match="a single text of 13 tokens"):
        in_order(budget.batches([13], lambda item: item, work))
    with pytest.raises(ZeroDivisionError):  # other errors are not swallowed
        in_order(budget.batches([1], lambda item: item, lambda batch: [1 // 0]))


@pytest.mark.parametrize("method", ["ig", "occlusion"])
def test_running_out_of_memory_loses_nothing(method: str, model: Any, fast: Any, monkeypatch: Any) -> None:
    options, documents = AttributionOptions(method), tiny.documents()
    rows = Attributor(model, fast, tiny.spec(), options).rows(documents)
    small, refused = Attributor(model, fast, tiny.spec(), options), []
    states_of = Forward.states

    def states(self: Any, embeds: Any, *rest: Any) -> Any:
        if embeds.shape[0] * embeds.shape[1] > 300:
            refused.append(embeds.shape)
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory")
        return states_of(self, embeds, *rest)

    monkeypatch.setattr(Forward, "states", states)
    assert_same(rows, small.rows(documents))
    assert 0 < len(refused) < 12


def test_parameters_are_frozen_and_have_no_gradients(model: Any, fast: Any) -> None:
    model.requires_grad_(True)
    Attributor(model, fast, tiny.spec(), AttributionOptions("ig", steps=2)).rows(tiny.documents())
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("method", ["ig", "occlusion"])
def test_the_shared_prefix_changes_no_score(method: str, model: Any, fast: Any) -> None:
    options, documents = AttributionOptions(method), tiny.documents()
    rows = Attributor(model, fast, tiny.spec(), options).rows(documents)
    without_prefix = Attributor(model, fast, tiny.spec(), options)
    without_prefix.forward = Forward(model, without_prefix.forward.tree)
    assert_same(rows, without_prefix.rows(documents))


def test_a_mask_that_merges_with_the_template(model: Any) -> None:
    """A variant that does not open like its document is recomputed whole."""
    fast = tiny.tokenizer(known=("[REDACTED]", ": [R]"))
    big = tiny.random_model("llama", len(fast))
    spec, documents = tiny.spec(mask="[R]"), tiny.documents()
    attributor, without_prefix = (Attributor(big, fast, spec, AttributionOptions("occlusion")) for _ in range(2))
    without_prefix.forward = Forward(big, without_prefix.forward.tree)
    prompt = attributor.renderer.encode([documents[0]])[0]
    # A prefix that was found without regard to the mask.
    longer = prompt.ids[: min(prompt.spans[0])]
    prefix = attributor.renderer.prefix
    assert longer[: len(prefix)] == prefix and longer != prefix
    attributor.forward = Forward(big, attributor.forward.tree, longer)
    assert_same(without_prefix.rows(documents), attributor.rows(documents))


def peak(work: Callable[[], Any]) -> float:
    """MiB in use at most since the work began; memory that was used before does not hide it."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    work()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_memory_is_flat_over_five_thousand_texts(model: Any, fast: Any, tmp_path: Path) -> None:
    from lm_eval_tasks.document import Document
    from training.attribution.inputs import Source
    from training.attribution.run import attribute

    rng, words = random.Random(0), " ".join(tiny.TWEETS).split()
    texts = [Document({"text": " ".join(rng.choices(words, k=12)) + f" {number}"}) for number in range(5000)]

    def run(count: int) -> float:
        return peak(lambda: attribute(model, fast, [Source(tiny.spec(), texts[:count])], tmp_path / str(count)))

    few, many = run(500), run(5000)
    print(f"peak of 500 texts {few:.0f} MiB, of 5000 {many:.0f} MiB")
    assert many - few < 30
    assert peak(lambda: b"x" * (300 << 20)) > many + 200, "a peak that the test cannot see proves nothing"
