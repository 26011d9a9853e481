"""The clauses of a verdict about groups of tasks: what rose, what fell, and where there is no gain.

They have no full stop; `leaderboards/verdict.py` joins them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leaderboards.number_format import counted, rate
from leaderboards.sanitize import one_line
from leaderboards.verdict_groups import PLACES, TaskGroup, TaskPair, mean_of

# So many tasks of a group are named one by one; of more, the mean is written.
MOST_NAMED = 3
# So many datasets are listed.
MOST_LISTED = 6


def changes(groups: Sequence[TaskGroup], marker: str) -> str:
    """What differs significantly from the base, trained-on datasets first; "" where nothing does."""
    phrases = {
        place: ", ".join(_change(group, marker) for group in members if group.marked(marker))
        for place, members in _by_place(groups).items()
    }
    lead = {"better": "Better", "worse": "Worse"}[marker]
    return _sentence(lead, phrases)


def _change(group: TaskGroup, marker: str) -> str:
    """``attribution (snli .09 to .32)``, or the mean over all tasks of the group where many changed."""
    marked, tasks = group.marked(marker), len(group.pairs)
    if len(marked) <= MOST_NAMED and (len(marked) < tasks or tasks == 1):
        return f"{_style(group)} ({', '.join(map(_of_task, marked))})"
    some = f"{len(marked)} of {tasks}" if len(marked) < tasks else f"all {tasks}"
    return f"{_style(group)} {_from_to(group.base_mean('faithful'), group.mean('faithful'))} ({some} tasks)"


def _of_task(pair: TaskPair) -> str:
    before = mean_of([pair.base], "faithful") if pair.base else None
    return f"{one_line(pair.words, 60)} {_from_to(before, mean_of([pair.cell], 'faithful'))}"


def _from_to(before: float | None, after: float | None) -> str:
    return rate(after) if before is None else f"{rate(before)} to {rate(after)}"


def fewer_valid(groups: Sequence[TaskGroup]) -> str:
    """A clause on where the share of valid explanations fell clearly, in all and by style; "" where it did not.

    Clearly: the mean upper bound of the checkpoint lies below the mean lower bound of its base, on the same tasks. This
    asks for more than an interval of the mean difference would.
    """
    pairs = [pair for group in groups for pair in group.pairs]
    styles = {group.style: [pair for pair in pairs if pair.task.style == group.style] for group in groups}
    fallen = [f"{one_line(style, 40)} {_validity(own)}" for style, own in styles.items() if _clearly_fewer(own)]
    if _clearly_fewer(pairs):
        by_style = f" ({', '.join(fallen)})" if fallen and len(styles) > 1 else ""
        what = f"{_validity(pairs)} over {counted(len(pairs), 'task')}{by_style}"
    elif fallen:
        what = ", ".join(fallen)
    else:
        return ""
    return f"fewer explanations are valid: {what}; invalid ones count as not faithful"


def _clearly_fewer(pairs: Sequence[TaskPair]) -> bool:
    bases = [pair.base for pair in pairs if pair.base]
    if len(bases) < len(pairs):
        return False
    high, low = mean_of([pair.cell for pair in pairs], "valid", "high"), mean_of(bases, "valid", "low")
    return high is not None and low is not None and high < low


def _validity(pairs: Sequence[TaskPair]) -> str:
    bases = [pair.base for pair in pairs if pair.base]
    return _from_to(mean_of(bases, "valid"), mean_of([pair.cell for pair in pairs], "valid"))


def no_gain_and_lift(groups: Sequence[TaskGroup]) -> str:
    """Styles and datasets without a significant gain, and the lift by style on trained-on and unseen datasets."""
    pairs = [pair for group in groups for pair in group.pairs]
    parts = []
    if any(pair.marker == "better" for pair in pairs):
        styles, datasets = (_without_gain(pairs, field) for field in ("style", "dataset"))
        names = [f"for {_listed(styles)}"] if styles else []
        names += [f"on {_listed(datasets)}"] if datasets else []
        parts += [f"No significant gain {', nor '.join(names)}"] if names else []
    lead = "lift" if parts else "Lift"
    parts += [f"{lead} (faithful minus chance){lifts}"] if (lifts := _lifts(groups)) else []
    return "; ".join(parts)


def _without_gain(pairs: Sequence[TaskPair], field: str) -> list[str]:
    gained = {getattr(pair.task, field) for pair in pairs if pair.marker == "better"}
    return [name for name in dict.fromkeys(getattr(pair.task, field) for pair in pairs) if name not in gained]


def _listed(names: Sequence[str]) -> str:
    listed = [one_line(name, 40) for name in names[:MOST_LISTED]]
    if more := len(names) - len(listed):
        listed.append(f"{more} more")
    return " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))


def _lifts(groups: Sequence[TaskGroup]) -> str:
    places = list(_by_place(groups))
    by_style: dict[str, dict[str, float]] = {}
    for group in groups:
        if (lift := group.mean("lift")) is not None:
            by_style.setdefault(group.style, {})[group.place] = lift
    phrases = [
        f"{one_line(style, 40)} {' and '.join(rate(lifts.get(place), signed=True) for place in places)}"
        for style, lifts in by_style.items()
    ]
    words = {"trained": "trained-on", "unseen": "unseen"}
    where = " and ".join(words[place] for place in places if place in words)
    return f"{f' on {where} datasets' if where else ''}: {', '.join(phrases)}" if phrases else ""


def against_chance(groups: Sequence[TaskGroup]) -> tuple[str, str, str]:
    """Clauses without a base: above chance on all tasks or some, below it on some, and what shows neither."""
    leads = {"above": "Above chance", "below": "Below chance", "": "Not told apart from chance"}
    lines = {}
    for kind, lead in leads.items():
        phrases = {
            place: ", ".join(filter(None, (_beside_chance(group, kind) for group in members)))
            for place, members in _by_place(groups).items()
        }
        lines[kind] = _sentence(lead, phrases)
    return lines["above"], lines["below"], lines[""]


def _beside_chance(group: TaskGroup, kind: str) -> str:
    """A group on this side of chance; "" where it is on another."""
    chance, tasks = group.mean("faithful_random"), len(group.pairs)
    sides = {side: group.apart_from_chance(side) for side in ("above", "below")}
    count = sides.get(kind, 0 if any(sides.values()) else tasks)
    if chance is None or not count:
        return ""
    some = f" ({count} of {tasks} tasks)" if count < tasks else ""
    return f"{_style(group)} {rate(group.mean('faithful'))} against {rate(chance)}{some}"


def _by_place(groups: Sequence[TaskGroup]) -> Mapping[str, list[TaskGroup]]:
    members: dict[str, list[TaskGroup]] = {}
    for group in groups:
        members.setdefault(group.place, []).append(group)
    return members


def _sentence(lead: str, phrases: Mapping[str, str]) -> str:
    """One clause over all places that have a phrase: ``Better on unseen datasets: …``."""
    clauses = [f"{PLACES[place]}: {phrase}".removeprefix(": ") for place, phrase in phrases.items() if phrase]
    if not clauses:
        return ""
    return f"{lead}{' ' if clauses[0].startswith('on ') else ': '}{'; '.join(clauses)}"


def _style(group: TaskGroup) -> str:
    return ("new style " if group.new_style else "") + one_line(group.style, 40)
