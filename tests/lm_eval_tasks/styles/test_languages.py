"""Explanations in German and Chinese: what models write around a word, a list, a redacted and an edited text."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Request
from tests.test_house import ROOT

GERMAN = {"text": "Die Suppe schmeckte großartig, und die Bedienung war großartig."}
CHINESE = {"text": "这家餐厅的服务非常好，我很喜欢！牛肉饭也好吃。"}
FIELDS = {"reviews_de": GERMAN, "reviews_zh": CHINESE}


def parse(style, dataset, answer, budget="oneword", target=""):
    question = dataset_spec(dataset, ROOT / "examples" / "languages").question
    request = Request(question, budget, "[REDACTED]", target=target)
    explanation = STYLES[style].parse(answer, FIELDS[dataset], request)
    return explanation.words if explanation.valid else explanation.reason


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("Großartig.", ("großartig",)),
        ("„großartig“", ("großartig",)),
        ("Wort: großartig", ("großartig",)),
        ("Das wichtigste Wort ist großartig.", ("großartig",)),
        ("Das Wort „großartig“ ist entscheidend, weil es Lob ausdrückt.", ("großartig",)),
        ("Gerne! Hier ist das Wort: großartig", ("großartig",)),
        ("großartig, weil es die Stimmung zeigt", ("großartig",)),
        ("großartig\n\nHinweis: Dieses Wort zeigt die Stimmung.", ("großartig",)),
        ('Das Wort ist nicht "großartig".', "no word named"),
        ("Es tut mir leid, das kann ich nicht.", "refusal"),
        ("wunderbar", "word not in the text"),
    ],
)
def test_one_german_word(answer, result):
    assert parse("attribution", "reviews_de", answer) == result


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("非常", ("非常",)),
        ("“非常”", ("非常",)),
        ("好吃。", ("好吃",)),
        ("答案：好吃", ("好吃",)),
        ("最重要的词是“非常”。", ("非常",)),
        ("最重要的词是非常。", ("非常",)),
        ("“好吃”这个词最重要", ("好吃",)),
        ("好吃（表示满意）", ("好吃",)),
        ("好吃，因为它表示满意", ("好吃",)),
        ("好吃\n\n说明：这个词表示满意", ("好吃",)),
        ("喜欢", ("很喜欢",)),  # the dictionary has one word where the model has two
        ("不是“好吃”", "no word named"),
        ("对不起，我无法回答", "refusal"),
        ("美丽", "word not in the text"),
        ("餐厅，服务", "more than one word"),
    ],
)
def test_one_chinese_word(answer, result):
    assert parse("attribution", "reviews_zh", answer) == result


@pytest.mark.parametrize(
    ("dataset", "answer", "result"),
    [
        ("reviews_de", "Suppe und großartig", ("Suppe", "großartig")),
        ("reviews_de", "Die wichtigsten Wörter sind Suppe und großartig.", ("Suppe", "großartig")),
        ("reviews_de", "1. Suppe\n2. großartig", ("Suppe", "großartig")),
        ("reviews_de", "Suppe, wunderbar", "word not in the text"),
        ("reviews_zh", "非常，好吃", ("非常", "好吃")),
        ("reviews_zh", "非常、好吃", ("非常", "好吃")),
        ("reviews_zh", "非常和好吃", ("非常", "好吃")),
        ("reviews_zh", "最重要的词是：非常、好吃", ("非常", "好吃")),
        ("reviews_zh", "“非常”和“好吃”", ("非常", "好吃")),
    ],
)
def test_several_words(dataset, answer, result):
    assert parse("attribution", dataset, answer, "multiword") == result


REDACTED_GERMAN = "Die Suppe schmeckte [REDACTED], und die Bedienung war [REDACTED]."
REDACTED_CHINESE = "这家餐厅的服务[REDACTED]好，我很喜欢！牛肉饭也好吃。"


@pytest.mark.parametrize(
    "wrapping",
    ["{}", "Hier ist der geschwärzte Text:\n\n{}", "Rezension: {}", "{}\n\nHinweis: Ich habe ein Wort ersetzt."],
)
def test_a_redacted_german_text(wrapping):
    assert parse("redaction", "reviews_de", wrapping.format(REDACTED_GERMAN)) == ("großartig",)


@pytest.mark.parametrize(
    "wrapping",
    [
        "{}",
        "修改后的评论：\n{}",
        "遮盖后的评论：{}",
        "评论：{}",
        "好的，以下是遮盖后的评论：\n\n{}",
        "{}\n\n（注：我把“非常”替换了。）",
    ],
)
def test_a_redacted_chinese_text(wrapping):
    assert parse("redaction", "reviews_zh", wrapping.format(REDACTED_CHINESE)) == ("非常",)


def test_a_part_of_a_chinese_word_stands_for_it():
    assert parse("redaction", "reviews_zh", "这家[REDACTED]厅的服务非常好，我很喜欢！牛肉饭也好吃。") == ("餐厅",)
    assert parse("redaction", "reviews_zh", "这家餐厅的服务很好，我[REDACTED]！") == "text changed outside the masks"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("这家餐厅的服务非常差，我很喜欢！牛肉饭也好吃。", ("好",)),
        ("这家餐厅的服务不好，我很喜欢！牛肉饭也好吃。", ("非常",)),
        ("这家餐厅的服务非常好，我很讨厌！牛肉饭也好吃。", ("很喜欢",)),
        ("修改后的评论：这家餐厅的服务非常差，我很喜欢！牛肉饭也好吃。", ("好",)),
        ("这家餐厅的服务非常差，我很喜欢！牛肉饭难吃。", "more than one word changed"),
        ("这家餐厅的服务非常负面，我很喜欢！牛肉饭也好吃。", "label in the edit"),
        ("抱歉，我不能", "refusal"),
    ],
)
def test_an_edited_chinese_text(answer, result):
    assert parse("counterfactual", "reviews_zh", answer, target="负面") == result


def test_an_edited_german_text():
    edited = "Die Suppe schmeckte furchtbar, und die Bedienung war furchtbar."
    for answer in (edited, f"Geänderter Text: {edited}", f"Hier ist der Text:\n{edited}\n\nErklärung: ersetzt."):
        assert parse("counterfactual", "reviews_de", answer, target="negativ") == ("großartig",)
    assert parse("counterfactual", "reviews_de", "Ich kann nicht helfen.", target="negativ") == "refusal"


CHINESE_PAIR = Question(
    *("pairs_zh", "前提和假设", "前提蕴含假设吗？", ("a", "b"), ("前提", "假设"), ("蕴含", "矛盾")), language="zh"
)
BRACKETS = replace(
    CHINESE_PAIR, titles=("First", "Second"), language="en", prompts=(("title", "[{title}] = {text}"),)
)  # fmt: skip


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (CHINESE_PAIR, "前提：老师在学校。\n假设：学生不在学校。"),
        (CHINESE_PAIR, "**前提：** 老师在学校。\n**假设：** 学生不在学校。"),
        (CHINESE_PAIR, "前提: 老师在学校。\n假设: 学生不在学校。"),
        (CHINESE_PAIR, "前提：老师在学校。假设：学生不在学校。"),
        (CHINESE_PAIR, "修改后的前提和假设：\n\n前提：老师在学校。\n假设：学生不在学校。"),
        (BRACKETS, "[First] = 老师在学校。\n[Second] = 学生不在学校。"),
    ],
)
def test_a_pair_is_read_by_its_titles_as_the_prompt_writes_them(question, answer):
    fields = {"a": "老师在学校。", "b": "学生在学校。"}
    request = Request(question, "multiword", "[REDACTED]", target="矛盾")
    explanation = STYLES["counterfactual"].parse(answer, fields, request)
    assert (explanation.valid, explanation.edited) == (True, {"a": "老师在学校。", "b": "学生不在学校。"}), explanation
