"""The sentences of a verdict about groups of tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leaderboards.number_format import rate
from leaderboards.sanitize import one_line
from leaderboards.verdict_groups import PLACES, TaskGroup

_LEADS = {"better": "Better", "worse": "Worse", "": "No significant change"}


def changes(groups: Sequence[TaskGroup], marker: str) -> Iterator[str]:
    """A sentence per place: what rose, fell, or showed no difference to the base.

    A group with better and worse tasks is in both sentences, with its counts.
    """
    for title, members in _by_place(groups):
        phrases = [_change(group, marker) for group in members if _belongs(group, marker)]
        if phrases:
            yield f"{_LEADS[marker]}{title}: {', '.join(phrases)}."


def _belongs(group: TaskGroup, marker: str) -> bool:
    count = {"better": group.better, "worse": group.worse}.get(marker)
    return count > 0 if count is not None else not group.better and not group.worse


def _change(group: TaskGroup, marker: str) -> str:
    before = "" if group.before is None else f"{rate(group.before)} to "
    count = {"better": group.better, "worse": group.worse}.get(marker, group.tasks)
    some = f" ({count} of {group.tasks} tasks)" if count < group.tasks else ""
    return f"{_style(group)} {before}{rate(group.after)}{some}"


def by_chance(groups: Sequence[TaskGroup]) -> Iterator[str]:
    """Groups that rose, though random changes reach more than half of what they reach."""
    phrases = [
        f"{rate(group.chance)} of the {rate(group.after)} of {_style(group)}{_short(group)}"
        for group in groups
        if group.better and group.chance is not None and group.chance > group.after / 2
    ]
    if phrases:
        yield f"Random changes alone reach {', '.join(phrases)}."


def against_chance(groups: Sequence[TaskGroup]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Sentences without a base: above chance on all tasks, below it on some, and what shows neither."""
    lines: dict[str, list[str]] = {"above": [], "below": [], "": []}
    for title, members in _by_place(groups):
        phrases: dict[str, list[str]] = {"above": [], "below": [], "": []}
        for group in members:
            if group.chance is None:
                continue
            kinds = [kind for kind in ("above", "below") if getattr(group, kind)] or [""]
            for kind in kinds:
                count = getattr(group, kind) if kind else group.tasks
                some = f" ({count} of {group.tasks} tasks)" if count < group.tasks else ""
                phrases[kind].append(f"{_style(group)} {rate(group.after)} against {rate(group.chance)}{some}")
        for kind, texts in phrases.items():
            if texts:
                lead = {"above": "Above chance", "below": "Below chance", "": "Not told apart from chance"}[kind]
                lines[kind].append(f"{lead}{title}: {', '.join(texts)}.")
    return tuple(lines["above"]), tuple(lines["below"]), tuple(lines[""])


def _by_place(groups: Sequence[TaskGroup]) -> Iterator[tuple[str, list[TaskGroup]]]:
    members: dict[str, list[TaskGroup]] = {}
    for group in groups:
        place = PLACES[group.place]
        title = f" {place}, {group.budget}" if place else f" with {group.budget}"
        members.setdefault(title, []).append(group)
    yield from members.items()


def _short(group: TaskGroup) -> str:
    return {"trained": " on trained-on datasets", "unseen": " on unseen ones"}.get(group.place, "")


def _style(group: TaskGroup) -> str:
    return one_line(group.style, 40) + (" (new style)" if group.new_style else "")
