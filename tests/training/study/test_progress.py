"""Progress bars of running stages in short, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from training.study.progress import Display, latest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (
            "Running generate_until requests:  40%|███▉      | 729/1800 [00:01<00:02, 477.91it/s]\r",
            "███░░░░░ 40 %, 00:02 left, Running generate_until requests",
        ),
        ("  97%|█████████▋| 672/690 [02:42<1:00:04,  4.28it/s]", "███████░ 97 %, 1:00:04 left"),
        ("snli:   0%|          | 0/300 [00:00<?, ?text/s]\r\n", "░░░░░░░░ 0 %, ? left, snli"),
        (
            "a\rtrain base:  50%|█████     | 5/10 [00:01<00:01,  4.9step/s, loss=0.5]",
            "████░░░░ 50 %, 00:01 left, train base",
        ),
        ("2026-11-27:19:58:40 INFO     [models.huggingface:582] Model parallel was set\n", "Model parallel was set"),
        ("out/rows: waiting for another command\n\n", "out/rows: waiting for another command"),
        ("", ""),
    ],
)
def test_the_newest_line_of_an_output_in_short(output, text):
    assert latest(output) == text


def test_a_terminal_has_one_line_that_updates_itself():
    stream = Terminal()
    display = Display(stream, interval=0)
    display.update("attribute", " 10%|█         | 1/10 [00:01<00:09, 1it/s]")
    display.update("base", "x" * 500)
    display.end("attribute", "  attribute: 3 s")
    display.update("base", "half")
    display.line("done")
    status, both, *rest = stream.getvalue().removeprefix("\r\x1b[K").split("\r\x1b[K")
    assert status == "  attribute: ░░░░░░░░ 10 %, 00:09 left"
    assert both.startswith("  attribute: ░░░░░░░░ 10 %, 00:09 left; base: 0 s, xxx") and len(both) < 80
    assert rest == ["  attribute: 3 s\n", "  base: 0 s, half", "done\n"]


def test_without_a_terminal_a_line_is_printed_now_and_then():
    stream = io.StringIO()
    display = Display(stream)
    for share in range(100):
        display.update("attribute", f" {share}%|█| 1/10 [00:01<00:09, 1it/s]")
    assert display.interval == 30 and stream.getvalue() == ""
    display.interval, display._next_status = 0, 0
    display.update("attribute", " 99%|█| 1/10 [00:01<00:09, 1it/s]")
    assert stream.getvalue() == "  attribute: ███████░ 99 %, 00:09 left\n"
