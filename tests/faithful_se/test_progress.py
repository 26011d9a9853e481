"""Progress: a line a minute without a terminal, a bar on one."""

from __future__ import annotations

import io
import time

from faithful_se.progress import Progress


def progress(total: int, **settings: object) -> tuple[Progress, list[float]]:
    clock = [0.0]
    return Progress("attribute", total, stream=io.StringIO(), clock=lambda: clock[0], **settings), clock


def test_the_line_by_hand():
    counter, clock = progress(1000)
    assert counter.line() == "attribute: 0 of 1,000 texts"
    for seconds, count, line in (
        (60.0, 120, "attribute: 120 of 1,000 texts, about 7 min left"),
        (120.0, 680, "attribute: 800 of 1,000 texts, less than a minute left"),
        (36_000.0, 100, "attribute: 900 of 1,000 texts, about 67 min left"),
    ):
        clock[0] = seconds
        counter.update(count)
        assert counter.line() == line


def test_what_an_earlier_call_did_says_nothing_about_the_time():
    counter, clock = progress(1000)
    counter.skip(900)
    assert counter.line() == "attribute: 900 of 1,000 texts"
    clock[0] = 600.0
    counter.update(10)
    assert counter.line() == "attribute: 910 of 1,000 texts, about 1.5 h left"


def test_a_clock_that_is_set_back_changes_no_estimate(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: -1e9)
    counter = Progress("attribute", 10, stream=io.StringIO())
    counter.update(9)
    assert counter.line() == "attribute: 9 of 10 texts, less than a minute left"


def test_lines_come_without_a_terminal_even_while_nothing_ends():
    stream = io.StringIO()
    with Progress("build: snli", 128, stream=stream, interval=0.01):
        deadline = time.monotonic() + 10
        while stream.getvalue().count("\n") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert stream.getvalue().splitlines()[:2] == ["build: snli: 0 of 128 texts"] * 2


def test_a_quick_command_and_a_silent_one_print_nothing():
    for settings in ({}, {"show": False, "interval": 0.001}):
        stream = io.StringIO()
        with Progress("attribute", 3, stream=stream, **settings) as counter:
            counter.update(3)
            time.sleep(0.02)
        assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with Progress("attribute: snli", 2, stream=stream, interval=0.001) as counter:
        counter.update(2)
    assert "attribute: snli: 100%" in stream.getvalue() and "left" not in stream.getvalue()
