"""The parsers against a careful person: what they read in answers of the shapes that instruction models write.

```
python -m benchmarks.answers [--table FILE …]
```

Prints right, wrong and none for each reader and shape, then each answer that was not read as the person reads it.
`benchmarks/answers_table/README.md` describes the tables. The exit status is 1 where a reading is wrong, or where more
than 2 % of the answers that have a reading get none.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

# Benchmarks run from a clone: they are not installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.answers_rows import READERS, Reading, Row, read_rows
from faithful_se.errors import run_command
from faithfulness_metrics.words import key_of
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.styles import STYLES

TABLES = sorted((Path(__file__).parent / "answers_table").glob("*.jsonl"))
WRONG_LIMIT = 0  # answers
NONE_LIMIT = 0.02  # of the answers that have a reading

RIGHT, WRONG, NONE = OUTCOMES = ("right", "wrong", "none")

# does n't | it 's: ends that a tokenizer parts from their word
_PARTED_END = re.compile(r"\s+(?=(?:n't|'(?:s|re|ve|ll|d|m))(?!\w))")


def parsed(row: Row) -> tuple[Reading, str]:
    """What the project reads in an answer: the reading, and the reason where there is none."""
    if row.style is None:
        call = row.spec.classify(row.document)
        return parse_label(row.answer, call.labels, call.synonyms), ""
    style = STYLES[row.style]
    explanation = style.parse(row.answer, row.document.fields, row.spec.request(row.document, row.target))
    if not explanation.valid:
        return None, explanation.reason
    return list(explanation.words) if style.REMOVES_WORDS else dict(explanation.edited or {}), ""


def comparable(reading: Reading) -> object:
    """A reading in the form in which two are equal: words as a set, texts with single blanks."""
    if isinstance(reading, list):
        words = " ".join(key_of(word) for word in reading)
        return frozenset(_PARTED_END.sub("", words).split())
    if isinstance(reading, dict):
        return {name: " ".join(text.split()) for name, text in reading.items()}
    return reading


def outcome(row: Row, reading: Reading, reason: str) -> str:
    """Whether a reading is ``right``, ``wrong``, or ``none`` where the person reads something."""
    if reading is None and row.reading is not None:
        return NONE
    expected_reason = row.reason is None or reading is not None or reason == row.reason
    return RIGHT if comparable(reading) == comparable(row.reading) and expected_reason else WRONG


def report(rows: Sequence[Row]) -> tuple[list[str], bool]:
    """The lines of the report, and whether all limits hold."""
    counts: Counter[tuple[str, str, str]] = Counter()
    disagreements = []
    for row in rows:
        reading, reason = parsed(row)
        result = outcome(row, reading, reason)
        counts[row.reader, row.shape, result] += 1
        if result != RIGHT:
            disagreements += [
                f"{result}: {row.source} {row.reader}, {row.family}: {row.answer!r}",
                f"    the person reads {_in_words(row.reading, row.reason)}; "
                f"the parser reads {_in_words(reading, reason)}",
            ]
    lines = [f"| reader | shape | n | {' | '.join(OUTCOMES)} |", "|---|---|" + "---:|" * (1 + len(OUTCOMES))]
    ordered = sorted(rows, key=lambda row: READERS.index(row.reader))
    groups = dict.fromkeys((row.reader, row.shape) for row in ordered)
    lines += [_line(reader, shape, [counts[reader, shape, result] for result in OUTCOMES]) for reader, shape in groups]
    for reader in dict.fromkeys(reader for reader, _ in groups):
        lines.append(_line(reader, "**all**", _totals(counts, [reader])))
    _, wrong, none = totals = _totals(counts, READERS)
    lines.append(_line("**all**", "**all**", totals))
    with_reading = sum(row.reading is not None for row in rows)
    share = none / with_reading if with_reading else 0.0
    lines += ["", f"wrong: {wrong} (limit {WRONG_LIMIT})"]
    lines.append(f"none: {none} of {with_reading} answers with a reading, {share:.1%} (limit {NONE_LIMIT:.0%})")
    return [*lines, *disagreements], wrong <= WRONG_LIMIT and share <= NONE_LIMIT


def _totals(counts: Counter[tuple[str, str, str]], readers: Iterable[str]) -> list[int]:
    chosen = frozenset(readers)
    return [
        sum(count for (reader, _, name), count in counts.items() if name == result and reader in chosen)
        for result in OUTCOMES
    ]


def _line(reader: str, shape: str, numbers: Sequence[int]) -> str:
    return f"| {reader} | {shape} | {sum(numbers)} | {' | '.join(map(str, numbers))} |"


def _in_words(reading: Reading, reason: str | None) -> str:
    if reading is None:
        return f"nothing ({reason})" if reason else "nothing"
    return repr(reading)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--table",
        type=Path,
        nargs="+",
        default=TABLES,
        metavar="FILE",
        help="tables of your own, in the format of benchmarks/answers_table/README.md (default: those of that folder)",
    )
    rows = [row for path in parser.parse_args(argv).table for row in read_rows(path)]
    lines, holds = report(rows)
    print("\n".join(lines))
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(run_command(main))
