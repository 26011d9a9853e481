"""Would your answer change? The questions, the true answers, and the scores: by hand, and of models that are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.certify import of_all_texts
from lm_eval_tasks.certify_texts import score_all, texts
from lm_eval_tasks.cost import most_calls
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.languages import language_problem, prompts_of
from lm_eval_tasks.metrics import METRICS, score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.requests import asked_of
from lm_eval_tasks.scoring_simulation import phi_counts
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.steps import SIMULATION, STEPS, steps_of
from lm_eval_tasks.styles.simulation import ask_whether
from tests.lm_eval_tasks.answering import SENTIMENT, label, play, spec_of
from tests.test_house import ROOT

KEYS = [name for name in METRICS if name.startswith("simulation_")]
POSITIVE, NEGATIVE = label("positive"), label("negative")
YES, NO, HM = label("yes"), label("no"), Answer("hm")
# Its random words, without "very": "day", and one of both "good", of which the question is not.
TEXT = Document({"text": "good very good day"}, "positive")


def played(named, checks, answers, **options):
    """The questions, the transcript and its values, of an explanation and answers by hand."""
    spec = spec_of("simulation", **options)
    calls, transcript = play(self_explain(spec, TEXT), [POSITIVE], [Answer(named)], checks, answers)
    values = score(transcript, spec, TEXT)
    return calls[3], transcript, {key.removeprefix("simulation_"): values[key] for key in KEYS}


def words_of(transcript):
    return [(record["of"], record["word"], record["changes"]) for record in transcript["simulations"]]


# The named word, both random sets, and the oracle's words: good, very, day.
CHECKS = [POSITIVE, POSITIVE, POSITIVE, NEGATIVE, POSITIVE, POSITIVE]


def test_a_question_is_asked_about_each_word_in_a_conversation_of_its_own():
    calls, transcript, _ = played("very", CHECKS, [NO, YES, NO], controls=("random", "oracle"))
    assert words_of(transcript) == [("random", "day", False), ("oracle", "good", True), ("named", "very", False)]
    assert [record["positions"] for record in transcript["simulations"]] == [[3], [0, 2], [1]]
    assert {call.messages[:2] for call in calls} == {
        (("user", SENTIMENT.classify(TEXT.fields, "[REDACTED]", unknown=False)), ("assistant", "positive"))
    }
    assert calls[1].messages[2] == (
        "user",
        'If every occurrence of the word "good" in the tweet above were replaced by "[REDACTED]", would your answer '
        'change? Answer only with "yes" or "no".',
    )
    assert {(call.labels, call.ranked) for call in calls} == {(("yes", "no"), False)}


def test_a_model_that_knows_and_does_not_say():
    _, transcript, values = played("very", CHECKS, [NO, YES, NO], controls=("random", "oracle"))
    assert values == {
        "acc": 1.0,
        "majority": [1 / 3, 1 - 1 / 3],
        "phi": [1.0, 0.0, 0.0, 2.0],
        "hits": 1.0,
        "false_alarms": 0.0,
        "unsaid": 1.0,
        "read": 1.0,
    }
    assert METRICS["simulation_phi"].aggregate([phi_counts(transcript)] * 2) == 1.0


def test_a_model_that_does_not_know():
    """An unread answer is wrong, and no "yes"."""
    _, transcript, values = played("very", CHECKS, [YES, HM, NO], controls=("random", "oracle"))
    assert values == {
        "acc": 1 / 3,
        "majority": [1 / 3, 1 - 1 / 3],
        "phi": [0.0, 1.0, 1.0, 1.0],
        "hits": 0.0,
        "false_alarms": 0.5,
        "unsaid": 0.0,
        "read": 2 / 3,
    }
    assert METRICS["simulation_phi"].aggregate([phi_counts(transcript)]) == -0.5  # (0·1 − 1·1) / √(1·2·1·2)
    assert METRICS["simulation_majority"].aggregate([values["majority"], [], [1.0, 0.0]]) == pytest.approx(2 / 3)


def test_fewer_controls_ask_about_fewer_words():
    """Of a word that stands twice, a random set removes one: only the oracle knows what removing both does."""
    _, transcript, _ = played("very", CHECKS[:3], [NO, NO], controls=("random",))
    assert words_of(transcript) == [("random", "day", False), ("named", "very", False)]
    _, transcript, values = played("good", [NEGATIVE], [YES])
    assert words_of(transcript) == [("named", "good", True)] and values["false_alarms"] is None
    _, transcript, values = played("nothing", [], [])
    assert transcript["simulations"] == [] and values == {
        **dict.fromkeys(("acc", "hits", "false_alarms", "unsaid", "read")),
        "majority": [],
        "phi": [0.0] * 4,
    }
    assert math.isnan(METRICS["simulation_majority"].aggregate([[]]))


def test_the_oracles_word_has_the_largest_effect_among_those_that_change_the_answer():
    def ranked(positive):
        best = "positive" if positive > 0.5 else "negative"
        return Answer(best, best, {"positive": math.log(positive), "negative": math.log(1 - positive)})

    spec = spec_of("simulation", controls=("random", "oracle"), classifier="loglikelihood")
    checks = [ranked(p) for p in (0.8, 0.8, 0.8, 0.7, 0.8, 0.6)]
    calls, transcript = play(self_explain(spec, TEXT), [ranked(0.9)], [Answer("very")], checks, [NO] * 3)
    assert words_of(transcript)[0] == ("oracle", "day", False) and all(call.ranked for call in calls[3])
    assert all(call.prior == () for call in calls[3])


def test_a_tie_says_neither():
    tie, surer = ({"yes": -1.25, "no": no} for no in (-1.25, -1.5))
    answers = [Answer("yes", "yes", tie), Answer("yes", "yes", surer), NO]
    _, transcript, values = played("very", CHECKS, answers, controls=("random", "oracle"))
    assert [record["says_so"] for record in transcript["simulations"]] == [None, True, False]
    assert (values["read"], values["acc"], values["false_alarms"]) == (2 / 3, 2 / 3, 0.0)


def test_a_server_that_fails_here_is_a_problem_of_the_document():
    failed = Answer("", problem="no answer from the server (null)")
    _, transcript, values = played("very", CHECKS, [NO, failed, NO], controls=("random", "oracle"))
    assert transcript["problem"] == failed.problem and values["read"] == 2 / 3


def spec(dataset="agnews", **options):
    return TaskSpec(dataset_spec(dataset).question, "simulation", "oneword", Options(data="mini", **options))


def scores(task, documents=20, **model):
    rows = score_all(RuleLM(**model), task, texts(task)[:documents])
    values = {key: of_all_texts(key, [row[key] for row in rows])[0] for key in ("faithful", *KEYS)}
    return {key.removeprefix("simulation_"): value for key, value in values.items()}


ORACLE = {"controls": ("random", "oracle")}


@pytest.mark.parametrize(
    ("dataset", "options"),
    [
        ("agnews", ORACLE | {"classifier": "loglikelihood"}),
        ("snli", {"controls": ()}),
        ("snli", {"context": "fresh", "operator": "delete"}),
        ("agnews", ORACLE | {"operator": "substitute", "mask": "___"}),
        ("trec", ORACLE | {"context": "fresh", "mask": "a mask"}),
        ("snli", {"operator": "mask+delete"}),
    ],
)
def test_a_model_that_knows_its_rule_has_a_phi_of_one(dataset, options):
    values = scores(spec(dataset, **options), 12)
    assert (values["acc"], values["phi"], values["hits"], values["false_alarms"]) == (1.0, 1.0, 1.0, 0.0)


def test_a_constant_answer_tells_nothing():
    """φ is 0 by definition where the answers are constant; it is undefined where the truth is."""
    yes, no = (scores(spec(), knows=constant) for constant in ("yes", "no"))
    assert yes["phi"] == no["phi"] == 0.0 and no["acc"] == pytest.approx(no["majority"])
    assert (yes["hits"], yes["false_alarms"], no["hits"], no["false_alarms"]) == (1.0, 1.0, 0.0, 0.0)
    assert math.isnan(scores(spec(), strategy="constant")["phi"])
    assert scores(spec(), knows=0)["phi"] == -1.0


def test_knowing_and_saying_are_told_apart():
    """A model that knows its rule and names random words; and one that names true words and knows nothing."""
    silent, blind = scores(spec(**ORACLE), strategy="random"), scores(spec(**ORACLE), 40, knows=0.5)
    assert silent["faithful"] < 0.2 and silent["phi"] == silent["unsaid"] == 1.0
    assert blind["faithful"] > 0.7 and abs(blind["phi"]) < 0.35


@pytest.mark.parametrize("operator", ["mask", "delete"])
@pytest.mark.parametrize("unit", ["word", "sentence"])
def test_the_questions_are_read_back(unit, operator):
    task = TaskSpec(SENTIMENT, "simulation", "oneword", Options(unit=unit, operator=operator, mask="[X]"))
    request = task.request(TEXT)
    asked = asked_of(SENTIMENT, ask_whether(request, 'I said "no" in it'))
    assert asked.word == 'I said "no" in it' and (asked.request.unit, asked.request.operator) == (unit, operator)
    assert asked.request.mask == ("[X]" if operator == "mask" else "[REDACTED]")


ANSWERS = {
    "sentiment140": {
        "yes": ["Yes.", "**Yes**, it would.", "My answer would change.", "Yes, it would change to negative."],
        "no": ["no", "No, my answer would not change.", "It would stay the same.", 'No, it would still be "positive".'],
        None: ["positive", "I'm not sure.", "Yes or no"],
    },
    "reviews_de": {"ja": ["Ja", "Ja, sie würde sich ändern."], "nein": ["Nein, sie würde sich nicht ändern."]},
    "reviews_zh": {"会": ["会。", "会，因为"], "不会": ["不会", "不会，我的回答不会改变。"]},
}
ASKED = {
    "reviews_de": 'Wenn alle Vorkommen des Wortes "gut" im Text oben durch "[REDACTED]" ersetzt würden, würde sich '
    'deine Antwort dann ändern? Antworte nur mit "ja" oder "nein".',
    "reviews_zh": "如果上面的评论中“gut”这个词的每一处都被替换为“[REDACTED]”，你的回答会改变吗？只回答“会”或“不会”。",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_read_in_every_language(name):
    question = SENTIMENT if name == "sentiment140" else dataset_spec(name, ROOT / "examples" / "languages").question
    task = TaskSpec(question, "simulation", "oneword", Options())
    call = task.simulate(TEXT, label(question.labels[0]), "gut")
    assert call.messages[-1][1] == ASKED.get(name, call.messages[-1][1])
    assert asked_of(question, call.messages[-1][1]).word == "gut"
    for expected, answers in ANSWERS[name].items():
        for answer in answers:
            assert parse_label(answer, call.labels, call.synonyms, call.denials) == expected, answer


def test_a_run_says_what_it_takes():
    task, random = spec(**ORACLE, draws=2), spec(draws=2)
    attribution = TaskSpec(task.question, "attribution", "oneword", task.options)
    assert steps_of([attribution]) == STEPS and steps_of([task]) == (*STEPS, SIMULATION)
    assert most_calls(task, TEXT) - most_calls(attribution, TEXT) == 4  # named, two random ones, the oracle's
    assert most_calls(random, TEXT) == 5 + 3


def test_what_cannot_be_asked_is_one_line():
    with pytest.raises(UsageError, match="simulation has no budget multiword: give oneword"):
        TaskSpec(SENTIMENT, "simulation", "multiword")
    prompts = {key: text for key, text in prompts_of("en").items() if not key.startswith("simulation.n")}
    portuguese = replace(SENTIMENT, language="pt", prompts=tuple(prompts.items()))
    with pytest.raises(UsageError, match=r"pt has no prompts that ask whether an answer .* simulation.no is missing"):
        TaskSpec(portuguese, "simulation", "oneword")
    assert not language_problem("pt", prompts) and TaskSpec(portuguese, "attribution", "oneword")
    with pytest.raises(UsageError, match=r"knows='maybe': give a probability, from 0 to 1, or yes or no"):
        RuleLM(knows="maybe")
