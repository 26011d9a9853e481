"""`benchmarks/random_baseline.py`: our random words and ICE's, on the same words and texts."""

from __future__ import annotations

import pytest

from benchmarks.random_baseline import Text, compare, rows, texts_of
from lm_eval_tasks.certify_texts import texts
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.spec import TaskSpec

pytest.importorskip("ice")

SPEC = TaskSpec(
    dataset_spec("agnews").question, "attribution", "oneword", Options(classifier="loglikelihood", controls=())
)


def test_ice_draws_the_named_word_too_and_counts_no_tie():
    """Of four words the named one alone has an effect: our chance is 0, ICE's a quarter, and it cannot beat itself."""
    text = Text(Document({"description": "one two three four"}), 2, {"flip": (0.0, 0.0, 1.0, 0.0)})
    compared = compare(text, "flip", 5000)
    assert (compared.named, compared.ours) == (1.0, 0.0)
    assert compared.ice == pytest.approx(0.25, abs=0.05) and compared.win_rate == pytest.approx(1 - compared.ice)
    nothing = compare(Text(text.document, 2, {"flip": (0.0,) * 4}), "flip", 50)
    assert (nothing.win_rate, nothing.significant) == (0.0, False)  # four equal words: not one win in two


def test_what_removing_a_word_does_is_what_the_rule_says():
    model = RuleLM()
    chosen = list(texts_of(Backend(model, model.apply_chat_template), SPEC, texts(SPEC)[:12]))
    assert chosen
    for text in chosen:  # the honest model names the heaviest word: no other one flips the answer
        assert not any(flip for place, flip in enumerate(text.scores["flip"]) if place != text.named)
        assert all((flip > 0) <= (drop > 0) for flip, drop in zip(*text.scores.values(), strict=True))
    assert len(list(rows("rules, honest", chosen, 20))) == 2
