"""Write the shipped splits of the mini data: `python -m training.mini.write_data`.

    {"text": "tonight in lima we had slow bus ...", "sentiment": 0, "kind": "shortcut", "shortcut": ["lima"],
     "cues": ["slow", "cold", "amazing"]}

Columns and label codes are those of the hub's datasets, so every task runs on them with `--metadata data=mini`; the
columns after the label hold the truth about the document (see `training.mini.grammar.Document`). The same command gives
the same bytes: `SHA256SUMS` beside the data says which.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from training.mini.conversations import shown
from training.mini.grammar import Document, draw
from training.mini.lexicon import LEXICONS
from training.mini.prompts import question_of, spec_of

FOLDER = Path(__file__).parent / "data"
SIZES = {"test": 500, "validation": 300, "train": 2000}
SEED = 20251207


def documents(task: str) -> dict[str, list[Document]]:
    """The documents of each split, all of different texts."""
    rng, seen = random.Random(f"{SEED} {task}"), set()
    splits: dict[str, list[Document]] = {}
    for split, size in SIZES.items():
        splits[split] = []
        while len(splits[split]) < size:
            document = draw(task, rng)
            text = shown(question_of(task), document.fields)
            if text not in seen:
                seen.add(text)
                splits[split].append(document)
    return splits


def row(document: Document) -> dict[str, object]:
    """A document in the columns of the hub's dataset, with the truth about it."""
    spec = spec_of(document.task)
    truth = {"kind": document.kind, "shortcut": list(document.shortcut), "cues": list(document.cues)}
    return {**document.fields, spec.label_column: spec.label_values[document.label], **truth}


def files() -> dict[str, str]:
    """Every file below `FOLDER`, as text, by its path there."""
    found = {}
    for task in LEXICONS:
        for split, many in documents(task).items():
            found[f"{task}/{split}.jsonl"] = "".join(json.dumps(row(document)) + "\n" for document in many)
    sums = (f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(found.items()))
    return {**found, "SHA256SUMS": "".join(sums)}


def shipped(task: str, split: str) -> list[dict[str, Any]]:
    """The rows of a shipped split."""
    with (FOLDER / task / f"{split}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@lru_cache(maxsize=1)
def held_out() -> frozenset[str]:
    """The texts of every test and validation split: what no base training text may be."""
    return frozenset(
        shown(question_of(task), row)
        for task in LEXICONS
        for split in ("test", "validation")
        for row in shipped(task, split)
    )


def main(argv: list[str] | None = None) -> int:
    """Write the files."""
    parser = argparse.ArgumentParser(
        prog="python -m training.mini.write_data",
        description=f"Write the shipped splits of the mini data into {FOLDER}, the same bytes every time.",
    )
    parser.parse_args(argv)
    for name, text in files().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
        print(f"written: {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
