"""Untrusted text, made visible: names and answers of models can hold anything."""

from __future__ import annotations

import regex

# Controls (ANSI's escape and NUL among them), format characters (that turn the direction of what follows, or show as
# nothing), lone surrogates (no UTF-8 can hold them) and Unicode's line separators. Line breaks and tabs stay; so do the
# joiners U+200C and U+200D, which some scripts and emoji are spelled with.
_HIDDEN = regex.compile(r"[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\n\t\u200c\u200d]]", regex.V1)
_BREAKS = regex.compile(r"[\n\t]")


def visible(text: str) -> str:
    r"""Text in which nothing hides: a picture of each C0 control (`␛` for ANSI's escape), a code for the rest.

    >>> visible("a\x00b\u202ec")
    'a␀b⟨U+202E⟩c'
    """
    return str(_HIDDEN.sub(lambda found: _picture(found.group()), text))


def one_line(text: str, longest: int = 120) -> str:
    """The same for names: also no line breaks, and no more than `longest` characters (the middle is left out)."""
    shown = visible(_BREAKS.sub(lambda found: _picture(found.group()), text))
    if len(shown) <= longest:
        return shown
    head = (longest - 1) * 2 // 3
    return f"{shown[:head]}…{shown[len(shown) - (longest - 1 - head) :]}"


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
