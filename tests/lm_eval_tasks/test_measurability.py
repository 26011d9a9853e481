"""A model with one answer: the log, the results and the board say so, and none of them shows 0 ± 0 for it."""

from __future__ import annotations

import logging
from typing import ClassVar

from lm_eval.loggers import EvaluationTracker

from faithful_se.evaluation import measure
from lm_eval_tasks.calls import Answer, Classify, ranked_answer
from lm_eval_tasks.document import Document
from lm_eval_tasks.measurability import findings
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.request_type import SelfExplainRequest, answer_requests
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.scheduler import run
from tests.leaderboards.boards_from_files import board_of
from tests.lm_eval_tasks.answering import SNLI, spec_of
from tests.lm_eval_tasks.evaluations import TWEET_TASKS

TASKS = f"{TWEET_TASKS},faithful_se_snli_attribution_oneword"


def test_from_the_evaluation_to_the_board(evaluate, tmp_path, caplog):
    tracker = EvaluationTracker(output_path=str(tmp_path))
    with caplog.at_level(logging.WARNING):
        options = {"controls": "oracle", "classifier": "loglikelihood"}
        results = evaluate(RuleLM("constant"), "mini", TASKS, 24, {"evaluation_tracker": tracker}, **options)
    warnings = [message for message in caplog.messages if "cannot be measured" in message]
    # One line per dataset, although three tasks ask about the tweets.
    assert [message.partition(":")[0] for message in warnings] == ["sentiment140", "snli"]
    for message, label in zip(warnings, ("negative", "entailment"), strict=True):
        assert f'the model answers "{label}" for 24 of 24 texts (accuracy .' in message and "majority ." in message
        assert message.endswith("; use --metadata classifier=calibrated, --num_fewshot 4, or another model")
    for row in results["results"].values():
        assert row["measurable,none"] == "no (one answer for 24 of 24)" and row["measurable_stderr,none"] == "N/A"
        assert row["answer_share,none"] == 1.0 and row["answer_share_stderr,none"] == 0.0
        assert 0.25 <= row["acc_majority,none"] <= 0.75 and row["acc_majority_stderr,none"] > 0
        assert row["acc,none"] <= row["acc_majority,none"]
        assert row["headroom,none"] == 0.0 and row["headroom_stderr,none"] == 0.0 and row["label_mass,none"] > 0.99
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, rows in samples.items():
        tracker.save_results_samples(task_name=task, samples=rows)
    board = board_of(tmp_path)
    assert len(board.cells) == 4 and not board.skipped
    for cell in board.cells:
        row = results["results"][f"faithful_se_{cell.task}"]
        assert cell.not_measurable in "".join(warnings) and len(cell.answers) == 1
        assert cell.metrics["faithful"].estimate is cell.metrics["lift"].estimate is None
        for name in ("acc_majority", "answer_share", "headroom", "label_mass"):
            assert abs(cell.metrics[name].estimate - row[f"{name},none"]) < 1e-6, name
    assert sum(', sentiment140: the model answers "negative" for 24 of 24' in line for line in board.notes) == 1


def test_of_several_processes_one_says_what_all_have_seen(caplog):
    """A process alone has seen a part of the texts, and a copy of one of them where the parts differ in size."""
    spec = spec_of(controls=("random",))
    requests = [
        SelfExplainRequest(
            request_type="self_explain",
            doc={},
            arguments=("",),
            idx=0,
            metadata=("a_task", number, 1),
            spec=spec,
            document=Document({"text": f"I love tweet {number}"}, gold=("positive", "negative")[number % 2]),
            render=RuleLM().apply_chat_template,
            number=number,
        )
        for number in range(9)
    ]

    class OneOfTwo(RuleLM):
        parts: ClassVar[list] = []
        world_size, rank, device = 2, 0, "cpu"

        def gather_object(self, obj, dst=0):
            self.parts.append(obj)
            return self.parts if len(self.parts) == 2 else None

    with caplog.at_level(logging.WARNING):
        answer_requests(OneOfTwo("constant"), requests[:5])
        assert not caplog.messages
        answer_requests(OneOfTwo("constant"), [*requests[5:], requests[8]])
    (message,) = caplog.messages
    assert message.startswith(
        'sentiment140: the model answers "negative" for 9 of 9 texts (accuracy .44, majority .56)'
    )


def answers(calls, label):
    return [Answer(label or "?", label) if isinstance(call, Classify) else Answer("love") for call in calls]


def lines_of(labels, golds, tasks=(("attribution", "oneword"),), **options):
    """What is logged if the k-th text, and each perturbation of it, gets the k-th label."""
    specs = [spec_of(style, budget, **{"controls": ("random",), **options}) for style, budget in tasks]
    documents = [Document({"text": f"I love tweet {n}"}, gold=gold) for n, gold in enumerate(golds)]
    transcripts = [
        run([self_explain(spec, document)], lambda calls, label=label: answers(calls, label))[0]
        for spec in specs[:1]
        for document, label in zip(documents, labels, strict=True)
    ]
    return findings((spec, documents, transcripts) for spec in specs)


def test_one_line_per_dataset_and_reason():
    golds = ["positive", "negative"] * 4
    constant = ["positive"] * 8
    both = (("attribution", "oneword"), ("redaction", "oneword"))
    (line,) = lines_of(constant, golds, both)
    assert line.startswith('sentiment140: the model answers "positive" for 8 of 8 texts (accuracy .50, majority .50): ')
    (line,) = lines_of([None] * 6 + ["positive", "negative"], golds)
    assert line.startswith(
        "sentiment140: no label can be read in 6 of 8 answers: faithful and lift cannot be measured; "
    )
    assert "classifier=loglikelihood" in line and "synonyms" in line
    (line,) = lines_of(golds, golds, both, controls=("random", "oracle"))
    assert line.startswith("sentiment140: no word that was tried changes an answer (0 of 8 texts): ")
    assert lines_of(golds, golds) == []  # without an oracle nothing says that no word matters
    assert lines_of(["positive"], ["positive"]) == []


def test_ties_are_one_line_per_dataset():
    def ranked(calls):
        values = ({"negative": -1.25, "positive": -1.25}, {"negative": -2.5, "positive": -1.25})
        return [
            ranked_answer(call, values["tweet 1" in str(call.messages)]) if isinstance(call, Classify) else Answer("I")
            for call in calls
        ]

    documents = [Document({"text": f"I love tweet {n}"}, gold="positive") for n in range(2)]
    specs = [spec_of(style, "oneword", classifier="loglikelihood") for style in ("attribution", "redaction")]
    transcripts = [run([self_explain(specs[0], document)], ranked)[0] for document in documents]
    (line,) = findings(((spec, documents, transcripts) for spec in specs), "bfloat16")
    assert line == (
        "sentiment140: the two best labels tie in 1 of 2 answers (50.0%), and the first of them counts: bfloat16 "
        "rounds; use --model_args dtype=float32"
    )


def test_own_labels_count_by_their_place_and_python_says_it_too():
    spec = spec_of(question=SNLI, controls=("random",))
    documents = [
        Document({"premise": f"p {n}", "hypothesis": "h"}, f"b{n}" if n % 2 else f"a{n}", (f"a{n}", f"b{n}", f"c{n}"))
        for n in range(12)
    ]
    first = {document.labels: document.labels[0] for document in documents}
    evaluation = measure("evaluate", spec, documents, lambda calls: [
        Answer(first[call.labels], first[call.labels]) if isinstance(call, Classify) else Answer("h") for call in calls
    ])  # fmt: skip
    reason = evaluation.metrics["measurable"]
    assert reason.estimate is None and reason.note.startswith(
        'the model answers "choice 1" for 12 of 12 texts (accuracy'
    )
    assert "measurable" in str(evaluation) and "choice 1" in str(evaluation)
    assert (evaluation.metrics["answer_share"].estimate, evaluation.metrics["acc_majority"].estimate) == (1.0, 0.5)
