"""`python -m training.sft.noise A B`: how much two evaluations of the same texts differ.

A and B are folders that `lm_eval --log_samples --output_path` wrote. Of the same model twice (A/A), what is printed is
the noise that no comparison can go below; of an adapter on its base and of the merged model it should be no more.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from faithfulness_metrics.statistics import noise_floor
from lm_eval_tasks.errors import UsageError

Values = Mapping[str, Mapping[str, Mapping[str, float]]]


def read_values(folder: Path) -> Values:
    """Task -> text (its hash) -> metric -> value, of the last run of each task.

    Raises:
        UsageError: no samples there.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for path in sorted(folder.rglob("samples_*.jsonl"), key=lambda path: path.name):  # the name ends with the date
        rows = map(json.loads, path.read_text("utf-8").splitlines())
        task = path.name.removeprefix("samples_").rpartition("_")[0]
        found[task] = {row["doc_hash"]: {name: _number(row[name]) for name in row["metrics"]} for row in rows}
    if not found:
        raise UsageError(f"{folder}: no samples: give lm_eval --log_samples --output_path {folder}")
    return found


def differences(one: Values, other: Values) -> Iterator[str]:
    """A Markdown table: per task, the texts with any value that differs, and the noise of `faithful`.

    Raises:
        UsageError: other tasks, or other texts.
    """
    if one.keys() != other.keys():
        raise UsageError(f"other tasks: only one of the two has {', '.join(sorted(one.keys() ^ other.keys()))}")
    yield "| task | texts | any value differs | faithful differs | difference of faithful |"
    yield "|---|---|---|---|---|"
    for task, texts in sorted(one.items()):
        if texts.keys() != other[task].keys():
            raise UsageError(f"{task}: other texts: give both runs the same --limit and data")
        pairs = [(values, other[task][text]) for text, values in texts.items()]
        unlike = sum(any(not _equal(a[name], b[name]) for name in a) for a, b in pairs)
        floor = noise_floor([a["faithful"] for a, _ in pairs], [b["faithful"] for _, b in pairs])
        yield f"| {task} | {len(pairs)} | {unlike} | {floor.differs:.4f} | {floor.difference:+.4f} |"


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _equal(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def main() -> int:
    """Run the module."""
    p = argparse.ArgumentParser("python -m training.sft.noise", description=__doc__)
    p.add_argument("one", type=Path)
    p.add_argument("other", type=Path)
    given = p.parse_args()
    print("\n".join(differences(read_values(given.one), read_values(given.other))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
