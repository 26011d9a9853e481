"""Reads a recipe: a YAML file, checked before anything runs. A mistake is one line that names the key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from faithful_se.errors import UsageError
from training.study.recipe import Evaluate, Explainers, Recipe

Section = TypeVar("Section", Recipe, Evaluate, Explainers)

# Keys that hold a list, or its only entry.
LISTS = ("tune", "explainers")

NAMES = {
    Explainers: "keys and values",
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    tuple: "a list",
    Mapping: "keys and values",
}


def shipped() -> Path:
    """The folder of the recipes that come with this package: in the package, or in the source tree."""
    packaged = Path(str(files("training"))) / "recipes"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "recipes"


def find_recipe(name: str) -> Path:
    """The file of a recipe: a path, or the name of one that comes with this package (``mini/study.yaml``).

    Raises:
        UsageError: there is no such file; the message lists the recipes of this package.
    """
    candidates = [Path(name), shipped() / name.removeprefix("recipes/"), shipped() / name / "study.yaml"]
    for path in candidates:
        if path.is_file():
            return path
    names = sorted(path.relative_to(shipped()).as_posix() for path in shipped().glob("*/study*.yaml"))
    raise UsageError(f"{name}: no such recipe; give a file, or one of {', '.join(names)}")


def read_recipe(path: Path, size: str = "", **changes: Any) -> Recipe:
    """Read a recipe.

    Args:
        path: the YAML file.
        size: name of one of its `sizes`; "" or "default" takes the recipe as it is.
        changes: values of keys that replace those of the file; None leaves a key as it is.

    Raises:
        UsageError: no YAML, an unknown key, a missing key, or a value of the wrong type.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8: save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: no YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a recipe has keys and values; docs/study.md describes them")
    sizes = content.get("sizes") or {}
    if size not in ("", "default"):
        if not isinstance(sizes, dict) or not isinstance(sizes.get(size), dict):
            names = ", ".join(map(str, ["default", *sizes])) if isinstance(sizes, dict) else "default"
            raise UsageError(f"{path}: --size {size}: no such size; give one of {names}")
        content = merged(content, sizes[size])
    content |= {key: value for key, value in changes.items() if value is not None}
    recipe = _read(Recipe, content, str(path))
    if not recipe.datasets or not recipe.evaluate.tasks or not recipe.seeds:
        raise UsageError(f"{path}: datasets, evaluate.tasks and seeds: give at least one of each")
    if recipe.parallel < 1 or (recipe.threads is not None and recipe.threads < 1):
        raise UsageError(f"{path}: parallel and threads: give a whole number from 1")
    return recipe


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings, with values of the second instead of those of the first."""
    values = dict(base)
    for key, value in changes.items():
        old = values.get(key)
        values[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return values


def check_names(names: Collection[Any], known: Collection[str], where: str, noun: str = "key") -> None:
    """Refuse a name that is not known; the message says which known one is nearest."""
    for name in names:
        if name not in known:
            near = get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"give one of {', '.join(sorted(known))}"
            raise UsageError(f"{where}: {name}: no such {noun}; {hint}")


def _read(section: type[Section], content: Any, where: str) -> Section:
    """A section of a recipe from what YAML holds."""
    if not isinstance(content, Mapping):
        raise UsageError(f"{where}: give keys and values")
    types, options = get_type_hints(section), {option.name: option for option in fields(section)}
    check_names(content, options, where)
    values: dict[str, Any] = {}
    for name, option in options.items():
        required = option.default is MISSING and option.default_factory is MISSING
        if name not in content or (content[name] is None and not required):
            if required:
                raise UsageError(f"{where}: {name} is missing; docs/study.md describes the keys")
            continue
        if types[name] is Evaluate:
            values[name] = _read(Evaluate, content[name], f"{where}: {name}")
        elif name in LISTS and isinstance(content[name], Mapping):  # the only one of its list
            values[name] = _value([content[name]], types[name], f"{where}: {name}")
        else:
            values[name] = _value(content[name], types[name], f"{where}: {name}")
    return section(**values)


def _value(value: Any, kind: Any, where: str) -> Any:
    """A value of a type, as the dataclass has it."""
    if type(None) in get_args(kind):  # the X of X | None
        kind = next(kind for kind in get_args(kind) if kind is not type(None))
    plain = get_origin(kind) or kind
    if plain is tuple:
        item = get_origin(get_args(kind)[0]) or get_args(kind)[0]
        if not isinstance(value, list) or not all(_is(item, entry) for entry in value):
            raise UsageError(f"{where}: {value!r}: give a list, each entry {NAMES[item]}")
        return tuple(_read(Explainers, entry, where) for entry in value) if item is Explainers else tuple(value)
    if plain not in NAMES:
        plain = Mapping
    if not _is(plain, value):
        raise UsageError(f"{where}: {value!r}: give {NAMES[plain]}")
    return value


def _is(kind: Any, value: Any) -> bool:
    if kind is Explainers:
        kind = Mapping
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
