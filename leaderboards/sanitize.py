"""Makes untrusted text safe to show: names and answers of models can hold any character."""

from __future__ import annotations

import regex

# Control characters (ANSI escape, NUL), format characters (some reverse the text direction, some are invisible), lone
# surrogates (UTF-8 cannot hold them) and Unicode line separators. Line breaks and tabs stay. So do the joiners U+200C
# and U+200D, because some scripts and emoji need them.
_HIDDEN = regex.compile(r"[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\n\t\u200c\u200d]]", regex.V1)


def visible(text: str) -> str:
    r"""The text with every invisible character written as its code.

    >>> visible("a\x00b\u202ec")
    'a⟨U+0000⟩b⟨U+202E⟩c'
    """
    return str(_HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text))


def one_line(text: str, longest: int = 120) -> str:
    """The visible text on one line, cut in the middle to at most `longest` characters. For names."""
    line = visible(text).replace("\n", "↵").replace("\t", "⇥")
    if len(line) <= longest:
        return line
    head = (longest - 1) * 2 // 3
    return f"{line[:head]}…{line[len(line) - (longest - 1 - head) :]}"


def terminal_line(text: str) -> str:
    """The text on one line without control characters, so that model output cannot steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text.replace("\n", " "))
