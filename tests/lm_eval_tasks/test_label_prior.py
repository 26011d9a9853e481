"""classifier=calibrated: a constant bias of one label cancels, the prior is recorded, its texts are no test texts."""

from __future__ import annotations

import json
import math

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.erasure import calibrated, label_probability
from lm_eval_tasks.calls import Answer, Classify, ranked_answer
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_prior import CONTENT_FREE, mean_logprobs, prior_calls, prior_documents
from lm_eval_tasks.other_split import evaluation_hashes
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.answering import DOCUMENT, SENTIMENT, SNLI, spec_of
from tests.lm_eval_tasks.evaluations import TASK

TWO_TASKS = f"{TASK},faithful_se_snli_counterfactual_multiword"
BIASES = ("negative:3", "positive:-6.1", "entailment:9")


def metrics_of(results):
    """Metric values per task and per document, but for `label_mass`: it is that of the raw probabilities."""
    samples = {
        task: [{key: row[key] for key in row["metrics"] if not key.startswith("label_mass")} for row in rows]
        for task, rows in results["samples"].items()
    }
    table = {
        task: {key: value for key, value in row.items() if not key.startswith("label_mass")}
        for task, row in results["results"].items()
    }
    return json.loads(json.dumps({"results": table, "samples": samples}))


class TestAConstantBias:
    @pytest.fixture(scope="class")
    def without_bias(self, evaluate):
        return {
            prior: metrics_of(evaluate(RuleLM(h=0.7), "mini", TWO_TASKS, 8, **options(prior)))
            for prior in ("texts", "contextual", "domain")
        }

    @pytest.mark.parametrize(
        ("prior", "bias"), [*(("texts", bias) for bias in BIASES), ("contextual", BIASES[0]), ("domain", BIASES[1])]
    )
    def test_scores_as_without_it_once_labels_are_calibrated(self, evaluate, without_bias, prior, bias):
        results = evaluate(RuleLM(h=0.7, bias=bias), "mini", TWO_TASKS, 8, **options(prior))
        assert metrics_of(results) == without_bias[prior]

    def test_makes_a_constant_of_ranked_and_of_generated_labels(self, evaluate):
        for classifier in ("loglikelihood", "generate"):  # nor does a word matter to what is generated
            results = evaluate(RuleLM(bias="negative:9"), "mini", TASK, 12, classifier=classifier, controls="oracle")
            row = results["results"][TASK]
            assert (row["faithful,none"], row["faithful_oracle,none"]) == (0, 0)
        row = evaluate(RuleLM(bias="negative:9"), "mini", TASK, 12, **options("texts"))["results"][TASK]
        assert row["faithful_oracle,none"] >= row["faithful,none"] > 0

    def test_is_a_label_and_nats(self):
        for bias in ("negative", ":3", "negative:", "negative:much", "negative:inf"):
            with pytest.raises(UsageError, match="give a label and nats, as in negative:3"):
                RuleLM(bias=bias)


def options(prior):
    return {"classifier": "calibrated", "prior": prior, "controls": "oracle"} | (
        {"prior_texts": 16} if prior == "texts" else {}
    )


def test_the_prior_is_recorded_in_results_and_transcripts(evaluate):
    results = evaluate(RuleLM(bias="negative:3"), "mini", TASK, 3, **options("texts"))
    metadata = results["configs"][TASK]["metadata"]
    (prior,) = {tuple(json.loads(row["resps"][0][0])["prior"].items()) for row in results["samples"][TASK]}
    assert dict(prior) == metadata["label_prior"]
    assert metadata["label_prior"]["negative"] > metadata["label_prior"]["positive"]
    assert (metadata["faithful_se"]["prior"], metadata["faithful_se"]["prior_texts"]) == ("texts", 16)
    assert "label_prior" not in metadata["faithful_se"]  # checkpoints with other priors are compared all the same
    transcript = json.loads(results["samples"][TASK][0]["resps"][0][0])
    # Log-probabilities stay raw: they are those of a model, and sum to at most 1.
    assert sum(map(math.exp, transcript["prediction"]["logprobs"].values())) <= 1
    scores = calibrated(transcript["prediction"]["logprobs"], transcript["prior"])
    assert transcript["prediction"]["label"] == max(scores, key=scores.__getitem__)


def test_no_prior_is_recorded_without_one(evaluate):
    results = evaluate(RuleLM(), "mini", TASK, 1, classifier="loglikelihood")
    metadata = results["configs"][TASK]["metadata"]
    assert "label_prior" not in metadata and "prior" not in metadata["faithful_se"]
    assert json.loads(results["samples"][TASK][0]["resps"][0][0])["prior"] is None


class TestWhatIsAsked:
    @pytest.mark.parametrize("question", [SENTIMENT, SNLI])
    def test_contextual_asks_about_texts_without_content(self, question):
        spec = spec_of(question=question, classifier="calibrated", prior="contextual")
        calls = prior_calls(spec, Document(dict.fromkeys(question.fields, "secret")))
        assert [call.messages[-1][1] for call in calls] == [
            spec.classify(Document(dict.fromkeys(question.fields, text))).messages[-1][1] for text in CONTENT_FREE
        ]
        assert all(call.ranked and not call.prior and "secret" not in str(call.messages) for call in calls)

    def test_domain_asks_without_a_text(self):
        spec = spec_of(classifier="calibrated", prior="domain")
        (call,) = prior_calls(spec, DOCUMENT)
        assert call.messages == (
            (
                "user",
                "Is the sentiment of the following tweet negative or positive? Words of the tweet may be replaced by "
                '"[REDACTED]". Answer only with "negative" or "positive". Do not explain the answer.',
            ),
        )

    def test_labels_of_ones_own_have_a_prior_each(self, evaluate, tmp_path):
        (tmp_path / "cos_e").mkdir()
        rows = [
            {
                "question": f"Where is the {noun}?",
                "choices": ["bank", noun, "sea"],
                "answer": noun,
                "extractive_explanation": noun,
            }
            for noun in ("lamp", "coin")
        ]
        (tmp_path / "cos_e" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
        name = "faithful_se_cos_e_attribution_oneword"
        results = evaluate(RuleLM(), tmp_path, name, classifier="calibrated", prior="contextual")
        priors = [json.loads(row["resps"][0][0])["prior"] for row in results["samples"][name]]
        assert [list(prior) for prior in priors] == [["A", "B", "C"]] * 2
        assert "label_prior" not in results["configs"][name]["metadata"]
        results = evaluate(RuleLM(), tmp_path, name, classifier="calibrated", prior="contextual", answer_with="text")
        priors = [json.loads(row["resps"][0][0])["prior"] for row in results["samples"][name]]
        assert [list(prior) for prior in priors] == [row["choices"] for row in rows]
        with pytest.raises(UsageError, match="labels of its own, so prior=texts has no mean: take prior=contextual"):
            evaluate(RuleLM(), tmp_path, name, classifier="calibrated", answer_with="text")


class TestItsTexts:
    def test_are_drawn_once_and_for_all_from_another_split(self):
        dataset = dataset_spec("sentiment140")
        documents = prior_documents(dataset, "mini", 64)
        assert documents == prior_documents(dataset, "mini", 64)
        assert documents[:10] == prior_documents(dataset, "mini", 10)
        hashes = {document.hash for document in documents}
        assert len(hashes) == 64 and hashes.isdisjoint(evaluation_hashes(dataset, "mini"))
        train = {dataset.document(row).hash for row in load(dataset, "mini", "train")}
        assert hashes <= train
        without = {documents[0].hash, documents[5].hash}
        assert without.isdisjoint(document.hash for document in prior_documents(dataset, "mini", 64, without))

    def test_of_the_evaluation_are_left_out(self, tmp_path):
        dataset = dataset_spec("sentiment140")
        write_split(tmp_path, "test", ["same text", "other"])
        write_split(tmp_path, "validation", ["same text", "Same  text", "new", "new", "!"])
        assert sorted(d.fields["text"] for d in prior_documents(dataset, str(tmp_path), 9)) == ["Same  text", "new"]
        write_split(tmp_path, "train", ["of the training split"])  # which comes first
        load.cache_clear()
        assert [d.fields["text"] for d in prior_documents(dataset, str(tmp_path), 9)] == ["of the training split"]

    def test_missing_are_one_line_with_the_remedy(self, evaluate, tmp_path):
        write_split(tmp_path, "test", ["a text"])
        with pytest.raises(
            UsageError, match=rf"^{TASK}: sentiment140: .* or take prior=contextual, which needs no texts$"
        ):
            evaluate(RuleLM(), tmp_path, TASK, classifier="calibrated")
        load.cache_clear()
        write_split(tmp_path, "train", ["a text"])
        with pytest.raises(UsageError, match="every text of the other split is in the evaluation too: take prior="):
            evaluate(RuleLM(), tmp_path, TASK, classifier="calibrated")


def write_split(folder, split, texts):
    (folder / "sentiment140").mkdir(exist_ok=True)
    rows = [json.dumps({"text": text, "sentiment": 4}) for text in texts]
    (folder / "sentiment140" / f"{split}.jsonl").write_text("\n".join(rows))


CALL = Classify((("user", "?"),), ("a", "b"), True)


@pytest.mark.parametrize(
    ("rankings", "prior"),
    [
        ([(-1, -3)], (-1, -3)),
        ([(-1, -3), (-2, -5)], (-1.5, -4)),
        ([(-1, -3), None, (-2, -5)], (-1.5, -4)),  # a text that is longer than the context
        ([(0, 0), (0, 0)], (0, 0)),
        ([(-0.1, -0.2)] * 3, (-0.1, -0.2)),
        ([(-1e3, -1), (-1, -1e3)], (-500.5, -500.5)),
    ],
)
def test_the_prior_is_the_mean_of_log_probabilities(rankings, prior):
    answers = [
        Answer("", logprobs=row and dict(zip("ab", row, strict=True)), problem="" if row else "long")
        for row in rankings
    ]
    assert mean_logprobs([CALL], answers) == pytest.approx(dict(zip("ab", prior, strict=True)), rel=1e-12)


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ([Answer("", problem="the text is longer than the context")], "longer than the context: take prior="),
        ([], "there are no texts: take prior="),
        ([Answer("a", "a", {"a": 0.0, "b": -math.inf})], "of 'b' is -inf, not a finite number: take class"),
        ([Answer("a", "a", {"a": math.nan, "b": 0.0})], "of 'a' is nan, not a finite number"),
    ],
)  # fmt: skip
def test_a_prior_that_cannot_be_measured_is_one_line(answers, line):
    with pytest.raises(UsageError, match=line):
        mean_logprobs([CALL], answers)


@pytest.mark.parametrize(
    ("logprobs", "prior", "label", "probability"),
    [
        ((-1, -2), (), "a", 1 / (1 + math.exp(-1))),
        ((-1, -2), (-0.5, -2.5), "b", 1 / (1 + math.exp(1))),
        ((-1, -2), (-1, -2), "a", 0.5),  # a tie: the first label
        ((-2, -1), (-2, -1 + 1e-12), "a", 0.5),  # a tie but for rounding
        ((-9, -1), (-20, -1), "a", 1 / (1 + math.exp(-11))),
        ((-math.inf, -1), (-5, -1), "b", 0.0),
    ],
)
def test_the_label_is_the_best_after_the_prior(logprobs, prior, label, probability):
    row = dict(zip("ab", logprobs, strict=True))
    answer = ranked_answer(Classify(CALL.messages, CALL.labels, True, prior), row)
    assert (answer.label, answer.text, answer.logprobs) == (label, label, row)
    assert label_probability(row, "a", dict(zip("ab", prior, strict=False))) == pytest.approx(probability, abs=1e-9)
