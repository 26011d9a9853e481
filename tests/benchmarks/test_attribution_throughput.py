"""Throughput of a device: which tokens are counted, and the table."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmarks.attribution_inputs import texts_of
from benchmarks.attribution_throughput import TokenCounter, multiplied_parameters, throughput_table
from tests.training.attribution import tiny_models as world
from training.attribution.attributor import Attributor
from training.attribution.engine.forward import EmbeddedBatch
from training.attribution.options import AttributionOptions


@pytest.fixture(scope="module")
def attributor() -> Attributor:
    tokenizer = world.tokenizer()
    return Attributor(
        world.random_model("llama", len(tokenizer)), tokenizer, world.spec(), AttributionOptions("random")
    )


def test_parameters_that_a_token_is_multiplied_with(attributor: Attributor) -> None:
    # Two layers of width 32: queries and output 32 x 32, keys and values 32 x 16, three of 32 x 64, two norms. One norm
    # at the end.
    assert (
        multiplied_parameters(attributor.forward.model) == 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64 + 2 * 32) + 32
    )


def test_a_backward_pass_counts_as_one_more_and_padding_not_at_all(attributor: Attributor) -> None:
    forward = attributor.forward
    ids, lengths = forward.pad([[7, 8, 9], [7, 8, 9, 10, 11]])
    rows = EmbeddedBatch(forward.embed(ids), lengths, after_prefix=True)
    with TokenCounter() as counter:
        with torch.no_grad():
            forward(rows)
        assert counter.passes() == 3 + 5
        forward(rows)
        assert counter.passes() == 8 + 2 * 8
    assert counter.padding() == pytest.approx(1 - 8 / 10)
    forward(rows)
    assert counter.passes() == 24, "nothing is counted outside"


def test_the_work_of_a_run_is_that_of_its_prompts(attributor: Attributor) -> None:
    prompts = attributor.renderer.encode(world.documents())
    attributor.rows(world.documents()[:1])  # the first run compares the model with itself, once
    with TokenCounter() as counter:
        attributor.rows(world.documents())
    # No word is asked about: each prompt once, behind the tokens that all share.
    assert counter.passes() == sum(len(prompt.ids) - len(attributor.renderer.prefix) for prompt in prompts)


def test_the_table_has_a_row_for_each_method(capsys: Any) -> None:
    lines = throughput_table("2m", "cpu", texts_of(None, 2), 0, rounds=1)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert [row[0] for row in rows] == ["method", "occlusion", "cascade", "ig, 16 steps", "ig, 32 steps"]
    assert all(float(row[1]) > 0 and 0 <= int(row[2].rstrip("%")) <= 100 for row in rows[1:])
