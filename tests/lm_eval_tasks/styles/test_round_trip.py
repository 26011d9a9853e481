"""What a style writes, it reads: on any text, and on real texts with what chat models write around an answer."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faithfulness_metrics.words import find_words, key_of, occurrences, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import EXPLANATION_STYLES, STYLES, attribution, counterfactual, redaction
from tests.lm_eval_tasks.styles.conftest import REAL, SNLI, TWEETS, WRAPPERS, real_documents, request_for

# Neither a label nor a word that is likely in a text; letters only, since "1," before a number would make one number.
NEW = "zyzzyva"

# Text like that of the datasets, and anything at all.
WORDS = st.sampled_from(
    ["I", "love", "it", "don't", "@a_b", "#x", "3.5", "1,000", "½", "é", "日本", "🙂", "&amp;", "and"]
)
MARKS = st.sampled_from(
    [" ", "\n", "\n\n", ",", ".", ": ", '"', "**", "(", ")", "`", "_", "->", "*", "“", "'", "[", "]"]
)
OPENINGS = st.sampled_from(["Sure!", "Okay. ", "Note:", "Tweet:", "Here is", "I'm sorry", "Answer:", "The word", "1. "])
PIECES = st.one_of(WORDS, MARKS, OPENINGS)
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=12).map("".join)
)
BUDGETS = st.sampled_from(["oneword", "multiword"])


@st.composite
def documents(draw: st.DrawFn) -> tuple[Question, dict[str, str]]:
    question = draw(st.sampled_from([TWEETS, SNLI]))
    return question, {name: draw(TEXTS) for name in question.fields}


def _write(style: str, fields: dict[str, str], words: list[str], request: Any) -> str:
    if style == "counterfactual":
        return counterfactual.write(fields, words, request, NEW)
    return STYLES[style].write(fields, words, request)


@given(documents(), BUDGETS, st.sampled_from(EXPLANATION_STYLES), st.data())
@settings(max_examples=600, deadline=None)
def test_round_trip(document: tuple[Question, dict[str, str]], budget: str, style: str, data: st.DataObject) -> None:
    question, fields = document
    words = words_of(fields)
    # The word of the mask cannot be told from a mask; see `redaction.parse`.
    if not words or key_of("redacted") in {word.key for word in words} or NEW in {word.key for word in words}:
        return
    if style != "attribution" and question is SNLI and not _shown_unambiguously(fields):
        return
    word = data.draw(st.sampled_from(words))
    request = request_for(question, budget, question.labels[0])
    answer = _write(style, fields, [word.text], request)
    explanation = STYLES[style].parse(answer, fields, request)
    assert explanation.valid, (answer, explanation.reason)
    assert list(map(key_of, explanation.words)) == [word.key]
    assert explanation.positions == occurrences(words, {word.key})


def _shown_unambiguously(fields: dict[str, str]) -> bool:
    """Two fields are parted by their titles: a text that holds them itself more than a few times has no one reading."""
    return all(name not in text.casefold() for text in fields.values() for name in ("premise:", "hypothesis:"))


@given(documents(), st.data())
@settings(max_examples=300, deadline=None)
def test_round_trip_of_several_words(document: tuple[Question, dict[str, str]], data: st.DataObject) -> None:
    question, fields = document
    words = words_of(fields)
    if not words or key_of("redacted") in {word.key for word in words} or not _shown_unambiguously(fields):
        return
    named = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=4))
    keys = {word.key for word in named}
    for style in (attribution, redaction):
        request = request_for(question, "multiword")
        explanation = style.parse(style.write(fields, [word.text for word in named], request), fields, request)
        assert explanation.valid, explanation.reason
        assert {key_of(word) for word in explanation.words} == keys
        if style is attribution or len(explanation.positions) == len(occurrences(words, keys)):
            assert explanation.positions == occurrences(words, keys)


@given(documents(), st.one_of(TEXTS, st.text()), BUDGETS, st.sampled_from(EXPLANATION_STYLES))
@example((TWEETS, {"text": ""}), "love", "oneword", "counterfactual")
@example((TWEETS, {"text": ""}), "love it", "multiword", "counterfactual")
@example((SNLI, {"premise": "", "hypothesis": ""}), "Premise: a\nHypothesis: b", "oneword", "counterfactual")
@settings(max_examples=600, deadline=None)
def test_any_answer_is_read(document: tuple[Question, dict[str, str]], answer: str, budget: str, style: str) -> None:
    question, fields = document
    request, words = request_for(question, budget, question.labels[0]), words_of(fields)
    explanation = STYLES[style].parse(answer, fields, request)
    assert all(0 <= position < len(words) for position in explanation.positions)
    assert list(explanation.positions) == sorted(set(explanation.positions))
    assert Counter({words[position].key for position in explanation.positions}) == Counter(
        map(key_of, explanation.words)
    )
    assert explanation.valid == (not explanation.reason)
    assert explanation == STYLES[style].parse(f"\n\t {answer} \r\n", fields, request)
    if explanation.valid and style != "counterfactual":
        assert explanation.positions
        assert explanation.edited is None
        if budget == "oneword":
            assert len(explanation.words) == 1
    if explanation.valid and style == "attribution":
        assert explanation.positions == occurrences(words, set(map(key_of, explanation.words)))
        assert {key_of(word) for word in explanation.words} <= {word.key for word in find_words(answer)}
    if explanation.valid and style == "counterfactual":
        assert explanation.edited is not None
        assert [w.key for w in words_of(explanation.edited)] != [w.key for w in words]


@given(documents(), st.sampled_from(list(WRAPPERS)), st.sampled_from(EXPLANATION_STYLES), st.data())
@settings(max_examples=300, deadline=None)
def test_a_wrapping_makes_no_other_reading(
    document: tuple[Question, dict[str, str]], name: str, style: str, data: st.DataObject
) -> None:
    """On any text at all a wrapped answer is read as the bare one or not at all."""
    question, fields = document
    words = words_of(fields)
    if not words or key_of("redacted") in {word.key for word in words} or not _shown_unambiguously(fields):
        return
    request = request_for(question, "oneword", question.labels[0])
    answer = _write(style, fields, [data.draw(st.sampled_from(words)).text], request)
    bare, wrapped = (STYLES[style].parse(text, fields, request) for text in (answer, WRAPPERS[name](answer)))
    if wrapped.valid:
        assert wrapped.words == bare.words


@pytest.mark.parametrize("style", EXPLANATION_STYLES)
@pytest.mark.parametrize("dataset", REAL)
def test_real_texts_in_every_wrapping(dataset: str, style: str) -> None:
    question, draw, missed, answers = REAL[dataset][0], random.Random(0), Counter[str](), 0
    for fields in real_documents(dataset, 300):
        types = sorted({word.key for word in words_of(fields)})
        for budget, words in (("oneword", [draw.choice(types)]), ("multiword", draw.sample(types, min(3, len(types))))):
            request = request_for(question, budget, question.labels[0])
            answer = _write(style, fields, words, request)
            bare = STYLES[style].parse(answer, fields, request)
            assert bare.valid, (answer, bare.reason)
            answers += 1
            for name, wrap in WRAPPERS.items():
                missed[name] += STYLES[style].parse(wrap(answer), fields, request) != bare
    print(dataset, style, answers, {name: count for name, count in missed.items() if count})
    assert {name for name, count in missed.items() if count > 0.005 * answers} == set()


@pytest.mark.parametrize("dataset", REAL)
def test_real_texts_copied_are_no_explanations(dataset: str) -> None:
    question, draw = REAL[dataset][0], random.Random(1)
    for fields in real_documents(dataset, 100):
        titled = question.show(fields)
        text = titled if len(fields) > 1 else titled.partition(": ")[2]
        for wrap in WRAPPERS.values():
            for budget in ("oneword", "multiword"):
                request = request_for(question, budget, question.labels[0])
                assert not redaction.parse(wrap(text), fields, request).valid
                assert not counterfactual.parse(wrap(text), fields, request).valid
            types = list({word.key: word.text for word in words_of(fields)}.values())
            draw.shuffle(types)
            for named in (types, types[:2], types[:3], [*types[:2], NEW]):
                if len({key_of(word) for word in named}) > 1:
                    answer = wrap(", ".join(named))
                    explanation = attribution.parse(answer, fields, request_for(question, "oneword"))
                    assert not explanation.valid, (answer, explanation.words)
            several = request_for(question, "multiword")
            for named in ([NEW], [*types[:2], NEW], [NEW, *types]):
                answer = wrap(", ".join(named))
                explanation = attribution.parse(answer, fields, several)
                assert not explanation.valid, (answer, explanation.words)
            if len(types) > 1:
                explanation = attribution.parse(wrap(text), fields, request_for(question, "oneword"))
                assert not explanation.valid, (wrap(text), explanation.words)
            copied = attribution.parse(text, fields, several)
            assert copied.positions == tuple(range(len(words_of(fields))))
