from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_eval_tasks.styles.rewritten_text import documents, mask_pattern, too_long
from tests.lm_eval_tasks.styles.conftest import NEWS, SNLI, TWEETS

A, B = "A man sleeps.", "A dog barks."


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (f"Premise: {A}\nHypothesis: {B}", (A, B)),
        (f"premise: {A}\nhypothesis: {B}", (A, B)),
        (f"Premise : {A}\nHypothesis : {B}", (A, B)),
        (f"Premise: {A} Hypothesis: {B}", (A, B)),
        (f"**Premise:** {A}\n\n**Hypothesis:** {B}", (A, B)),
        (f"**Premise**: {A}\n**Hypothesis**: {B}", (A, B)),
        (f"* Premise: {A}\n* Hypothesis: {B}", (A, B)),
        (f"1. Premise: {A}\n2. Hypothesis: {B}", (A, B)),
        (f"Edited premise: {A}\nEdited hypothesis: {B}", (A, B)),
        (f"The edited premise: {A}\nThe edited hypothesis: {B}", (A, B)),
        (f"Premise (edited): {A}\nHypothesis (edited): {B}", (A, B)),
        (f"Premise:\n{A}\nHypothesis:\n{B}", (A, B)),
        (f"Hypothesis: {B}\nPremise: {A}", (A, B)),
        (f"{A}\n{B}", (A, B)),
        (f"{A}\n\n{B}", (A, B)),
        (f"The hypothesis: changed.\nPremise: {A}\nHypothesis: {B}", (A, B)),
        (f"Premise: {A}", None),
        (f"Hypothesis: {B}", None),
        (f"Premise: {A}\n{B}", None),
        (f"{A} {B}", None),
        (f"{A}\n{B}\n{A}", None),
        ("", None),
        ("Premise:\nHypothesis:", None),
    ],
)
def test_pairs(answer: str, first: tuple[str, str] | None) -> None:
    pairs = [(fields["premise"], fields["hypothesis"]) for fields in documents(answer, SNLI)]
    if first is None:
        assert pairs == []
    else:
        assert first in pairs


def test_every_place_of_a_title_is_tried() -> None:
    answer = f"Premise: He said:\nHypothesis: none.\nHypothesis: {B}"
    readings = list(documents(answer, SNLI))
    assert {"premise": "He said:\nHypothesis: none.", "hypothesis": B} in readings


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ("I love it", ["I love it"]),
        ("Tweet: I love it", ["Tweet: I love it", "I love it"]),
        ('Tweet: "I love it"', ['Tweet: "I love it"', '"I love it"', "I love it"]),
        ("my Tweet: I love it", ["my Tweet: I love it", "I love it"]),
        ("", []),
        ('"', ['"']),
    ],
)
def test_one_field(answer: str, texts: list[str]) -> None:
    assert [fields["text"] for fields in documents(answer, TWEETS)] == texts


def test_an_article_of_several_lines_stays_whole() -> None:
    text = "Oil falls\nMarkets rise\n\nReuters says so today"
    assert next(documents(text, NEWS)) == {"text": text}


def test_too_long() -> None:
    fields = {"text": "I love it."}
    assert not too_long({"text": "I do love it so very much, " * 5}, fields)
    assert too_long({"text": "I do love it so very much, " * 50}, fields)
    # a text of words of one letter, all of them masked
    fields = {"text": "a b c d e f " * 100}
    assert not too_long({"text": "[REDACTED] " * 600}, fields, "[REDACTED]")


@pytest.mark.parametrize(
    ("text", "masks"),
    [
        ("[REDACTED]", ["[REDACTED]"]),
        ("[redacted]", ["[redacted]"]),
        (r"\[REDACTED\]", [r"\[REDACTED\]"]),
        ("[ REDACTED ]", ["[ REDACTED ]"]),
        ("(REDACTED) <redacted>", ["(REDACTED)", "<redacted>"]),
        ("[REDACTED]'s", ["[REDACTED]'s"]),
        ("[REDACTED]’s", ["[REDACTED]’s"]),
        ("[REDACTED]'say", ["[REDACTED]"]),
        ("[REDACTED]s", ["[REDACTED]"]),
        ("REDACTED", ["REDACTED"]),
        ("REDACTEDs redacted", []),
        ("[REDACTED WORD]", ["REDACTED"]),
        ("[MASK]", []),
    ],
)
def test_mask_pattern(text: str, masks: list[str]) -> None:
    assert mask_pattern("[REDACTED]", frozenset({"'s"}), bare=True).findall(text) == masks


@given(st.text(), st.sampled_from([SNLI, TWEETS]))
def test_documents_have_every_field(answer: str, question: object) -> None:
    for fields in documents(answer, question):  # type: ignore[arg-type]
        assert tuple(fields) == question.fields  # type: ignore[attr-defined]


@given(st.text(min_size=1))
def test_any_mask_is_found(mask: str) -> None:
    if mask.strip():
        assert mask_pattern(mask, frozenset({"'s"}), bare=True).search(f"I {mask} it")
