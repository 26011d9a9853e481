"""Options: defaults, overrides, and a clear line for everything else."""

from __future__ import annotations

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.units import UNITS, WORD_UNIT
from lm_eval_tasks.options import CHOICES, Options
from lm_eval_tasks.read_options import read_options


def test_defaults_are_those_of_the_contract():
    options = read_options("t", {}, {})
    assert options == Options()
    assert (options.data, options.classifier, options.context) == ("hub", "generate", "same")
    assert (options.mask, options.unknown, options.controls, options.operator) == (
        "[REDACTED]",
        False,
        ("random",),
        "mask",
    )


def test_the_user_overrides_the_yaml_and_the_yaml_the_default():
    declared = {"dataset": "snli", "mask": "___", "context": "fresh"}
    options = read_options("t", declared, {"mask": "[MASK]", "pretrained": "gpt2", "dtype": "bfloat16"})
    assert (options.mask, options.context, options.data) == ("[MASK]", "fresh", "hub")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("oracle", ("random", "oracle")),  # ccf needs the random control
        ("random+stability", ("random", "stability")),
        ("stability,random", ("random", "stability")),
        ("[random, oracle]", ("random", "oracle")),
        (["stability"], ("stability",)),
        ("none", ()),
        ([], ()),
        ("all", ("random", "oracle", "stability")),
    ],
)
def test_controls(value, expected):
    assert read_options("t", {}, {"controls": value}).controls == expected


@pytest.mark.parametrize("value", ["delete+infill", "delete, infill", "[delete,infill]", ["delete", "infill"]])
def test_operators(value):
    options = read_options("t", {}, {"operator": value})
    assert (options.operator, options.operators, options.removal) == ("delete+infill", ("delete", "infill"), "several")
    assert (Options().operators, Options().removal) == (("mask",), "mask")


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({"classifier": "argmax"}, "t: classifier='argmax': give one of generate, loglikelihood, calibrated"),
        ({"context": "new"}, "t: context='new': give one of same, fresh"),
        ({"operator": "drop"}, "t: operator='drop': give any of mask, delete, substitute, infill joined by '+'"),
        (
            {"operator": "mask+drop"},
            "t: operator='mask+drop': give any of mask, delete, substitute, infill joined by '+'",
        ),
        ({"operator": "mask+mask"}, "t: operator='mask+mask': give each operator once"),
        ({"unknown": "maybe"}, "t: unknown='maybe': give true or false"),
        ({"mask": ""}, "t: mask='': give a text that is not empty"),
        ({"mask": 3}, "t: mask=3: give a text that is not empty"),
        ({"mask": "a\nb"}, "t: mask='a\\nb': a mask cannot hold a line break"),
        ({"draws": 0}, "t: draws=0: give a whole number from 1"),
        ({"draws": True}, "t: draws=True: give a whole number from 1"),
        (
            {"controls": "oracel"},
            "t: controls='oracel': give any of random, oracle, stability joined by '+', or none, or all",
        ),
        ({"prior": "mean"}, "t: prior='mean': give one of texts, contextual, domain"),
        ({"prior_texts": 0}, "t: prior_texts=0: give a whole number from 1"),
        (
            {"prior": "domain", "classifier": "loglikelihood"},
            "t: prior=domain is for classifier=calibrated: add that, or leave it out",
        ),
        ({"prior_texts": 8}, "t: prior_texts=8 is for classifier=calibrated: add that, or leave it out"),
        (
            {"classifier": "calibrated", "prior": "contextual", "prior_texts": 8},
            "t: prior_texts=8 is for prior=texts: add that, or leave it out",
        ),
        ({"clasifier": "generate"}, "t: --metadata clasifier=…: no such option; did you mean classifier?"),
        ({"control": "none"}, "t: --metadata control=…: no such option; did you mean controls?"),
    ],
)
def test_a_wrong_option_is_one_clear_line(overrides, line):
    with pytest.raises(UsageError) as error:
        read_options("t", {}, overrides)
    assert str(error.value) == line
    assert isinstance(error.value, ValueError)


def test_model_arguments_pass():
    """`--model_args` come along in the same mapping; none of lm-eval's usual ones looks like an option."""
    model_arguments = (
        "pretrained revision dtype device trust_remote_code parallelize peft delta base_url model tokenizer max_length "
        "batch_size max_batch_size add_bos_token prefix_token_id truncation logits_cache num_concurrent max_retries "
        "tensor_parallel_size data_parallel_size gpu_memory_utilization enable_thinking think_end_token load_in_4bit "
        "attn_implementation backend low_cpu_mem_usage chat_template_args softmax_dtype timeout seed quantization"
    )
    assert read_options("t", {}, dict.fromkeys(model_arguments.split(), 1)) == Options()


def test_a_mistake_in_the_yaml_is_refused_even_where_the_user_overrides_it():
    with pytest.raises(UsageError, match=r"^t: operator='drop': give any of mask, delete, substitute, infill "):
        read_options("t", {"operator": "drop"}, {"operator": "mask"})


def test_the_units_are_those_of_the_metrics():
    assert CHOICES["unit"] == UNITS and Options().unit == WORD_UNIT
