"""Memory of gradients: measured, and kept to where the user names no number."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.training.attribution import architectures as world
from tests.training.attribution.test_batches import assert_same
from training.attribution import memory
from training.attribution.attribute import Attributor
from training.attribution.options import AttributionOptions


class Exponential:
    """What a model is to the measurement: a frozen matrix, and one number to remember for each of its results."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.model = torch.nn.Linear(4, 6, bias=False).requires_grad_(False)

    def pad(self, rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(rows), torch.tensor([len(row) for row in rows])

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        return ids[..., None].expand(-1, -1, 4) / 10

    def __call__(self, rows: Any) -> torch.Tensor:
        return self.model(rows.embeds).exp()


def test_what_is_kept_is_counted_and_parameters_are_not() -> None:
    # The derivative of exp is its result: six numbers of four bytes a token. The matrix is there anyway.
    assert memory.bytes_per_token(Exponential(), [1, 2, 3, 4, 5], shared=False) == 6 * 4


def test_half_of_what_is_free(monkeypatch: Any) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: 4800)
    assert memory.tokens_that_fit(Exponential(), [1, 2, 3, 4, 5], 2) == 100
    monkeypatch.setattr(memory, "free_memory", lambda device: 10)
    assert memory.tokens_that_fit(Exponential(), [1, 2, 3, 4, 5], 0) == 1
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    assert memory.tokens_that_fit(Exponential(), [1, 2, 3, 4, 5], 0) > 1 << 40


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
    measured = memory.bytes_per_token
    monkeypatch.setattr(memory, "free_memory", lambda device: 200_000)
    small = Attributor(model, fast, world.spec(), options, token_budget=budget)
    assert_same(rows, small.rows(documents))
    assert small.gradients.tokens < begun if kept_to else small.gradients.tokens == begun == (budget or 2048)
    if kept_to:
        prompts = sorted((prompt.ids for prompt in small.renderer.encode(documents)), key=len)
        ids = prompts[len(prompts) // 2][len(small.renderer.prefix) :]
        assert small.gradients.tokens == int(100_000 / measured(small.forward, ids, True))
