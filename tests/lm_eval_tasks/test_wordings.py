"""`template=2` to `template=5`: the requests in other words, which the rule-based models understand alike."""

from __future__ import annotations

from itertools import product
from string import Formatter

import pytest
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.languages import ENGLISH, prompts_of, wording_problem, wordings_of
from lm_eval_tasks.options import TEMPLATES, Options
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.requests import requests_by_text
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from lm_eval_tasks.styles.explanation import Request
from tests.test_house import ROOT

MASK = "[REDACTED]"
SNLI = dataset_spec("snli").question


def parts(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_every_request_has_five_wordings_with_the_same_parts():
    wordings = wordings_of(ENGLISH)
    units = ("word", "sentence")
    keys = product(EXPLANATION_STYLES, units, BUDGETS)
    assert set(wordings) == {".".join(parts) for parts in keys}
    for key, others in wordings.items():
        first = prompts_of(ENGLISH)[key]
        assert len({first, *others}) == TEMPLATES
        assert {frozenset(parts(template)) for template in others} == {frozenset(parts(first))}


def test_the_request_in_another_wording():
    assert STYLES["attribution"].ask(Request(SNLI, "oneword", MASK, template=2)) == (
        "Name the single word of the premise and hypothesis that your answer depends on most. Your answer would be "
        'another one if that word were replaced by "[REDACTED]" wherever it occurs. Reply with that word alone, '
        "spelled as in the premise and hypothesis."
    )
    assert STYLES["counterfactual"].ask(Request(SNLI, "oneword", MASK, target="neutral", template=5)) == (
        "Give the premise and hypothesis again with one word exchanged for another, which turns your answer into "
        '"neutral". Keep the rest word for word. Reply with the new premise and hypothesis only. Write the premise '
        'after "Premise:" and the hypothesis after "Hypothesis:", one per line.'
    )


def test_every_wording_is_read_as_its_own_request():
    table = requests_by_text(SNLI, MASK)
    wordings = {(style, request.unit, request.budget, request.template) for style, request in table.values()}
    assert len(wordings) == len(EXPLANATION_STYLES) * 2 * 2 * TEMPLATES
    assert all(STYLES[style].ask(request) == text for text, (style, request) in table.items())


def test_a_rule_explains_alike_in_every_wording():
    numbers = []
    for template in (1, 4):
        results = simple_evaluate(
            RuleLM("honest", h=1.0),
            tasks=[f"faithful_se_sentiment140_{style}_oneword" for style in EXPLANATION_STYLES],
            task_manager=TaskManager(
                include_defaults=False,
                include_path=str(DATASETS),
                metadata={"data": "mini", "template": template},
            ),
            limit=10,
            apply_chat_template=True,
            log_samples=False,
            bootstrap_iters=0,
        )
        options = [config["metadata"]["faithful_se"] for config in results["configs"].values()]
        assert {declared.get("template", 1) for declared in options} == {template}
        numbers.append({task: values["faithful,none"] for task, values in results["results"].items()})
    assert numbers[0] == numbers[1] and any(numbers[0].values())


@pytest.mark.parametrize("value", [0, 6, "2.5", True])
def test_other_numbers_are_refused(value):
    with pytest.raises(UsageError, match=r"template=.*give a whole number from 1"):
        read_options("t", {}, {"template": value})


def test_languages_and_datasets_with_one_wording_say_so():
    german = dataset_spec("reviews_de", ROOT / "examples" / "languages").question
    with pytest.raises(
        UsageError, match="reviews_de: template=2: the requests in de have one wording: leave template out"
    ):
        TaskSpec(german, "attribution", "oneword", Options(template=2))
    own = "the dataset has a wording of its own of redaction.word.oneword: leave template out"
    assert wording_problem(ENGLISH, {"classify", "redaction.word.oneword"}) == own
    assert not wording_problem(ENGLISH, {"classify"})
