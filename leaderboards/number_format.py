"""How numbers are written, the same on the page and in every table."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from leaderboards.board import Estimate

MINUS = "−"
BETTER, WORSE = "▲", "▼"
# Of the numbers in the page's data. What is written is rounded from these everywhere: 0.00499999999 and 0.005 are one
# number with two digits too, on the page, in the tables, for an estimate and the bound of its interval.
PLACES = 5
MARKERS = {"better": BETTER, "worse": WORSE, "": ""}


def rate(value: float | None, signed: bool = False, digits: int = 2) -> str:
    """`.94`, `1.00`, `−.03`; with a sign `+.95`; a dash where there is none.

    Halves round away from 0, as in JavaScript's toFixed: page and script write the same digits.
    """
    if value is None:
        return "–"
    exact = Decimal(abs(round(value, PLACES))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = str(exact)
    text = text[1:] if text.startswith("0.") else text
    sign = "" if not exact else MINUS if value < 0 else "+" if signed else ""
    return sign + text


def interval(estimate: Estimate | None, signed: bool = False) -> str:
    """`[.92, .97]`; empty where there is none."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"[{rate(estimate.low, signed)}, {rate(estimate.high, signed)}]"


def with_interval(estimate: Estimate | None, signed: bool = False) -> str:
    """`.94 [.92, .97]`; the note where there is no number."""
    if estimate is None:
        return "–"
    if estimate.estimate is None:
        return estimate.note or "–"
    return f"{rate(estimate.estimate, signed)} {interval(estimate, signed)}".strip()


def p_value(p: float | None) -> str:
    """`.032`, `< .001`."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else rate(p, digits=3)
