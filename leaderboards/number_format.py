"""How numbers are written: two digits on the page and in the tables, three digits and ASCII signs on the terminal."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from leaderboards.board import Estimate

# How the note of a number begins that nothing can be said of; `leaderboards.analysis.measurability` writes it.
NOT_MEASURABLE = "not measurable"

MINUS = "−"
BETTER, WORSE = "▲", "▼"
MARKERS = {"better": BETTER, "worse": WORSE, "": ""}

# Digits of the numbers in the page's data. All output rounds from these, so that 0.00499999999 and 0.005 are written
# alike: on the page, in the tables, as an estimate and as a bound of its interval.
PLACES = 5


def counted(n: int, noun: str) -> str:
    """A number and its noun: 1 task, 2 tasks."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def rate(value: float | None, signed: bool = False, digits: int = 2) -> str:
    """`.94`, `1.00`, `−.03`; signed `+.95`; a dash for None.

    Halves round away from 0, as JavaScript's toFixed does, so that the page and its scripts write the same digits.
    """
    if value is None:
        return "–"
    exact = Decimal(abs(round(value, PLACES))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = str(exact)
    text = text[1:] if text.startswith("0.") else text
    sign = "" if not exact else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def interval(estimate: Estimate | None, signed: bool = False) -> str:
    """`[.92, .97]`; "" without an interval."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"[{rate(estimate.low, signed)}, {rate(estimate.high, signed)}]"


def short_note(note: str) -> str:
    """The note of an undefined number as tables write it: the reason after "not measurable: " is a tooltip or a note.

    >>> short_note("not measurable: no label in 9 of 9 answers"), short_note("not measurable (headroom 0.03)")
    ('not measurable', 'not measurable (headroom 0.03)')
    """
    return NOT_MEASURABLE if note.startswith(f"{NOT_MEASURABLE}: ") else note


def with_interval(estimate: Estimate | None, signed: bool = False) -> str:
    """`.94 [.92, .97]`; the note if the estimate is undefined."""
    if estimate is None:
        return "–"
    if estimate.estimate is None:
        return short_note(estimate.note) or "–"
    return f"{rate(estimate.estimate, signed)} {interval(estimate, signed)}".strip()


def p_value(p: float | None) -> str:
    """`.032`, `< .001`."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else rate(p, digits=3)


def ascii_rate(value: float | None, signed: bool = False) -> str:
    """`0.940`, signed `+0.940`: terminals and scripts need ASCII signs; "" for None."""
    return "" if value is None else f"{value:{'+' if signed else ''}.3f}"


def ascii_with_interval(estimate: Estimate | None, signed: bool = False) -> str:
    """`0.940 [0.920, 0.970]`; the shortened note if the estimate is undefined."""
    if estimate is None or estimate.estimate is None:
        note = short_note(estimate.note) if estimate else ""
        return note.replace("not measurable (headroom ", "n.m. (").replace(NOT_MEASURABLE, "n.m.")
    value = ascii_rate(estimate.estimate, signed)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{ascii_rate(estimate.low, signed)}, {ascii_rate(estimate.high, signed)}]"
