"""Words of many languages: where they stand, how they are removed, and which two are the same."""

from __future__ import annotations

import unicodedata

import pytest

from faithfulness_metrics import segmentation
from faithfulness_metrics.edited_words import edited_keys, edited_words
from faithfulness_metrics.segmentation import is_unspaced, is_without_blanks, segmenter, segments
from faithfulness_metrics.words import find_words, key_of, mask_out, occurrences, remove, words_of

MASK = "[REDACTED]"

# A text, its words, and a word with the text without it.
TEXTS = {
    "Chinese": (
        "😀这家餐厅的服务非常好，iPhone15很贵！3.5分。",
        ["这", "家", "餐厅", "的", "服务", "非常", "好", "iPhone15", "很", "贵", "3.5", "分"],
        ("餐厅", "😀这家[REDACTED]的服务非常好，iPhone15很贵！3.5分。"),
    ),
    "Japanese": (
        "このレストランの料理はとても好きです。",
        ["この", "レストラン", "の", "料理", "は", "とても", "好き", "です"],
        ("料理", "このレストランの[REDACTED]はとても好きです。"),
    ),
    "Thai": (
        "ร้านอาหารนี้อร่อยมาก แต่แพง",
        ["ร้าน", "อาหาร", "นี้", "อร่อย", "มาก", "แต่", "แพง"],
        ("อร่อย", "ร้านอาหารนี้[REDACTED]มาก แต่แพง"),
    ),
    "Korean": (
        "이 식당은 정말 맛있어요!",
        ["이", "식당은", "정말", "맛있어요"],
        ("정말", "이 식당은 [REDACTED] 맛있어요!"),
    ),
    "Hindi": (
        "यह रेस्तरां बहुत अच्छा है।",
        ["यह", "रेस्तरां", "बहुत", "अच्छा", "है"],
        ("अच्छा", "यह रेस्तरां बहुत [REDACTED] है।"),
    ),
    "Arabic": (
        "هذا المطعم جميل جدا، والخدمة ممتازة",
        ["هذا", "المطعم", "جميل", "جدا", "والخدمة", "ممتازة"],
        ("جميل", "هذا المطعم [REDACTED] جدا، والخدمة ممتازة"),
    ),
    "German": (
        "Großartig! Das Übernachtungs-Paket war „schön“, geht's noch besser?",
        ["Großartig", "Das", "Übernachtungs-Paket", "war", "schön", "geht's", "noch", "besser"],
        ("schön", "Großartig! Das Übernachtungs-Paket war „[REDACTED]“, geht's noch besser?"),
    ),
}


@pytest.mark.parametrize("language", TEXTS)
def test_words_and_masks(language):
    text, expected, (word, masked) = TEXTS[language]
    fields = {"text": text}
    words = words_of(fields)
    assert [w.text for w in words] == expected
    assert all(text[w.start : w.end] == w.text for w in words)
    positions = occurrences(words, {key_of(word)})
    assert mask_out(fields, words, positions, MASK) == {"text": masked}
    # What is left has the same words as before.
    left = [w.text for w in words_of({"text": masked}, MASK)]
    assert left == [w for w in expected if w != word]


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_decomposed_forms_are_the_same_words(language, form):
    text, expected, _ = TEXTS[language]
    words = find_words(unicodedata.normalize(form, text))
    assert [w.key for w in words] == [key_of(word) for word in expected]


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("ＧＯＯＤ", "good"),  # letters of full width
        ("ｶﾞｷﾞｸﾞ", "ガギグ"),  # kana of half width
        ("２０２４", "2024"),
        ("جميـــل", "جميل"),  # elongation
        ("groß\u00adartig", "großartig"),  # a soft hyphen
        ("GROSSARTIG", "großartig"),
        ("क\u094d\u200dष", "क\u094dष"),  # a joiner
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_spellings_of_a_word(word, other):
    assert [w.key for w in find_words(word)] == [w.key for w in find_words(other)] == [key_of(other)]


@pytest.mark.parametrize(("word", "other"), [("すごい", "すごーい"), ("ハ", "バ"), ("好", "女子"), ("كتب", "كتاب")])
def test_other_words(word, other):
    assert key_of(word) != key_of(other)


def test_half_width_kana_are_parted_as_full_ones():
    assert [w.key for w in find_words("ｺﾉﾚｽﾄﾗﾝは好きです")] == [w.key for w in find_words("コノレストランは好きです")]


def test_removed_words_do_not_join_their_neighbours():
    fields = {"text": "iPhone很15贵"}
    words = words_of(fields)
    assert [w.text for w in words] == ["iPhone", "很", "15", "贵"]
    assert remove(fields, words, [1], "delete", MASK) == {"text": "iPhone 15贵"}
    assert remove(fields, words, [3], "delete", MASK) == {"text": "iPhone很15"}
    substituted = remove(fields, words, [1, 3], "substitute", MASK)["text"]
    assert find_words(substituted)[0].text == "iPhone" and len(find_words(substituted)) == 4


def test_an_edit_leaves_the_other_words_as_they_were():
    original = {"text": "这家餐厅的服务非常好，我很喜欢！"}
    for text, word, new_word in (
        ("这家餐厅的服务非常差，我很喜欢！", "好", "差"),
        ("这家餐厅的服务非常好，我很讨厌！", "很喜欢", "很讨厌"),
        ("这家ibex的服务非常好，我很喜欢！", "餐厅", "ibex"),
    ):
        keys = [new_word if w.key == word else w.key for w in words_of(original)]
        assert edited_keys({"text": text}, original) == {"text": keys}
        assert all(text[w.start : w.end] == w.text for w in edited_words({"text": text}, original)["text"])


def test_segments_end_where_the_run_ends():
    for text, *_ in TEXTS.values():
        assert all(segments(text[a:b])[-1] == b - a for a, b in segmentation.runs(text))
    assert is_unspaced("餐厅") and not is_unspaced("iPhone") and not is_unspaced("")
    assert is_without_blanks(["ok 这家餐厅很好"]) and not is_without_blanks(["#相互フォロー thanks for this"])
    assert segmenter().startswith("icu4py ")


def test_without_a_segmenter_a_clause_is_one_word(monkeypatch):
    monkeypatch.setattr(segmentation, "_breaker", lambda: None)
    find_words.__globals__["_find_in_short"].cache_clear()
    assert [w.text for w in find_words("这家餐厅很好，iPhone15很贵")] == ["这家餐厅很好", "iPhone15很贵"]
    assert not segmenter()
    find_words.__globals__["_find_in_short"].cache_clear()
