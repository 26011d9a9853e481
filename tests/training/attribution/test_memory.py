"""Memory of gradients: measured, and a limit where the user gives no token budget."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from faithful_se.errors import UsageError
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.test_batches import assert_same
from training.attribution.attributor import Attributor
from training.attribution.engine import memory
from training.attribution.options import AttributionOptions


class Exponential:
    """A frozen matrix. Autograd keeps one number for each of its results, and ten more for each row."""

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


def test_tensors_kept_for_backward_are_counted_and_parameters_are_not() -> None:
    # The derivative of exp is its result: six numbers of four bytes a token, ten a row. The matrix is there anyway.
    for length in (1, 5):
        assert memory.bytes_kept_for_backward(Exponential(), [1] * length, shared=False) == 6 * 4 * length + 10 * 4


def test_half_of_the_free_memory_and_the_overhead_of_a_row(monkeypatch: Any) -> None:
    ids = [1, 2, 3, 4, 5, 6, 7, 8]
    monkeypatch.setattr(memory, "free_memory", lambda device: 4800)
    # 24 bytes a token; 40 a row are less than two tokens.
    assert memory.tokens_that_fit(Exponential(), ids, 2) == (100, 2)
    monkeypatch.setattr(memory, "free_memory", lambda device: 10)
    assert memory.tokens_that_fit(Exponential(), ids, 0) == (1, 2)
    monkeypatch.setattr(memory, "free_memory", lambda device: None)
    assert memory.tokens_that_fit(Exponential(), ids, 0)[0] > 1 << 40


def test_processes_share_the_memory_of_a_machine(monkeypatch: Any) -> None:
    one_process = memory.free_memory(torch.device("cpu"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert memory.free_memory(torch.device("cpu")) == pytest.approx(one_process / 4, rel=0.3)


def test_free_memory_of_devices() -> None:
    assert 1 << 20 < memory.free_memory(torch.device("cpu")) < 1 << 50
    assert memory.free_memory(torch.device("meta")) is None


@pytest.mark.parametrize(
    ("method", "budget", "limited"),
    [("ig", 0, True), ("cascade", 0, True), ("occlusion", 0, False), ("ig", 500, False)],
)
def test_gradients_stay_within_it_and_no_score_changes(
    method: str, budget: int, limited: bool, monkeypatch: Any
) -> None:
    fast = tiny.tokenizer()
    model = tiny.random_model("llama", len(fast))
    options, documents = AttributionOptions(method, steps=4), tiny.documents()
    unlimited = Attributor(model, fast, tiny.spec(), options, token_budget=budget)
    rows = unlimited.rows(documents)
    measured = memory.tokens_that_fit
    monkeypatch.setattr(memory, "free_memory", lambda device: 200_000)
    small = Attributor(model, fast, tiny.spec(), options, token_budget=budget)
    assert_same(rows, small.rows(documents))
    gradients = small.budgets.gradients
    if not limited:
        assert gradients.tokens == unlimited.budgets.gradients.tokens == (budget or 2048)
        return
    longest = max((prompt.ids for prompt in small.renderer.encode(documents)), key=len)
    assert (gradients.tokens, gradients.row_overhead) == measured(small.forward, longest, len(small.renderer.prefix))
    assert gradients.tokens < unlimited.budgets.gradients.tokens and gradients.row_overhead > 0


@pytest.mark.parametrize("step", ["verify_forward", "tokens_that_fit"])
def test_no_memory_for_the_preparations_is_one_line(step: str, monkeypatch: Any) -> None:
    from training.attribution import attributor

    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nand more")

    fast = tiny.tokenizer()
    scorer = Attributor(tiny.random_model("llama", len(fast)), fast, tiny.spec(), AttributionOptions("ig"))
    monkeypatch.setattr(attributor, step, full)
    message = r"out of memory: CUDA out of memory\. Tried to allocate 2 GiB\. Use a smaller"
    with pytest.raises(UsageError, match=message) as error:
        scorer.rows(tiny.documents())
    assert "\n" not in str(error.value)
