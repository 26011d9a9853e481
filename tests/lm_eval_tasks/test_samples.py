"""`samples=k`: the majority of sampled answers counts, and no answer scores the choice that it made."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean, stdev
from types import SimpleNamespace

import pytest
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS
from lm_eval_tasks.calls import Answer, Classify, Generate
from lm_eval_tasks.certify_samples import own_keys, task_with_samples
from lm_eval_tasks.certify_texts import score_all, texts
from lm_eval_tasks.lm_eval_backend import CLASSIFY_TOKENS, Backend
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.styles import STYLES
from tests.lm_eval_tasks.answering import DOCUMENT, label, play, spec_of
from tests.lm_eval_tasks.evaluations import TASK
from tests.lm_eval_tasks.recording_lm import RecordingLM

REMOVES = next(name for name, style in STYLES.items() if style.REMOVES_WORDS)
SAMPLED = {"do_sample": True, "temperature": 1.0}


def answers(*samples: str) -> list[Answer]:
    """`pn` is one call that was asked twice: positive, negative."""
    names = {"p": "positive", "n": "negative"}
    return [label(names[letter]) for letters in samples for letter in letters]


def test_a_document_by_hand():
    """Its words: I love my new phone it. Without "love" it is negative in 3 of 4 answers, without "my" in both even."""
    spec = spec_of(controls=("random", "oracle"), draws=1, samples=4)
    spec = replace(spec, generation='{"temperature": 1.0, "do_sample": true}')
    singles = ("pppp", "nnpn", "npnp", "pppp", "pppp", "pppp")
    rounds = answers("ppnp"), [Answer("love")], answers("nnpn", "pnpp", *singles)
    calls, transcript = play(self_explain(spec, DOCUMENT), *rounds)
    assert [call.draw for call in calls[0]] == [0, 1, 2, 3] and len({call.messages for call in calls[0]}) == 1
    assert isinstance(calls[1][0], Generate) and len(calls[1]) == 1 and len(calls[2]) == 8 * 4
    assert transcript["prediction"]["samples"] == ["positive", "positive", "negative", "positive"]
    assert (transcript["prediction"]["label"], transcript["perturbed"]["label"]) == ("positive", "negative")
    assert transcript["options"]["samples"] == 4
    values = score(transcript, spec, DOCUMENT)
    # By all answers: "love" changes the majority, the random word does not. A tie goes to the first: "my" changes it.
    assert (values["faithful"], values["lift"], values["headroom"]) == (1.0, 1.0, 1.0)
    # The even answers, "p" and "n", are a tie for "positive", and both odd ones are "positive".
    assert values["consistency"] == 1.0
    # Odd answers: "positive" 2 of 2 before, 0 of 2 without "love", 1 of 2 without the random word.
    assert (values["rate_drop"], values["rate_lift"]) == (1.0, 0.5)
    # "my" is best by the even answers, and the odd ones are as before. The random word changes the odd majority.
    assert (values["oracle_crossfit"], values["headroom_crossfit"], values["rate_headroom"]) == (0.0, -1.0, -0.5)


def test_a_target_by_hand():
    """A counterfactual: the target grows from 0 of 2 odd answers to 1 of 2, at the random place to 2 of 2."""
    spec = spec_of("counterfactual", controls=("random", "oracle"), draws=1, samples=4)
    edited = Answer("I hate my new phone, hate it!")
    singles = (*["pppp"] * 7, "npnn")  # the new word at every other place; the last is the edit again
    first = answers("pppn")
    _, transcript = play(self_explain(spec, DOCUMENT), first, [edited], answers("npnn", "pnpn", *singles))
    values = score(transcript, spec, DOCUMENT)
    assert (transcript["explanation"]["target"], values["faithful"]) == ("negative", 1.0)
    # Odd answers: "negative" in 1 of 2 before, in 1 on the edited text, in both with the new word at random places.
    assert (values["rate_drop"], values["rate_lift"]) == (0.0, -0.5)
    # The even answers choose the edit itself (both "negative"). Its odd ones are a tie for "positive".
    assert (values["oracle_crossfit"], values["headroom_crossfit"]) == (0.0, -1.0)


def test_without_an_explanation_rates_and_flips_are_0():
    spec = spec_of(controls=("random", "oracle"), draws=1, samples=2)
    unread = [Answer("?"), Answer("?")]
    _, transcript = play(self_explain(spec, DOCUMENT), unread)
    values = score(transcript, spec, DOCUMENT)
    assert {values[key] for key in (*own_keys(spec), "faithful", "lift")} == {0.0}
    assert transcript["prediction"]["samples"] == [None, None] and transcript["problem"] == "no label in the answer"


def test_samples_are_drawn_as_explanations_are_without_their_limits():
    lm = RecordingLM()
    backend = Backend(lm, lm.apply_chat_template)
    settings = '{"temperature": 0.7, "top_p": 0.9, "max_gen_toks": 64, "until": ["."], "do_sample": true}'
    call = Classify((("user", "?"),), ("a", "b"), samples=3, sampling=settings, draw=2)
    room = {"until": [], "max_gen_toks": CLASSIFY_TOKENS}
    assert backend._settings(call, "") == {"temperature": 0.7, "top_p": 0.9, "do_sample": True, **room}
    assert backend._settings(replace(call, sampling="{}"), "") == {"do_sample": False, **room}
    server = SimpleNamespace(_seed=1234)  # sends one seed with every request
    assert Backend(server, lm.apply_chat_template)._settings(call, "")["seed"] == 1236


def test_a_random_answerer_has_headroom_by_the_answers_that_choose_and_none_by_others():
    """With 40 texts and 6 answers each: the oracle finds something where there is nothing, cross-fitted it does not."""
    spec = task_with_samples(REMOVES, samples=6)
    rows = score_all(RuleLM(noise=1.0), spec, texts(spec)[:40])
    for key in ("lift", "rate_lift", "headroom_crossfit", "rate_headroom"):
        assert abs(mean(rows, key)) <= 2.58 * stderr(rows, key), key
    assert mean(rows, "headroom") > 4 * stderr(rows, "headroom") > 0
    assert mean(rows, "faithful_oracle") == 1.0


def test_the_rates_of_a_model_with_noise_are_those_of_its_rule():
    """Half of the answers are the rule's, so a word that decides costs half of the rate."""
    spec = task_with_samples(REMOVES)
    documents = texts(spec)[:20]
    exact, noisy = (score_all(RuleLM(noise=noise), spec, documents) for noise in (0.0, 0.5))
    for key in own_keys(spec):  # without noise every answer is the majority
        of_majority = {"consistency": 1.0, "oracle_crossfit": mean(exact, "faithful_oracle")}
        assert mean(exact, key) == of_majority.get(key, mean(exact, "headroom")), key
    assert abs(mean(noisy, "rate_drop") - 0.5 * mean(exact, "faithful")) <= 2.58 * stderr(noisy, "rate_drop")
    assert 0 < mean(noisy, "headroom_crossfit") < mean(noisy, "headroom")


def mean(rows, key):
    return fmean(row[key] for row in rows)


def stderr(rows, key):
    return stdev(row[key] for row in rows) / len(rows) ** 0.5


def test_an_evaluation_by_lm_eval():
    """Without noise, and refused where nothing is sampled."""
    metadata = {"data": "mini", "controls": "oracle", "samples": "3"}
    manager = TaskManager(include_defaults=False, include_path=str(DATASETS), metadata=metadata)
    settings = {"task_manager": manager, "limit": 3, "apply_chat_template": True}
    results = simple_evaluate(RuleLM(), tasks=[TASK], gen_kwargs=SAMPLED, **settings)
    recorded = results["configs"][TASK]["metadata"]["faithful_se"]
    row = results["results"][TASK]
    assert recorded["samples"] == 3 and row["headroom_crossfit,none"] == row["headroom,none"]
    assert row["consistency,none"] == 1.0 and isinstance(row["rate_lift_stderr,none"], float)
    with pytest.raises(UsageError, match=f"{TASK}: samples=3 asks for sampled answers: add --gen_kwargs do_sample"):
        simple_evaluate(RuleLM(), tasks=[TASK], **settings)


def test_samples_are_for_answers_that_are_generated():
    assert read_options("t", {}, {"samples": "5"}).samples == 5 and "samples" not in Options().as_dict()
    with pytest.raises(UsageError, match=r"^t: samples=5 samples answers, and classifier=loglikelihood ranks labels"):
        read_options("t", {}, {"samples": 5, "classifier": "loglikelihood"})
    with pytest.raises(UsageError, match=r"^t: samples=0: give a whole number from 1"):
        read_options("t", {}, {"samples": 0})
