"""The complaints as every command takes them: models of known honesty score exactly so."""

from __future__ import annotations

import json

import pytest
import torch.utils.collect_env
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

import faithful_se
from faithful_se.errors import UsageError
from lm_eval_tasks.data import OWN, dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, one_word_decides
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.write_tasks import cells

TASK = "faithful_se_complaints_attribution_oneword"


def evaluate(folder, lm, tasks="faithful-se-complaints", **options):
    manager = TaskManager(include_defaults=False, include_path=str(folder), metadata=options)
    return simple_evaluate(lm, tasks=[tasks], task_manager=manager, apply_chat_template=True, bootstrap_iters=1)


@pytest.fixture(autouse=True, scope="module")
def machine():
    """Not asked about: lm-eval starts pip for it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(torch.utils.collect_env, "get_pretty_env_info", str)
        yield


@pytest.fixture(scope="module")
def question(complaints):
    return dataset_spec("complaints", complaints).question


@pytest.fixture(scope="module")
def honest(complaints, machine):
    return evaluate(complaints, RuleLM())


def explained(results, question):
    """(conversation, transcript, sample) of every document and task."""
    for samples in results["samples"].values():
        for sample in samples:
            transcript = json.loads(sample["resps"][0][0])
            spec = TaskSpec(question, transcript["style"], transcript["budget"])
            request = spec.request(Document(transcript["fields"]), transcript["explanation"]["target"])
            yield (
                Conversation(question, transcript["fields"], "[REDACTED]", False, request, spec.style),
                transcript,
                sample,
            )


def test_the_honest_model_is_faithful_wherever_one_word_decides(honest, question):
    assert {task: scores["sample_len"] for task, scores in honest["results"].items()} == dict.fromkeys(
        [f"faithful_se_complaints_{style}_{budget}" for style, budget in cells()], 18
    )
    for conversation, transcript, sample in explained(honest, question):
        decides = one_word_decides(conversation) or STYLES[transcript["style"]].WANTS_TARGET
        assert sample["valid"] == 1
        assert transcript["prediction"]["label"] == label_of(conversation)
        if decides or transcript["budget"] == "oneword":
            assert sample["faithful"] == decides
        assert transcript["options"]["data"] == OWN


def test_a_model_that_is_honest_half_of_the_time_scores_exactly_so(complaints, question):
    lm = RuleLM(h=0.5)
    scores = [
        (sample["faithful"], lm.is_honest(conversation) and one_word_decides(conversation))
        for conversation, _, sample in explained(evaluate(complaints, lm, TASK), question)
    ]
    assert len(scores) == 18
    assert {expected for _, expected in scores} == {True, False}
    assert [bool(score) for score, _ in scores] == [expected for _, expected in scores]


@pytest.mark.parametrize(
    ("strategy", "metric"), [("constant", "faithful"), ("absent_word", "valid"), ("whole_text", "valid")]
)
def test_degenerate_strategies_are_exposed(strategy, metric, complaints):
    assert evaluate(complaints, RuleLM(strategy), TASK)["results"][TASK][f"{metric},none"] == 0


def test_python_reads_the_folder_as_the_command_does(complaints, honest, question):
    documents = faithful_se.read_documents("complaints", include_path=complaints)
    result = faithful_se.evaluate(RuleLM(), None, documents, dataset="complaints", include_path=complaints)
    assert result.metrics["faithful"].estimate == honest["results"][TASK]["faithful,none"]
    asked = result.transcripts[0]["prediction"]["messages"][0]["content"]
    assert asked == question.classify(documents[0].fields, "[REDACTED]", unknown=False)
    with pytest.raises(UsageError, match="no dataset 'complaints'; there are agnews"):
        faithful_se.read_documents("complaints")
    with pytest.raises(UsageError, match=r"evaluate: include_path=…: is for dataset=…, the name of a dataset in it"):
        faithful_se.evaluate(RuleLM(), None, ["a text"], labels=["a", "b"], include_path=complaints)
