from __future__ import annotations

import re
import unicodedata
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import dataset_names, dataset_spec
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.label_reading.names import read_synonyms
from lm_eval_tasks.label_reading.plain_text import key_of
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from tests.lm_eval_tasks.label_answers import AFFIRMATIONS, DENIALS, OF_DATASETS, OF_OWN_LABELS
from tests.quick import least_seconds

LABELS = (
    ("negative", "positive"),
    ("legitimate", "spam"),
    ("entailment", "neutral", "contradiction"),
    ("world", "sports", "business", "technology"),
    ("anger", "joy", "optimism", "sadness"),
    ("literal", "ironic"),
    ("abbreviation", "entity", "description", "human", "location", "number"),
    ("dining room", "kitchen", "conference hall"),
    ("very good", "good", "bad"),
    ("Qualit\u00e4t", "Lieferung", "Gr\u00f6\u00dfe"),
)
LABEL_OF_SET = [(labels, label) for labels in LABELS for label in labels]
FORMS = (str, str.upper, str.title, partial(unicodedata.normalize, "NFD"), partial(unicodedata.normalize, "NFKD"))
OPPOSITES = {"entailment": "not entailment", "toxic": "non-toxic", "related": "unrelated", "irony": "no_irony"}


def misread(
    answers: dict[str, str | None], labels: tuple[str, ...], synonyms: tuple[tuple[str, ...], ...]
) -> list[str]:
    readings = {answer: parse_label(answer, labels, synonyms) for answer in answers}
    return [
        f"{answer!r}: {readings[answer]}, not {label}" for answer, label in answers.items() if readings[answer] != label
    ]


@pytest.mark.parametrize("dataset", OF_DATASETS)
def test_answers_about_a_dataset(dataset: str) -> None:
    question = dataset_spec(dataset).question
    known = {answer: label for answer, label in OF_DATASETS[dataset].items() if label != "unknown"}
    assert not misread(known, question.labels, question.synonyms)


def test_answers_with_labels_of_the_users_own() -> None:
    assert not [line for labels, answers in OF_OWN_LABELS.items() for line in misread(answers, labels, ())]


def test_unknown_counts_where_it_is_offered() -> None:
    question = dataset_spec("sentiment140").question
    labels = question.choices(unknown=True)
    answers: dict[str, str | None] = {
        "The sentiment is unknown. It describes both positive and negative aspects": "unknown",
        "Unknown": "unknown",
        "It is unknown whether it is positive.": "unknown",
        "It is neither positive nor negative, so unknown": "unknown",
        "It is neither positive nor negative: unknown.": "unknown",
        "Label: unknown": "unknown",
        "**Unknown** (it could be positive)": "unknown",
        "not unknown": None,
        "positive or unknown": None,
        "positive, nothing is unknown": "positive",
        "The author is unknown, the tweet is positive": None,
    }
    assert not misread(answers, labels, question.synonyms)


def test_a_later_sentence_decides_where_the_first_is_tentative_or_says_nothing() -> None:
    answers: dict[str, str | None] = {
        "At first it seems negative. It is positive.": "positive",
        "At first glance it sounds positive. However, it is negative.": "negative",
        "Some words sound negative. The tweet is positive.": "positive",
        "It could seem positive, but that is wrong. The tweet is negative.": "negative",
        "Initially positive. Then again, I'd say negative.": "negative",
        "It is positive, although some words are negative.": "positive",
        "The tweet talks about a trip.\n\nThe tweet is positive.": "positive",
        "Thanks for sharing!\n\nThis post expresses a negative sentiment.": "negative",
        "The tweet talks about a trip.\nMaybe positive.": None,
        "At first it seems negative.": None,
    }
    assert not misread(answers, LABELS[0], ())


def test_a_denied_label_is_never_that_label() -> None:
    answers = {
        (t.format(form(label), form(label)), labels, label)
        for labels, label in LABEL_OF_SET
        for t in DENIALS
        for form in FORMS[:2]
    }
    assert not [answer for answer, labels, label in answers if parse_label(answer, labels) == label]


def test_an_affirmed_label_is_always_that_label() -> None:
    answers = {
        (t.format(form(label), form(label)), labels, label)
        for labels, label in LABEL_OF_SET
        for t in AFFIRMATIONS
        for form in (str, str.title)
    }
    assert not [answer for answer, labels, label in answers if parse_label(answer, labels) != label]


@pytest.mark.parametrize(("label", "opposite"), OPPOSITES.items())
def test_a_denied_label_is_the_label_that_denies_it(label: str, opposite: str) -> None:
    templates = (
        *(
            "not {}",
            "not_{}",
            "not\\_{}",
            "not-{}",
            "non-{}",
            "non_{}",
            "no {}",
            "No {}.",
            "without {}",
            "{}: no",
            "{}? No.",
        ),
        *('{{"{}": false}}', "This is not {}.", "It isn't {}.", "There is no {}.", "**not {}**", "`not_{}`", "NOT {}"),
        *("The answer is not {}.", "Label: not_{}", "rather than {}", "<label>not_{}</label>", "\\boxed{{not {}}}"),
    )
    labels = (label, opposite)
    assert not [t for t in templates if parse_label(t.format(label), labels) != opposite]
    assert [parse_label(name, labels) for name in labels] == list(labels)
    undecided = (
        f"{label} or {opposite}",
        f"{label}/{opposite}",
        f"It is not {opposite}",
        f"neither {label} nor {opposite}",
    )
    assert not [answer for answer in undecided if parse_label(answer, labels)]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(LABEL_OF_SET),
    st.sampled_from(AFFIRMATIONS),
    st.sampled_from(FORMS),
    st.sampled_from(["{}", " {}\n", '"{}"', "**{}**", "\ufeff{}", "{} \U0001f60a", "{}<|im_end|>"]),
)
def test_case_markup_and_unicode_do_not_matter(labels_and_label, affirmation, form, markup) -> None:
    labels, label = labels_and_label
    assert parse_label(affirmation.format(markup.format(form(label)), form(label)), labels) == label or markup != "{}"
    assert parse_label(markup.format(form(label)), labels) == label
    assert parse_label(markup.format(f"not {form(label)}"), labels) != label


@given(st.text(), st.sampled_from(LABELS))
def test_any_text_is_read(answer: str, labels: tuple[str, ...]) -> None:
    assert parse_label(answer, labels) in (None, *labels)


@given(st.lists(st.text(min_size=1), min_size=2, unique_by=key_of))
def test_any_labels_are_read(labels: list[str]) -> None:
    for label in labels:
        assert parse_label(label, labels) in (None, *labels)


UNITS = (
    " ",
    "\n",
    "not positive, ",
    "positive or ",
    '"',
    "_",
    "\\boxed{",
    "{",
    "no, ",
    "the ",
    "final answer ",
    "is a very ",
)


@pytest.mark.parametrize("unit", UNITS)
def test_a_megabyte_is_quick(unit: str) -> None:
    for answer in (unit * (1_000_000 // len(unit)), "It is " + unit * 100_000 + "positive"):
        assert least_seconds(partial(parse_label, answer, LABELS[0]), 0.5) < 0.5, repr(unit)


@pytest.mark.parametrize("dataset", dataset_names())
def test_the_readme_lists_the_synonyms(dataset: str) -> None:
    question = dataset_spec(dataset).question
    readme = (DATASETS / dataset / "README.md").read_text("utf-8")
    section = readme.partition("## Synonyms\n")[2].partition("\n## ")[0]
    listed = {label: phrases.split(", ") for label, phrases in re.findall(r"^- (.+?): (.+)$", section, re.MULTILINE)}
    declared = dict(zip(question.labels, question.synonyms, strict=True)) if question.synonyms else {}
    assert listed == {label: list(phrases) for label, phrases in declared.items() if phrases}
    assert "- 1.1: " in readme or dataset in ("arc_easy", "openbookqa")  # newer than the rules of reading


@pytest.mark.parametrize("dataset", dataset_names())
def test_a_synonym_is_read_as_its_label_and_denied_like_it(dataset: str) -> None:
    question = dataset_spec(dataset).question
    for label, phrases in zip(question.labels, question.synonyms, strict=False):
        for phrase in phrases:
            assert parse_label(phrase, question.labels, question.synonyms) == label
            assert parse_label(f"**{phrase.title()}**.", question.labels, question.synonyms) == label
            assert parse_label(f"not {phrase}", question.labels, question.synonyms) != label


SYNONYMS = {"dataset": "d", "labels": ["good", "bad"]}


@pytest.mark.parametrize(
    ("synonyms", "message"),
    [
        (["fine"], r"d: synonyms: \['fine'\]: give a list of phrases for each label"),
        ({"good": "fine"}, "d: synonyms: good: 'fine': give a list of phrases"),
        ({"good": [1]}, r"d: synonyms: good: \[1\]: give a list of phrases"),
        ({"good": [" "]}, r"d: synonyms: good: \[' '\]: give a list of phrases"),
        ({"fine": ["good"]}, "d: synonyms: 'fine' is not a label; the labels are good, bad"),
        ({"good": ["BAD"]}, "d: synonyms: 'BAD' names 'bad' already: leave it out"),
        ({"good": ["fine"], "bad": ["Fine"]}, "d: synonyms: 'Fine' names 'good' already: leave it out"),
        ({"good": ["unknown"]}, "d: synonyms: 'unknown' names 'unknown' already: leave it out"),
    ],
)
def test_synonyms_that_cannot_be_used(synonyms: object, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        read_synonyms({**SYNONYMS, "synonyms": synonyms})


def test_synonyms_go_with_their_labels() -> None:
    assert read_synonyms({**SYNONYMS, "synonyms": {"bad": ["poor"]}}) == ((), ("poor",))
    assert read_synonyms(SYNONYMS) == read_synonyms({**SYNONYMS, "synonyms": None}) == ()
    question = dataset_spec("sms_spam").question
    assert question.with_labels(["spam", "legitimate"]).synonyms == ((), ("ham", "legit"))
    assert question.with_labels(["a", "b"]).synonyms == ()
    assert question.with_labels(question.labels) == question


def test_the_backend_reads_synonyms() -> None:
    class OneAnswer:
        rank, world_size = 0, 1

        def generate_until(self, requests):
            return ["The text does not entail the hypothesis."] * len(requests)

    spec = dataset_spec("rte")
    document = spec.document({"sentence1": "The bridge is new.", "sentence2": "It is old.", "label": 1})
    call = TaskSpec(spec.question, "attribution", "oneword", Options(unknown=True)).classify(document)
    (answer,) = Backend(OneAnswer(), None).respond([call])  # type: ignore[arg-type]
    assert (call.labels[-1], answer.label) == ("unknown", "not entailment")


def test_unknown_is_not_offered_beside_a_label_of_that_name() -> None:
    question = dataset_spec("cos_e").question.with_labels(("kitchen", "Unknown"))
    assert question.choices(unknown=False) == ("kitchen", "Unknown")
    with pytest.raises(UsageError, match='cos_e: "unknown" is among the labels kitchen, Unknown already: leave the'):
        question.choices(unknown=True)
