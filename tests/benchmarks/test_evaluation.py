"""The verdicts of `benchmarks/evaluation.py`: which rows fail the command."""

from __future__ import annotations

import pytest

from benchmarks.evaluation_rows import Row, report, verdict


@pytest.mark.parametrize(
    ("peer", "ours", "limit", "least", "passes", "remark"),
    [
        (15, 10, 0.70, 10, True, ""),
        (15, 11, 0.70, 11, True, "above 0.70; no run can make fewer calls"),  # 11/15 = .733: so many differ
        (15, 11, 0.70, 10, False, "missed: not the least"),  # one call made twice
        (15, 10, 0.70, 9, False, "missed: not the least"),  # within the limit, and still one too many
        (15, 9, 0.70, 10, False, "missed: not the least"),  # fewer than there are: a call was not made
        (2.0, 2.3, 1.15, None, True, ""),
        (2.0, 2.4, 1.15, None, False, "missed"),
        (2.0, 9.0, None, None, True, ""),
    ],
)
def test_verdict(peer, ours, limit, least, passes, remark):
    assert verdict(Row("calls", peer, ours, limit, least)) == (passes, remark)


def test_one_bad_row_fails_the_report(capsys):
    good, bad = Row("good", 15, 10, 0.70, 10), Row("bad", 15, 12, 0.70, 10)
    assert report(iter([good])) and not report(iter([bad, good]))
    assert capsys.readouterr().out.splitlines()[1].split() == ["good", "15", "10", "10", "0.70", "0.667"]
