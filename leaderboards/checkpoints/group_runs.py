"""From runs to rows of the board: which runs are of one model, what it is called, what it is compared with."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from faithful_se.errors import UsageError
from leaderboards import train_info
from leaderboards.board import Training
from leaderboards.runs import Model, Run

# The end of a path that says nothing without what stands before it.
_VAGUE = re.compile(r"(checkpoint-\d+|final|adapter|model|merged|output|last|best)", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One model with its runs, before any number.

    Attributes:
        folder: where its results lie, if that tells it from another; else "".
        base: index of the row it is compared with.
    """

    name: str
    model: Model
    runs: tuple[Run, ...]
    training: Training | None
    folder: str = ""
    base: int | None = None

    @property
    def control(self) -> bool:
        """Whether its training is a control arm."""
        return self.training is not None and self.training.control


def rows_of(
    runs: Sequence[Run], infos: Mapping[str, Path], base: str | None = None, every_run: bool = False
) -> tuple[list[Row], list[str]]:
    """The models of the runs, in the order of the board, and what a reader must know about their names and bases.

    Args:
        runs: of all files.
        infos: name of a checkpoint -> its train_info.json, from the user.
        base: name of the checkpoint that those without a base of their own are compared with.
        every_run: each date its own row, instead of the newest run of each task.

    Raises:
        UsageError: `base` or a name in `infos` is not on the board or means several.
    """
    notes: list[str] = []
    groups = _grouped(runs, every_run, notes)
    rows = [_row(model, folder, its, notes) for (model, folder), its in groups.items()]
    rows = _named(rows, every_run)
    for name, path in infos.items():
        index = index_of(rows, name, "--train-info")
        rows[index] = replace(rows[index], training=train_info.read(path))
    given = index_of(rows, base, "--base") if base is not None else None
    rows = _with_bases(rows, given, notes)
    return _ordered(rows), notes


def index_of(rows: Sequence[Row], name: str, option: str) -> int:
    """The row of this name, or whose path or lm-eval name it is.

    Raises:
        UsageError: none, or several.
    """
    exact = [i for i, row in enumerate(rows) if row.name == name]
    found = exact or [i for i, row in enumerate(rows) if name in (row.model.name, row.model.path, row.folder)]
    if len(found) != 1:
        names = ", ".join(row.name for row in rows)
        what = "no checkpoint of this name" if not found else "several checkpoints of this name"
        raise UsageError(f"{option} {name}: {what}; there are {names}")
    return found[0]


def _grouped(runs: Sequence[Run], every_run: bool, notes: list[str]) -> dict[tuple[Model, str], list[Run]]:
    """Runs by model. Two folders that hold the same task of the same model are two models of one name."""
    by_model: dict[Model, dict[str, list[Run]]] = {}
    for run in runs:
        by_model.setdefault(run.model, {}).setdefault(str(run.place), []).append(run)
    groups: dict[tuple[Model, str], list[Run]] = {}
    for model, folders in by_model.items():
        counts = Counter(what for its in folders.values() for what in {(run.sheet, run.n) for run in its})
        apart = max(counts.values()) > 1
        if apart:
            notes.append(
                f"{model.name} ({model.arguments or 'no arguments'}) lies in {len(folders)} folders with the "
                f"same tasks: shown as {len(folders)} checkpoints; give one folder to show one"
            )
        for folder, its in folders.items():
            for run in its:
                where = folder if apart else ""
                groups.setdefault((model, f"{where} {run.date}".strip() if every_run else where), []).append(run)
    return groups


def _row(model: Model, folder: str, runs: list[Run], notes: list[str]) -> Row:
    training, problem = train_info.of(runs)
    if problem:
        notes.append(f"{model.name}: {problem}")
    if training and not model.pretrained and training.base == model.path:
        training = None  # the folder of a base that also holds what was trained from it
    return Row("", model, tuple(runs), training, folder)


def _named(rows: list[Row], every_run: bool) -> list[Row]:
    """Short names that are unique: as much of the path as it takes, then what else differs."""
    lengths = [2 if _VAGUE.fullmatch(_parts(row)[-1]) else 1 for row in rows]
    while True:
        names = ["/".join(_parts(row)[-length:]) for row, length in zip(rows, lengths, strict=True)]
        paths = {name: {tuple(_parts(row)) for row, n in zip(rows, names, strict=True) if n == name} for name in names}
        longer = [
            length + (len(paths[name]) > 1 and length < len(_parts(row)))
            for row, name, length in zip(rows, names, lengths, strict=True)
        ]
        if longer == lengths:
            break
        lengths = longer
    for tell in (_backend, _arguments, _asked, _weights, _folder):
        counts = Counter(names)
        told = [tell(row) for row in rows]
        among = {name: {t for n, t in zip(names, told, strict=True) if n == name} for name in names}
        names = [
            f"{name} ({extra})" if counts[name] > 1 and len(among[name]) > 1 and extra else name
            for name, extra in zip(names, told, strict=True)
        ]
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return [replace(row, name=name) for row, name in zip(rows, unique, strict=True)]


def _parts(row: Row) -> list[str]:
    return [part for part in (row.model.path or row.model.name).split("/") if part] or ["?"]


def _backend(row: Row) -> str:
    return row.model.backend


def _arguments(row: Row) -> str:
    pairs = [pair for pair in row.model.arguments.split(", ") if not pair.startswith(("pretrained=", "peft="))]
    return ", ".join(pairs)


def _asked(row: Row) -> str:
    return row.model.asked


def _weights(row: Row) -> str:
    return row.model.weights


def _folder(row: Row) -> str:
    return row.folder


def _with_bases(rows: list[Row], given: int | None, notes: list[str]) -> list[Row]:
    """Base of an adapter: the model it sits on; of a model with a card: what the card says; then --base; then the only
    untrained one."""
    plain = [i for i, row in enumerate(rows) if not row.model.pretrained and row.training is None]
    found: list[int | None] = []
    for i, row in enumerate(rows):
        wanted = row.model.pretrained or (row.training.base if row.training else "")
        near = [j for j in _by_path(rows, wanted) if j != i] if wanted else []
        fallback = given if given is not None else plain[0] if len(plain) == 1 and i not in plain else None
        choice = _closest(rows, row, near) if near else fallback
        found.append(choice if choice != i else None)
        if len(near) > 1 and choice is not None:
            notes.append(f"{row.name}: several rows are its base by name; compared with {rows[choice].name}")
        if wanted and not near:
            instead = f"; compared with {rows[choice].name}" if choice is not None else "; not compared"
            notes.append(f"{row.name}: its base {wanted} is not on the board{instead}")
    if all(base is None for base in found) and len(rows) > 1:
        notes.append("No checkpoint has a base on the board: nothing is compared. Say which with --base NAME.")
    return [replace(row, base=base) for row, base in zip(rows, found, strict=True)]


def _by_path(rows: list[Row], wanted: str) -> list[int]:
    exact = [i for i, row in enumerate(rows) if not row.model.pretrained and row.model.path == wanted]
    end = Path(wanted).name
    return exact or [
        i
        for i, row in enumerate(rows)
        if not row.model.pretrained and row.training is None and Path(row.model.path).name == end
    ]


def _closest(rows: list[Row], row: Row, near: list[int]) -> int:
    """Of several bases of one name: asked the same way, with most tasks in common, and whose results lie nearest."""
    sheets = {run.sheet for run in row.runs}

    def far(index: int) -> tuple[bool, int, int, str]:
        other = rows[index]
        tasks = len(sheets & {run.sheet for run in other.runs})
        shared = len(_common(other.runs[0].file.parts, row.runs[0].file.parts))
        return other.model.asked != row.model.asked, -tasks, -shared, other.name

    return min(near, key=far)


def _common(a: Sequence[str], b: Sequence[str]) -> list[str]:
    shared = []
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        shared.append(x)
    return shared


def _ordered(rows: list[Row]) -> list[Row]:
    """Each base with its checkpoints after it, controls last; then the rest."""

    def place(row: Row) -> tuple[str, bool, bool, str]:
        root, seen = row, {id(row)}
        while root.base is not None and id(rows[root.base]) not in seen:
            root = rows[root.base]
            seen.add(id(root))
        return root.name, row.base is not None, row.control, row.name

    order = sorted(range(len(rows)), key=lambda i: place(rows[i]))
    new = {old: position for position, old in enumerate(order)}
    return [replace(rows[i], base=None if rows[i].base is None else new[rows[i].base or 0]) for i in order]
