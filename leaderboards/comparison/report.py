"""Prints a comparison: a table with an explanation and changed documents, or JSON for scripts."""

from __future__ import annotations

import json
from dataclasses import asdict

from leaderboards.board import Estimate, Settings
from leaderboards.comparison.compare import Behaviour, Changed, Comparison, Pair
from leaderboards.number_format import ascii_rate, ascii_with_interval, counted, p_value
from leaderboards.sanitize import terminal_line
from leaderboards.tables.terminal_table import text_table

HEAD = (
    *("task", "n", "A", "B", "B - A", "only A", "only B", "differ", "p", "Holm", ""),
    *("detectable", "lift", "acc", "agreement"),
)

# In place of a label that could not be read.
NO_LABEL = "no label"
# In place of the label of a perturbed text that an invalid explanation does not lead to.
NOT_ASKED = "not asked"

LEGEND = """\
A, B: share faithful. only A, only B: number of documents. differ: documents on which any metric differs; between two
runs of one model this is the noise, and smaller differences mean nothing. p: exact McNemar test. Holm: p adjusted over
these tasks. detectable: smallest difference that this many documents would show at 80 % power in one test, before Holm,
with as many of them changed. lift, acc: B - A. agreement: of predictions. n.m.: not measurable, a note says why. An
interval without width means that every document gave the same difference. That is not certainty."""


def comparison_json(comparison: Comparison, settings: Settings) -> str:
    """The comparison as JSON, with the settings and the tasks that are significantly better or worse."""
    content = asdict(comparison)
    content["settings"] = {name: getattr(settings, name) for name in ("confidence", "alpha", "draws", "seed")}
    for marker in ("worse", "better"):
        content[marker] = [pair.task for pair in comparison.pairs if pair.versus.marker == marker]
    return json.dumps(content, ensure_ascii=False, indent=1)


def comparison_text(comparison: Comparison) -> str:
    """The comparison as a table, with changed documents and notes."""
    names = f"A: {terminal_line(comparison.a)}\nB: {terminal_line(comparison.b)}\n"
    table = text_table(HEAD, [_table_row(pair) for pair in comparison.pairs])
    mean = ascii_with_interval(comparison.mean, signed=True)
    compared = sum(pair.versus.faithful.estimate is not None for pair in comparison.pairs)
    parts = [names, table, f"\nmean over {counted(compared, 'task')}, B - A: {mean}", LEGEND]
    parts += [_changed(pair.task, changed) for pair in comparison.pairs for changed in pair.changed]
    parts += [f"note: {terminal_line(note)}" for note in [*not_measurable(comparison), *comparison.notes]]
    return "\n".join(parts)


def not_measurable(comparison: Comparison) -> list[str]:
    """A line for each side and reason why `faithful` and `lift` cannot be measured, with its tasks."""
    tasks: dict[tuple[str, str], list[str]] = {}
    for pair in comparison.pairs:
        for side, reason in (("A", pair.not_measurable_a), ("B", pair.not_measurable_b)):
            if reason:
                tasks.setdefault((side, reason), []).append(pair.task)
    return [f"{side}, {', '.join(names)}: {reason}." for (side, reason), names in tasks.items()]


def _table_row(pair: Pair) -> list[str]:
    versus = pair.versus
    same_documents = pair.n_a == pair.n_b == versus.n
    return [
        pair.task,
        str(versus.n) if same_documents else f"{versus.n} of {pair.n_a}, {pair.n_b}",
        _share(pair.a["faithful"]),
        _share(pair.b["faithful"]),
        ascii_with_interval(versus.faithful, signed=True),
        str(versus.only_base),
        str(versus.only_checkpoint),
        str(pair.differ),
        p_value(versus.p),
        p_value(versus.p_holm),
        versus.marker,
        ascii_rate(versus.detectable),
        ascii_with_interval(versus.lift, signed=True),
        ascii_with_interval(versus.acc, signed=True),
        ascii_rate(versus.agreement),
    ]


def _share(faithful: Estimate) -> str:
    return ascii_with_interval(faithful) if faithful.estimate is None else ascii_rate(faithful.estimate)


def _changed(task: str, changed: Changed) -> str:
    title = f"\n{task}, only {changed.faithful} is faithful: {terminal_line(changed.text)[:300]}"
    return f"{title}\n  A: {_behaviour(changed.a)}\n  B: {_behaviour(changed.b)}"


def _behaviour(behaviour: Behaviour) -> str:
    words = ", ".join(map(terminal_line, behaviour.words[:8])) or "(no word)"
    before, after = behaviour.prediction or NO_LABEL, behaviour.after or (NO_LABEL if behaviour.asked else NOT_ASKED)
    return f"{words} ({terminal_line(before)} -> {terminal_line(after)})"
