"""Many documents at once."""

from __future__ import annotations

from lm_eval_tasks.calls import Answer, Generate
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import Tally, run
from tests.lm_eval_tasks.answering import DOCUMENT, label, spec_of


def test_lock_step_asks_each_question_once_and_gives_everybody_their_answer():
    tasks = [spec_of("attribution"), spec_of("redaction"), spec_of("attribution")]
    rounds = []

    def respond(calls):
        rounds.append(list(calls))
        return [
            Answer("love") if isinstance(call, Generate) and "Which one word" in call.messages[-1][1]
            else Answer("I [REDACTED] my new phone, [REDACTED] it!") if isinstance(call, Generate)
            else label("negative" if "I [REDACTED]" in call.messages[-1][1] else "positive")
            for call in calls
        ]  # fmt: skip

    tally = Tally()
    transcripts = run([self_explain(spec, DOCUMENT) for spec in tasks], respond, tally=tally)
    assert tally.calls == [3, 3, 3]
    assert tally.new_calls == [1, 2, 1]  # one classification, two kinds of request, one check
    assert [t["style"] for t in transcripts] == ["attribution", "redaction", "attribution"]
    assert all(t["perturbed"]["label"] == "negative" for t in transcripts)


def test_lock_step_never_merges_what_is_sampled():
    texts = iter(["love", "phone"])

    def respond(calls):
        return [Answer(next(texts)) if isinstance(call, Generate) else label("positive") for call in calls]

    transcripts = run(
        [self_explain(spec_of(), DOCUMENT) for _ in range(2)],
        respond,
        distinct=lambda call: not isinstance(call, Generate),
    )
    assert [t["explanation"]["answer"] for t in transcripts] == ["love", "phone"]


def test_lock_step_goes_on_while_others_have_calls():
    """A process that is done still answers rounds: the others wait for it."""
    rounds = iter([True, True, True, True, False])
    seen = []

    def respond(calls):
        seen.append(len(calls))
        return [Answer("love") if isinstance(call, Generate) else label("positive") for call in calls]

    run([self_explain(spec_of(), DOCUMENT)], respond, again=lambda waiting: next(rounds))
    assert seen == [1, 1, 1, 0]
