"""Where sentences are: abbreviations, quotes, numbers, lists, line breaks, other scripts; and units in general."""

from __future__ import annotations

import re

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from faithfulness_metrics.sentences import find_sentences
from faithfulness_metrics.units import size_of, unit_key, units_of
from faithfulness_metrics.words import find_words, mask_out, remove, words_of

# The text with a bar at the end of each sentence, and braces around what is in no sentence.
CASES = [
    # Abbreviations, initials, numbers, addresses.
    "Dr. Lee met Mr. Fox at 5 p.m. on Jan. 5.| He paid.|",
    "See e.g. Fig. 3, i.e. pp. 12-14.| J. K. Rowling wrote it.|",
    "Smith v. Jones, 410 U.S. 113 (1973).| Art. 5 GDPR holds.|",
    "It costs $3.50.| In 2019.| 1.5 million left.|",
    "See www.example.com.| Mail a.b@c.de now.|",
    # Quotes and marks without a word.
    'He said "I am done. Go away!" and left.| "Why?" she asked.|',
    "They wrote: “Pay now.”| I paid (see below).|",
    "Wait... what?| No!!| Ok :-) 😀|",
    # No blank after a stop, small letters, no stop at all.
    "I said no.|They hung up.|I called again!|Nobody came.|",
    "i called them.| they did not answer.| i am angry|",
    "i love this phone it is great and the battery lasts all day|",
    # Lists: the mark of an item is in no sentence.
    "Problems:|\n{1. }My card was stolen.|\n{2. }No one came|\n{- }late fee|\n{(b) }rude staff|",
    # Line breaks: short lines end a sentence, wrapped ones do not, blank lines always do.
    "my card was stolen|\ni called the bank|\r\nno answer|",
    "this is a line that a mail program has wrapped after about seventy\ncharacters and goes on.| Next.|",
    "this is a line that a mail program has wrapped after about seventy|\n\ncharacters and goes on.| Next.|",
    # Nothing to name.
    *("", "{   }\n ", "{. . .}"),
]

SCRIPTS = [
    ("zh", "我爱这部手机。|电池很好！|你觉得呢？|价格是3.5元。|"),
    ("ja", "これは良い。|とても高い！|"),
    ("hi", "यह अच्छा है।| वह गया।|"),
    ("ar", "هل هذا جيد؟| نعم.|"),
    ("de", "Am 5. Mai kam Hr. Maier z. B. zu uns.| Gut so.|"),
]


@pytest.mark.parametrize(("language", "marked"), [*(("en", case) for case in CASES), *SCRIPTS])
def test_sentences(language: str, marked: str) -> None:
    text = re.sub(r"[|{}]", "", marked)
    expected = [part.strip() for part in re.sub(r"\{.*?\}", "", marked).split("|") if part.strip()]
    spans = find_sentences(text, language=language)
    assert [span.text for span in spans] == expected
    assert [text[span.start : span.end] for span in spans] == expected


@for_all(st.text("aB.!? \n-1)(\"'。字,", max_size=120))
def test_every_word_is_in_one_sentence_or_the_mark_of_an_item(text: str) -> None:
    spans, words = find_sentences(text), find_words(text)
    ends = [0, *(span.end for span in spans)]
    assert all(end <= span.start for end, span in zip(ends, spans, strict=False))
    inside = [word for word in words if any(span.start <= word.start and word.end <= span.end for span in spans)]
    assert [key for span in spans for key in span.key.split(" ")] == [word.key for word in inside]
    outside = [word for word in words if word not in inside]
    assert all(len(word.text) <= 4 for word in outside)  # 1. | ii) | b)


def test_sentences_are_masked_and_deleted_as_words_are() -> None:
    fields = {"a": "No. 5 is gone. Why?", "b": "Why? I paid."}
    units = units_of(fields, "sentence")
    assert [(unit.field, unit.text) for unit in units] == [
        ("a", "No. 5 is gone."),
        ("a", "Why?"),
        ("b", "Why?"),
        ("b", "I paid."),
    ]
    assert mask_out(fields, units, [0, 3], "[X]") == {"a": "[X] Why?", "b": "Why? [X]"}
    assert remove(fields, units, [1, 2], "delete", "") == {"a": "No. 5 is gone.", "b": "I paid."}
    assert units_of(fields) == words_of(fields)


def test_sentences_are_compared_by_their_words() -> None:
    assert unit_key("I won’t pay!", "sentence") == unit_key("“i won't  PAY”", "sentence") == "i won't pay"
    assert [size_of(unit) for unit in units_of({"": "I won't pay. No."}, "sentence")] == [3, 1]
    assert unit_key("#Love") == "#love"
