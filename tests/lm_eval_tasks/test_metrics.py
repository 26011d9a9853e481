"""Which metric keys a task has, and what a document has under them."""

from __future__ import annotations

from dataclasses import replace

from lm_eval_tasks.calls import Answer
from lm_eval_tasks.metrics import METRICS, score
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
    }  # fmt: skip
    removals = {
        "phi_cct": [0.0] * 4, "phi_cct_of_max": [0.0] * 4, "loo_percentile": None, "hit1": None, "redundant": None,
        "comprehensiveness": None, "comprehensiveness_lift": None, "masked_fraction": None,
    }  # fmt: skip
    edits = {"one_edit": None, "edit_fraction": None, "label_leak": None}
    for style, more in (("attribution", removals), ("redaction", removals), ("counterfactual", edits)):
        spec = spec_of(style, controls=("random", "oracle", "stability"), unknown=True, classifier="loglikelihood")
        spec = replace(spec, rationales=True)
        _, transcript = play(self_explain(spec, DOCUMENT), [Answer("?")])
        assert score(transcript, spec, DOCUMENT) == {**always, **more}
    assert set(METRICS) == {*always, *removals, *edits}
