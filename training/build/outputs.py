"""The files of a finished build, written once and looked at when the same command is given again.

`train.jsonl`, `rejected.jsonl` and `report.json` are the result. The card and the manifest say about them what the
report and the settings know, so they alone are written again without asking the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from faithful_se.files import read_jsonl, write_atomic
from training.build.folder import BuildFolder
from training.build.report import Counts, Yield, card, counted
from training.runs.folder import MANIFEST

ROWS, REJECTED, REPORT, CARD = "train.jsonl", "rejected.jsonl", "report.json", "README.md"


def finish(
    store: BuildFolder,
    lines: Sequence[Mapping[str, Any]],
    held_out: Counts,
    replacements: Mapping[str, Mapping[str, Sequence[str]]],
) -> Yield:
    """Write the result, the manifest last, and drop the shards.

    Args:
        store: the folder.
        lines: of all shards, in order.
        held_out: dataset -> reason -> texts left out.
        replacements: dataset -> label -> words that counterfactuals were offered.

    Raises:
        UsageError: a full disk. The shards stay.
    """
    found, out = counted(lines, held_out), store.path
    write_atomic(out / ROWS, (json.dumps(line["row"], ensure_ascii=False) for line in lines if line["row"]))
    rejected = ({key: value for key, value in line.items() if key != "row"} for line in lines if not line["row"])
    write_atomic(out / REJECTED, (json.dumps(line, ensure_ascii=False) for line in rejected))
    offered = {dataset: {label: list(words) for label, words in of.items()} for dataset, of in replacements.items()}
    data = store.settings.get("data", store.settings["attributions"].get("data", "hub"))
    told = {**found.as_dict(), "evaluation": data, "replacements": offered}
    write_atomic(out / REPORT, [json.dumps(told, indent=1)])
    write_atomic(out / CARD, [card(found, store.settings, (line["row"] for line in lines))])
    store.write_manifest({**store.settings, "rows": found.rows})
    store.drop_shards()
    return found


def read_finished(store: BuildFolder, say: Callable[[str], None]) -> Yield | None:
    """What a finished build gave; None where it is to be built, or built again because a part of it is gone.

    Args:
        store: the folder, claimed: its settings are those of this build.
        say: told in one line what is gone.
    """
    out = store.path
    if not (out / MANIFEST).is_file():
        return None
    found = Yield.read(out / REPORT)
    gone = [name for name in (ROWS, REJECTED) if not (out / name).is_file()]
    if not gone and not (out / ROWS).stat().st_size:
        gone = [ROWS]
    if gone or found is None:
        say(f"{out}: {' and '.join(gone or [REPORT])} of the finished build is gone or damaged: built again")
        (out / MANIFEST).unlink()
        return None
    if not (out / CARD).is_file():
        write_atomic(out / CARD, [card(found, store.settings, read_jsonl(out / ROWS))])
    store.write_manifest({**store.settings, "rows": found.rows})
    store.drop_shards()
    return found
