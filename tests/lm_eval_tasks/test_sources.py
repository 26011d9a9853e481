"""Explanations of others: judged as the model's own are, and on planted truth worth what they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.transcript import Transcript
from faithfulness_metrics.words import words_of
from lm_eval_tasks.calls import Generate
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.rules import label_index, weight_of
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.sources import TaskOfSource, open_source
from lm_eval_tasks.sources.source import Source
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.steps import steps_of
from tests.lm_eval_tasks.answering import DOCUMENT, SENTIMENT, label, play, spec_of

AGNEWS, TEXTS = dataset_spec("agnews"), 30
DATE = "2026-01-02T03-04-05.000006"


def task_of(spec: TaskSpec, rationales: bool = False) -> TaskOfSource:
    dataset = spec.question.dataset
    name = f"faithful_se_{dataset}_{spec.style}_{spec.budget}"
    return TaskOfSource(name, dataset, spec.style, spec.budget, spec.options.unit, rationales)


def explained_by(source: Any, spec: TaskSpec, **more: Any) -> TaskSpec:
    return replace(spec, source=open_source(str(source), task_of(spec, **more)))


def write_word_list(path: Path, lists: Any) -> Path:
    path.write_text(json.dumps({"word_lists": lists}))
    return path


def write_samples(folder: Path, spec: TaskSpec, transcripts: list[Transcript]) -> Path:
    folder.mkdir(parents=True)
    path = folder / f"samples_{task_of(spec).name}_{DATE}.jsonl"
    path.write_text("".join(json.dumps({"filtered_resps": [json.dumps(row)]}) + "\n" for row in transcripts))
    return path


def agnews_texts() -> list[Document]:
    return [AGNEWS.document(row) for row in load(AGNEWS, "mini").select(range(TEXTS))]


def transcripts_of(model: RuleLM, spec: TaskSpec, documents: list[Document]) -> list[Transcript]:
    backend = Backend(model, model.apply_chat_template)
    return run([self_explain(spec, document) for document in documents], backend.respond)


def lifts(transcripts: list[Transcript], spec: TaskSpec, documents: list[Document]) -> list[Any]:
    return [score(*row)["lift"] for row in zip(transcripts, [spec] * len(documents), documents, strict=True)]


@pytest.fixture(scope="module")
def rule_as_list(tmp_path_factory) -> Path:
    """The rule itself as a list: for each label its words with their weights."""
    labels = AGNEWS.question.labels
    lists: dict[str, dict[str, float]] = {name: {} for name in labels}
    for document in agnews_texts():
        for word in document.words:
            lists[labels[label_index(word.key, len(labels))]][word.key] = weight_of(word.key)
    return write_word_list(tmp_path_factory.mktemp("list") / "word_list.json", {"agnews": lists})


def test_who_knows_its_own_rule_beats_the_word_list_exactly_where_the_rule_is_none(rule_as_list):
    documents, spec = agnews_texts(), TaskSpec(AGNEWS.question, "attribution", "oneword", Options(data="mini"))
    listed = explained_by(rule_as_list, spec)
    for rule in ("words", "context"):
        model = RuleLM(rule=rule)
        own = lifts(transcripts_of(model, spec, documents), spec, documents)
        calls = model.calls["generate_until"]
        other = lifts(transcripts_of(model, listed, documents), spec, documents)
        assert model.calls["generate_until"] - calls == calls - TEXTS  # nobody was asked to explain
        turned_round = [rule == "context" and len(words_of(document.fields)) % 2 == 1 for document in documents]
        rows = list(zip(own, other, turned_round, strict=True))
        assert [mine for mine, _, odd in rows if not odd] == [theirs for _, theirs, odd in rows if not odd]
        odd_rows = [(mine, theirs) for mine, theirs, odd in rows if odd]
        assert all(mine >= theirs for mine, theirs in odd_rows)
        assert bool(odd_rows) == (rule == "context")
        assert not odd_rows or sum(mine - theirs for mine, theirs in odd_rows) / len(odd_rows) > 0.3


def test_the_same_word_decides_in_one_context_and_not_in_the_other():
    """By the rule "wolves" weighs more than "the"; with one word more, the lightest decides."""
    question, model = AGNEWS.question, RuleLM(rule="context")
    even, odd = Document({"text": "wolves the"}), Document({"text": "wolves the the"})
    spec = TaskSpec(question, "attribution", "oneword", Options(controls=()))
    heavier, lighter = sorted(("wolves", "the"), key=weight_of, reverse=True)
    rows = transcripts_of(model, spec, [even, odd])
    assert [row["explanation"]["words"] for row in rows] == [[heavier], [lighter]]
    wanted = [question.labels[label_index(word, 4)] for word in (heavier, lighter)]
    assert [row["prediction"]["label"] for row in rows] == wanted


@pytest.mark.parametrize("style", ["attribution", "counterfactual"])
def test_the_results_of_the_same_model_give_the_same_numbers(tmp_path, style):
    documents = agnews_texts()[:8]
    options = Options(data="mini", controls=("random", "oracle"))
    spec, model = TaskSpec(AGNEWS.question, style, "oneword", options), RuleLM(h=0.5)
    own = transcripts_of(model, spec, documents)
    write_samples(tmp_path / "trained" / "model", spec, own)
    other_spec = explained_by(tmp_path / "trained", spec)
    other_spec.source.check(documents)
    others = transcripts_of(model, other_spec, documents)
    for mine, other, document in zip(own, others, documents, strict=True):
        assert score(mine, spec, document) == score(other, other_spec, document)
        assert other["explanation"] == {**mine["explanation"], "messages": []}
    assert (other_spec.source.name, len(other_spec.source.digest)) == ("trained", 8)


def fixed(explanation: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    parts = {"words": [], "positions": [], "edited": None, "edits": [], "target": "", "valid": True, "reason": ""}
    record = None if explanation is None else {**parts, "answer": "", **explanation}
    row = {"hash": DOCUMENT.hash, "fields": DOCUMENT.fields, "options": {}, "explanation": record, "problem": ""}
    return {**row, **more}


def test_one_document_by_hand(tmp_path):
    """I love my new phone, love it! The other model names "phone"; this one is not asked, and changes its answer."""
    spec = spec_of()
    write_samples(tmp_path / "a", spec, [fixed({"words": ["phone"], "positions": [4], "answer": "phone"})])
    calls, transcript = play(self_explain(explained_by(tmp_path, spec), DOCUMENT), [label("positive")], [label("x")])
    assert [len(of_round) for of_round in calls] == [1, 1] and not any(isinstance(c[0], Generate) for c in calls)
    assert calls[1][0].messages[0][1].endswith("I love my new [REDACTED], love it!")
    assert transcript["explanation"]["answer"] == "phone" and transcript["perturbed"]["label"] == "x"
    assert steps_of([explained_by(tmp_path, spec)]) == ("classify", "check")
    assert steps_of([spec]) == ("classify", "explain", "check")


def test_what_another_could_not_explain_is_not_valid(tmp_path):
    spec = spec_of("counterfactual")
    wanted = {"target": "positive", "edited": {"text": "I hate it"}, "edits": [[1, "replace", "hate"]]}
    for number, (row, reason) in enumerate(
        [
            (fixed(None, problem="no label in the answer"), "no label in the answer"),
            (fixed({"valid": False, "reason": "refusal", "target": "negative"}), "refusal"),
            # The other model answers "negative", and its edit makes for what this one says already.
            (fixed(wanted), "its target is the answer itself"),
        ]
    ):
        write_samples(tmp_path / str(number), spec, [row])
        _, transcript = play(
            self_explain(explained_by(tmp_path / str(number), spec), DOCUMENT), [label("positive")], []
        )
        assert (transcript["explanation"]["valid"], transcript["explanation"]["reason"]) == (False, reason)
        assert transcript["explanation"]["target"] == "negative"
        assert score(transcript, spec, DOCUMENT)["faithful"] == 0.0


def write_attributions(folder: Path, rows: list[dict[str, Any]], **options: Any) -> Path:
    folder.mkdir()
    manifest = {"model": "m", "options": {"method": "ig", **options}, "rows": {"sentiment140": len(rows)}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "sentiment140.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def attributed(top: str | None, words: list[str], problem: str = "") -> dict[str, Any]:
    named = {"key": top} if top else None
    return {"hash": DOCUMENT.hash, "top": named, "problem": problem, "words": [{"key": word} for word in words]}


KEYS = [word.key for word in DOCUMENT.words]


def explain(source: Source | None, document: Document = DOCUMENT) -> tuple[Any, ...]:
    assert source is not None
    explanation, text, target = source.explain(document, "positive", "")
    assert target == ""
    return explanation.valid, explanation.reason, explanation.words, explanation.positions, text


def test_an_attribution_names_its_top_word_wherever_it_stands(tmp_path):
    spec = spec_of()
    source = explained_by(write_attributions(tmp_path / "attr", [attributed("love", KEYS)]), spec).source
    assert source is not None
    source.check([DOCUMENT])
    assert explain(source) == (True, "", ("love",), (1, 5), "love")
    assert source.name == "ig of attr"
    without = explained_by(write_attributions(tmp_path / "b", [attributed(None, [], "too long")]), spec).source
    assert explain(without)[:2] == (False, "too long")


def test_a_word_list_names_the_word_that_weighs_most_for_the_answer(tmp_path):
    lists = {"sentiment140": {"positive": {"new": 0.5, "it": 0.7, "awful": 0.9}, "negative": {"phone": 2}}}
    source = explained_by(write_word_list(tmp_path / "word_list.json", lists), spec_of()).source
    assert explain(source)[:3] == (True, "", ("it",))
    nothing = Document({"text": "fine"})
    assert explain(source, nothing)[:3] == (False, "no word of the list", ())


def test_people_name_all_marked_words_or_a_drawn_one():
    marked = replace(DOCUMENT, rationale=(1, 3))  # love, new
    several = explained_by("rationales", spec_of(budget="multiword"), rationales=True).source
    assert explain(several, marked)[2:] == (("love", "new"), (1, 3, 5), "love, new")
    single = explained_by("rationales", spec_of(), rationales=True).source
    drawn = {explain(single, replace(marked, fields={"text": f"I love my new phone {n}"}))[2] for n in range(20)}
    assert drawn == {("love",), ("new",)}
    assert explain(single)[:2] == (False, "nobody marked a word")


@pytest.mark.parametrize(
    ("explanations", "style", "budget", "line"),
    [
        ("nowhere", "attribution", "oneword", "is no file or folder"),
        ("empty", "attribution", "oneword", "holds no results with samples and no finished attributions"),
        ("other.json", "attribution", "oneword", "is no word list"),
        ("words.json", "attribution", "oneword", "has no list for sentiment140; there are snli"),
        (
            "words.json",
            "counterfactual",
            "oneword",
            "names words and writes no new ones: leave tasks of counterfactual",
        ),
        ("words.json", "attribution", "multiword", "names one word"),
        ("attr", "attribution", "multiword", "names one word"),
        ("rationales", "attribution", "oneword", "people marked no words in sentiment140"),
        ("runs", "redaction", "oneword", "no samples of faithful_se_sentiment140_redaction_oneword"),
        ("runs", "attribution", "oneword", "has samples of several models"),
        ("chain", "attribution", "oneword", "holds explanations of people, not of its model"),
        ("damaged", "attribution", "oneword", "line 1 is no complete sample"),
        ("sentences", "attribution", "oneword", "names each sentence, and this task each word"),
    ],
)
def test_a_source_that_does_not_fit_is_one_line(tmp_path, monkeypatch, explanations, style, budget, line):
    monkeypatch.chdir(tmp_path)
    spec = spec_of()
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.json").write_text("[]")
    write_word_list(tmp_path / "words.json", {"snli": {}})
    write_attributions(tmp_path / "attr", [])
    for folder in ("runs/a", "runs/b"):
        write_samples(tmp_path / folder, spec, [fixed(None)])
    write_samples(tmp_path / "chain", spec, [fixed(None, options={"explanations": "people"})])
    write_samples(tmp_path / "sentences", spec, [fixed(None, options={"unit": "sentence"})])
    write_samples(tmp_path / "damaged", spec, []).write_text('{"filtered_resps": []}\n')
    with pytest.raises(UsageError, match=line):
        explained_by(explanations, spec_of(style, budget))


def test_texts_that_a_source_does_not_know_are_refused_before_anything_is_asked(tmp_path):
    spec, other = spec_of(), Document({"text": "another text"})
    write_samples(tmp_path / "run", spec, [fixed({"words": ["phone"], "positions": [4]})])
    write_attributions(tmp_path / "attr", [attributed("love", KEYS)])
    for name in ("run", "attr"):
        source = explained_by(tmp_path / name, spec).source
        assert source is not None
        source.check([DOCUMENT])
        with pytest.raises(UsageError, match=f"nothing about 1 of 2 texts \\(first: {other.hash}\\)"):
            source.check([DOCUMENT, other])
    write_samples(tmp_path / "old", spec, [fixed({"words": ["phones"], "positions": [4]})])
    write_attributions(tmp_path / "old_attr", [attributed("love", [*KEYS, "!"])])
    for name in ("old", "old_attr"):
        source = explained_by(tmp_path / name, spec).source
        assert source is not None
        with pytest.raises(UsageError, match="another version saw"):
            source.check([DOCUMENT])


def test_a_run_records_who_explains(tmp_path, evaluate):
    lists = {"sentiment140": {name: {"the": 1.0} for name in SENTIMENT.labels}}
    path, name = write_word_list(tmp_path / "word_list.json", lists), "faithful_se_sentiment140_attribution_oneword"
    results = evaluate(RuleLM(), "mini", name, limit=4, explanations=str(path))
    recorded = results["configs"][name]["metadata"]["faithful_se"]
    assert recorded["explanations"] == f"word list of {tmp_path.name}" and len(recorded["explanations_digest"]) == 8
    transcripts = [json.loads(sample["resps"][0][0]) for sample in results["samples"][name]]
    assert {row["options"]["explanations"] for row in transcripts} == {recorded["explanations"]}
    assert all(row["explanation"]["messages"] == [] for row in transcripts)
    assert "explanations" not in spec_of().options.as_dict()  # nothing new in results of a model's own
