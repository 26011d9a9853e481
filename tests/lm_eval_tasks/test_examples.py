"""`--num_fewshot k`: balanced examples as turns, the same for every perturbed text, never a text of the evaluation."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.examples import draw_examples, example_turns
from lm_eval_tasks.options import FEWSHOT_SEED
from lm_eval_tasks.other_split import evaluation_hashes
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import read
from tests.lm_eval_tasks.answering import DOCUMENT, SENTIMENT, SNLI, label, spec_of
from tests.lm_eval_tasks.evaluations import TASK
from tests.lm_eval_tasks.recording_lm import RecordingLM

PAIR = Document({"premise": "A man sleeps.", "hypothesis": "A man is awake."}, gold="contradiction")


class TestTheDraw:
    @pytest.mark.parametrize("dataset", ["sentiment140", "snli", "agnews", "trec", "sms_spam"])
    @pytest.mark.parametrize("count", [1, 4, 7])
    def test_is_balanced_seeded_and_not_of_the_evaluation(self, dataset, count):
        source = dataset_spec(dataset)
        examples = draw_examples(source, "mini", count, 7)
        counts = Counter(document.gold for document in examples)
        n_labels = len(source.question.labels)
        assert len(examples) == len({document.hash for document in examples}) == count
        assert max(counts.values()) - min(counts[label] for label in source.question.labels) <= 1
        assert max(counts.values()) == -(-count // n_labels)
        assert examples == draw_examples(source, "mini", count, 7) != draw_examples(source, "mini", count, 8)
        assert evaluation_hashes(source, "mini").isdisjoint(document.hash for document in examples)

    def test_from_too_few_texts_is_one_line(self, tmp_path):
        (tmp_path / "sentiment140").mkdir()
        rows = [{"text": f"text {n}", "sentiment": 4} for n in range(9)]
        for split, part in (("test", rows[:3]), ("train", rows)):
            (tmp_path / "sentiment140" / f"{split}.jsonl").write_text("\n".join(map(json.dumps, part)))
        with pytest.raises(UsageError, match=r"^sentiment140: 4 examples are too many, .* texts of negative: leave"):
            draw_examples(dataset_spec("sentiment140"), str(tmp_path), 4, 0)
        (tmp_path / "sentiment140" / "train.jsonl").unlink()
        load.cache_clear()
        with pytest.raises(UsageError, match=r"no texts outside of the evaluation: .* or leave the examples out$"):
            draw_examples(dataset_spec("sentiment140"), str(tmp_path), 4, 0)


@pytest.mark.parametrize(
    ("question", "document", "options"),
    [
        (SENTIMENT, DOCUMENT, {}),
        (SENTIMENT, DOCUMENT, {"unknown": True}),
        (SENTIMENT, DOCUMENT, {"mask": "___"}),
        (SENTIMENT, DOCUMENT, {"operator": "delete"}),
        (SENTIMENT, Document({"text": ""}), {}),
        (SENTIMENT, Document({"text": "Tweet: two\n\nlines"}), {}),
        (SNLI, PAIR, {}),
        (SNLI, PAIR, {"unknown": True}),
        (SNLI, PAIR, {"operator": "substitute"}),
        (SNLI, Document({"premise": "N/A", "hypothesis": ""}), {}),
    ],
)
def test_rule_based_models_read_the_last_question(question, document, options):
    documents = [PAIR] * 2 if question is SNLI else [DOCUMENT, Document({"text": "so sad"}, gold="negative")]
    plain = spec_of(question=question, **options)
    spec = spec_of(question=question, **options)
    spec = type(spec)(**{**vars(spec), "examples": example_turns(plain, documents)})
    turns = spec.classify(document).messages
    assert [role for role, _ in turns] == ["user", "assistant"] * 2 + ["user"]
    assert turns[:4] == spec.examples and turns[4] == plain.classify(document).messages[0]
    assert read(as_chat(turns)) == read(as_chat(plain.classify(document).messages))
    request, plain_request = (s.explain(document, label(question.labels[0])) for s in (spec, plain))
    assert read(as_chat(request.messages)) == read(as_chat(plain_request.messages))
    assert request.messages[:4] == spec.examples


def test_a_fresh_conversation_has_no_examples():
    spec = spec_of(context="fresh")
    with_examples = type(spec)(**{**vars(spec), "examples": example_turns(spec, [DOCUMENT])})
    other = Document({"text": "so sad"})
    assert with_examples.explain(other, label("negative")) == spec.explain(other, label("negative"))


def test_examples_in_a_run_of_lm_eval(evaluate):
    """The numbers of a model that ignores examples stay; every call has the same examples; results say so."""
    lm, extra = RecordingLM(), {"num_fewshot": 4}
    results = evaluate(lm, "mini", TASK, 6, extra)
    without = evaluate(RuleLM(), "mini", TASK, 6)
    assert results["results"] == without["results"]
    assert results["n-shot"][TASK] == 4
    declared = results["configs"][TASK]["metadata"]["faithful_se"]
    assert (declared["num_fewshot"], declared["fewshot_seed"]) == (4, FEWSHOT_SEED)
    assert "num_fewshot" not in without["configs"][TASK]["metadata"]["faithful_se"]
    (examples,) = {json.dumps(json.loads(arguments[0])[:8]) for arguments in lm.arguments}
    drawn = draw_examples(dataset_spec("sentiment140"), "mini", 4, FEWSHOT_SEED)
    assert json.loads(examples) == as_chat(example_turns(spec_of(), drawn))
    row = results["samples"][TASK][0]
    transcript = json.loads(row["resps"][0][0])
    assert transcript["prediction"]["messages"][:8] == transcript["explanation"]["messages"][:8] == json.loads(examples)
    assert all(document.fields["text"] in row["arguments"][0][0] for document in drawn)


def test_the_seed_is_the_fourth_of_lm_eval(evaluate):
    messages = []
    for seed in (5, None):
        extra = {"num_fewshot": 2, "fewshot_random_seed": seed}
        results = evaluate(RuleLM(), "mini", TASK, 1, extra)
        transcript = json.loads(results["samples"][TASK][0]["resps"][0][0])
        messages.append(transcript["prediction"]["messages"][:4])
        drawn = draw_examples(dataset_spec("sentiment140"), "mini", 2, FEWSHOT_SEED if seed is None else seed)
        assert messages[-1] == as_chat(example_turns(spec_of(), drawn))
    assert messages[0] != messages[1]
