"""Memory of gradients: measured, and kept to where the user names no number."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from faithful_se.errors import UsageError
from tests.training.attribution import architectures as world
from tests.training.attribution.test_batches import assert_same
from training.attribution.attributor import Attributor
from training.attribution.engine import memory
from training.attribution.options import AttributionOptions


class Exponential:
    """What a model is to the measurement: a frozen matrix, one number to remember for each of its results, and ten more
    for each row."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.model = torch.nn.Linear(4, 6, bias=False).requires_grad_(False)

    def pad(self, rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(rows), torch.tensor([len(row) for row in rows])

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return ids[..., None].expand(-1, -1, 4) / 10

    def __call__(self, rows: Any) -> torch.Tensor:
        results = self.model(rows.embeds).exp()
        return results.sum() + results.flatten()[0].expand(10).exp().sum()


def test_what_is_kept_is_counted_and_parameters_are_not() -> None:
    # The derivative of exp is its result: six numbers of four bytes a token, ten a row. The matrix is there anyway.
    for length in (1, 5):
        assert memory.kept_for_backward(Exponential(), [1] * length, shared=False) == 6 * 4 * length + 10 * 4


def test_half_of_what_is_free_and_what_a_row_takes_besides(monkeypatch: Any) -> None:
    ids = [1, 2, 3, 4, 5, 6, 7, 8]
    monkeypatch.setattr(memory, "free_memory", lambda device: 4800)
    # 24 bytes a token; 40 a row are less than two tokens.
    assert memory.tokens_that_fit(Exponential(), ids, 2) == (100, 2)
    monkeypatch.setattr(memory, "free_memory", lambda device: 10)
    assert memory.tokens_that_fit(Exponential(), ids, 0) == (1, 2)
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    assert memory.tokens_that_fit(Exponential(), ids, 0)[0] > 1 << 40


def test_processes_share_what_a_machine_has(monkeypatch: Any) -> None:
    alone = memory.free_memory(torch.device("cpu"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert memory.free_memory(torch.device("cpu")) == pytest.approx(alone / 4, rel=0.3)


def test_the_machine_says_what_is_free() -> None:
    assert 1 << 20 < memory.free_memory(torch.device("cpu")) < 1 << 50
    assert memory.free_memory(torch.device("meta")) is None


@pytest.mark.parametrize(
    ("method", "budget", "kept_to"),
    [("ig", 0, True), ("cascade", 0, True), ("occlusion", 0, False), ("ig", 500, False)],
)
def test_gradients_keep_to_it_and_no_score_changes(method: str, budget: int, kept_to: bool, monkeypatch: Any) -> None:
    fast = world.tokenizer()
    model = world.random_model("llama", len(fast))
    options, documents = AttributionOptions(method, steps=4), world.documents()
    usual = Attributor(model, fast, world.spec(), options, token_budget=budget)
    rows = usual.rows(documents)
    begun = usual.gradients.tokens
    measured = memory.tokens_that_fit
    monkeypatch.setattr(memory, "free_memory", lambda device: 200_000)
    small = Attributor(model, fast, world.spec(), options, token_budget=budget)
    assert_same(rows, small.rows(documents))
    assert small.gradients.tokens < begun if kept_to else small.gradients.tokens == begun == (budget or 2048)
    if kept_to:
        longest = max((prompt.ids for prompt in small.renderer.encode(documents)), key=len)
        assert (small.gradients.tokens, small.gradients.extra) == measured(
            small.forward, longest, len(small.renderer.prefix)
        )
        assert small.gradients.extra > 0


@pytest.mark.parametrize("where", ["check", "tokens_that_fit"])
def test_no_memory_for_the_preparations_is_one_line(where: str, monkeypatch: Any) -> None:
    from training.attribution import attributor

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand more")

    fast = world.tokenizer()
    scorer = Attributor(world.random_model("llama", len(fast)), fast, world.spec(), AttributionOptions("ig"))
    monkeypatch.setattr(attributor, where, full)
    told = r"out of memory: CUDA out of memory\. Tried to allocate 2 GiB\. Use a smaller"
    with pytest.raises(UsageError, match=told) as error:
        scorer.rows(world.documents())
    assert "\n" not in str(error.value)
