"""Untrusted text, made visible: names and answers of models can hold anything."""

from __future__ import annotations

import regex

# Controls (ANSI's escape and NUL among them), format characters (that turn the direction of what follows, or show as
# nothing), lone surrogates (no UTF-8 can hold them) and Unicode's line separators. Line breaks and tabs stay; so do the
# joiners U+200C and U+200D, which some scripts and emoji are spelled with.
_HIDDEN = regex.compile(r"[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\n\t\u200c\u200d]]", regex.V1)


def visible(text: str) -> str:
    r"""Text in which nothing hides: what would not show is written as its code.

    >>> visible("a\x00b\u202ec")
    'a⟨U+0000⟩b⟨U+202E⟩c'
    """
    return str(_HIDDEN.sub(lambda found: f"⟨U+{ord(found.group()):04X}⟩", text))


def one_line(text: str, longest: int = 120) -> str:
    """The same for names: also no line breaks, and no more than `longest` characters (the middle is left out)."""
    shown = visible(text).replace("\n", "↵").replace("\t", "⇥")
    if len(shown) <= longest:
        return shown
    head = (longest - 1) * 2 // 3
    return f"{shown[:head]}…{shown[len(shown) - (longest - 1 - head) :]}"
