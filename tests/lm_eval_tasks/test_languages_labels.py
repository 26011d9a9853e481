"""Labels in answers of other languages than English."""

from __future__ import annotations

import pytest

from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.languages import answers_of

GERMAN = (["negativ", "positiv"], [["negative", "negativer"], ["positive", "positiver"]])
CHINESE = (["负面", "正面"], [["消极"], ["积极"]])


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("positiv", "positiv"),
        ("Positiv.", "positiv"),
        ("Antwort: **negativ**", "negativ"),
        ("Die Rezension ist positiv.", "positiv"),
        ("Die Stimmung ist eher negativ", "negativ"),
        ("Es handelt sich um eine positive Rezension.", "positiv"),
        ("Die Antwort lautet: negativ", "negativ"),
        ("Die Rezension ist nicht positiv, sondern negativ.", "negativ"),
        ("Die Rezension ist nicht positiv.", None),
        ("Das ist keine positive Rezension", None),
        ("Die Bewertung ist keinesfalls positiv", None),
        ("Weder positiv noch negativ.", None),
        ("Ich kann das nicht beantworten.", None),
    ],
)
def test_german(answer, label):
    assert parse_label(answer, *GERMAN, denials=answers_of("de")["denials"]) == label


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("正面", "正面"),
        ("“正面”。", "正面"),
        ("答案：正面", "正面"),
        ("情感：**负面**", "负面"),
        ("这条评论是正面的。", "正面"),
        ("我认为这条评论很积极", "正面"),
        ("这条评论是负面的，因为作者没有正面评价服务。", "负面"),
        ("不是负面，而是正面。", "正面"),
        ("并非正面，是负面的", "负面"),
        ("这不是正面的评论", None),
        ("这条评论不太正面", None),
        ("正面或负面", None),
        ("无法判断", None),
    ],
)
def test_chinese(answer, label):
    assert parse_label(answer, *CHINESE, denials=answers_of("zh")["denials"]) == label


def test_a_label_without_blanks_in_english():
    assert parse_label("正面", *CHINESE) == "正面"
    assert parse_label("The label is 正面.", *CHINESE) == "正面"
