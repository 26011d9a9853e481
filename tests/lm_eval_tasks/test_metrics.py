"""Which metric keys a task has, and what a document has under them."""

from __future__ import annotations

import math
from dataclasses import replace

from lm_eval_tasks.calls import Answer
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import METRICS, metrics_of, score
from lm_eval_tasks.operators import OPERATORS
from lm_eval_tasks.protocol import self_explain
from tests.lm_eval_tasks.answering import DOCUMENT, label, play, spec_of


def test_unknown_brings_its_two_keys():
    spec = spec_of(unknown=True)
    calls, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], [label("unknown")])
    assert '"negative", "positive" or "unknown"' in calls[0][0].messages[0][1]
    values = score(transcript, spec, DOCUMENT)
    assert (values["faithful"], values["abstain"], values["madsen"]) == (1.0, 1.0, 1.0)


def test_every_document_has_every_key_of_its_task():
    """Also one whose first answer is no label: 0 where all documents count, none in conditional means."""
    always = {
        "faithful": 0.0, "valid": 0.0, "acc": 0.0, "faithful_random": 0.0, "lift": 0.0, "faithful_oracle": 0.0,
        "ccf": [0.0, 0.0, 0.0], "plausibility_f1": None, "plausibility_iou": None, "stability_q": None,
        "abstain": 0.0, "madsen": None,
        # the gold label is "positive"; without a read prediction it is no evidence
        "acc_majority": [0.0, 1.0, 0.0], "answer_share": [0.0] * 3, "label_mass": None, "measurable": [0.0] * 10,
        "headroom": 0.0, "lift_given_valid": None, "answered": 1.0,
    }  # fmt: skip
    removals = {
        "phi_cct": [0.0] * 4, "phi_cct_of_max": [0.0] * 4, "loo_percentile": None, "hit1": None, "redundant": None,
        "hit1_chance": None, "comprehensiveness": None, "comprehensiveness_lift": None, "masked_fraction": None,
    }  # fmt: skip
    operators = {f"{key}_{name}": 0.0 for key in ("faithful", "lift") for name in OPERATORS} | {"operators_agree": None}
    several_words = {"sufficiency": None, "sufficiency_lift": None, "aopc": None}
    edits = {"one_edit": None, "edit_fraction": None, "label_leak": None, "plausibility_edits": None}
    for style, more in (("attribution", removals), ("redaction", removals), ("counterfactual", edits)):
        spec = spec_of(style, controls=("random", "oracle", "stability"), unknown=True, classifier="loglikelihood")
        spec = replace(spec, rationales=True)
        _, transcript = play(self_explain(spec, DOCUMENT), [Answer("?")])
        assert score(transcript, spec, DOCUMENT) == {**always, **more}
        several = replace(spec, options=replace(spec.options, operator="+".join(OPERATORS)))
        of_operators = operators if more is removals else {}
        assert score(transcript, several, DOCUMENT) == {**always, **more, **of_operators}
        of_words = several_words if more is removals else {}
        assert score(transcript, replace(spec, budget="multiword"), DOCUMENT) == {**always, **more, **of_words}
    of_simulation = {name for name in METRICS if name.startswith("simulation_")}  # test_simulation.py
    of_cues = {name for name in METRICS if name.startswith("cue_")}  # test_cues.py
    of_samples = {name for name, metric in METRICS.items() if "samples" in metric.needs}  # test_samples.py
    of_proposals = {name for name, metric in METRICS.items() if "proposals" in metric.needs}  # test_proposals.py
    others = {*of_simulation, *of_cues, *of_samples, *of_proposals}
    assert set(METRICS) == {*always, *removals, *operators, *several_words, *others, *edits}


def table(rows, gold):
    """The aggregated metrics of documents, from the labels before, after the named word, and after a random one."""
    spec = spec_of(controls=("random",), draws=1)
    scores = []
    for number, ((before, after, random), gold_label) in enumerate(zip(rows, gold, strict=True)):
        document = Document({"text": f"I love my new phone {number}"}, gold=gold_label)
        answers = [label(before) if before else Answer("?")], [Answer("love")], [label(after), label(random)]
        if before:
            _, transcript = play(self_explain(spec, document), *answers)
        else:
            _, transcript = play(self_explain(spec, document), answers[0])
        scores.append(score(transcript, spec, document))
    return {
        name: metric.aggregate([row[name] for row in scores])
        for name, metric in metrics_of(spec).items()
        if metric.aggregate
    }


P, N = "positive", "negative"


def test_shares_of_answers_and_of_gold_labels_by_hand():
    # Predictions: 3 positive, 1 negative, 1 unread. Gold: 2 positive, 3 negative.
    values = table([(P, N, P), (P, P, P), (P, N, N), (N, P, N), (None, P, P)], [P, P, N, N, N])
    assert values["answer_share"] == 0.6 and values["acc_majority"] == 0.6 and values["measurable"] == 1.0
    # One random set each: of four valid explanations three are faithful, and one random set flips.
    assert values["lift_given_valid"] == 0.5
    assert table([(P, P, P)] * 3, [None] * 3)["acc_majority"] != 0.0  # nan: nobody knows
    standard_error = METRICS["answer_share"].stderr([[1.0, 0.0]] * 3 + [[0.0, 1.0]])
    assert abs(standard_error - 0.25) < 1e-12  # of 1, 1, 1, 0: a deviation of 1/2 over the root of 4


def test_a_constant_answer_is_not_measurable():
    gold = [P, N] * 8
    assert table([(P, P, P)] * 16, gold)["measurable"] == "no (one answer for 16 of 16)"
    assert table([(P, P, P)] * 15 + [(P, N, P)], gold)["measurable"] == "no (one answer for 16 of 16)"
    assert table([(P, N, P)] * 16, gold)["measurable"] == 1.0  # constant only until a word is masked
    assert table([(None, P, P)] * 12 + [(P, N, P), (N, P, N)] * 2, gold)["measurable"] == "no (no label in 12 of 16)"
    assert table([(P, N, P), (N, P, N)] * 8, gold)["measurable"] == 1.0
    # All have one gold label and one answer: measurable, because the named word changes it.
    assert table([(P, N, P)] * 16, [P] * 16)["measurable"] == 1.0
    assert table([(P, P, P)] * 16, [P] * 16)["measurable"] == "no (one answer for 16 of 16)"


def test_label_mass_and_the_chance_of_a_hit_come_from_the_ranking():
    spec = spec_of(controls=("random", "oracle"), classifier="loglikelihood", draws=1)

    def ranked(positive):
        return Answer(P, P, {P: math.log(positive), N: math.log(0.3)})

    document = Document({"text": "love my love phone"}, gold=P)
    # Types of words: love, my, phone. Without "love" the label loses most.
    singles = [ranked(0.31), ranked(0.5), ranked(0.6)]
    _, transcript = play(self_explain(spec, document), [ranked(0.6)], [Answer("love")], [ranked(0.31)] * 2 + singles)
    values = score(transcript, spec, document)
    assert abs(values["label_mass"] - 0.9) < 1e-12
    assert (values["hit1"], round(values["hit1_chance"], 12)) == (1.0, round(1 / 3, 12))
    assert values["comprehensiveness"] > 0.15 and values["comprehensiveness_lift"] == 0.0  # the same drop at random
