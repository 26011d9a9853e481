from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leaderboards.sanitize import one_line, visible


def test_what_would_hide_is_written_out():
    assert visible("\x1b[31mred\x00 and \x7f") == "⟨U+001B⟩[31mred⟨U+0000⟩ and ⟨U+007F⟩"
    assert visible("nice\u202eecin") == "nice⟨U+202E⟩ecin"
    assert visible("\u200b\ufeff\u2066\u2028\x85\U000e0041") == "⟨U+200B⟩⟨U+FEFF⟩⟨U+2066⟩⟨U+2028⟩⟨U+0085⟩⟨U+E0041⟩"
    assert visible("lone \ud800") == "lone ⟨U+D800⟩"


def test_text_stays_as_it_is():
    text = "a\tb\nc <b>&amp; 'é' שלום 👩\u200d🔬 می\u200cخواهم"
    assert visible(text) == text


def test_names_stay_on_one_line_and_short():
    assert one_line("a\nb\tc\r") == "a↵b⇥c⟨U+000D⟩"
    assert one_line("x" * 100 + "END", longest=20) == "x" * 12 + "…" + "xxxxEND"
    assert len(one_line("y" * 1000)) == 120


@given(st.text())
def test_every_text_can_be_written_as_utf8_and_nothing_is_lost(text: str):
    result = visible(text)
    assert result.encode("utf-8").decode("utf-8") == result
    assert len(result) >= len(text)
    assert visible(result) == result
