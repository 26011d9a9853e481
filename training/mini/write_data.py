"""Write the shipped splits of the mini data: `python -m training.mini.write_data`.

    {"text": "tonight in lima we had slow bus ...", "sentiment": 0, "kind": "shortcut", "shortcut": ["lima"],
     "cues": ["slow", "cold", "amazing"]}

Columns and label codes are those of the hub's datasets, so every task runs on them with `--metadata data=mini`. The
columns after the label hold the truth about the document (see `training.mini.grammar.Document`). The command writes the
same bytes every time; `SHA256SUMS` holds their digests.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from faithful_se.files import jsonl_line, read_jsonl
from training.mini.conversations import document_text
from training.mini.grammar import Document, draw
from training.mini.lexicon import LEXICONS
from training.mini.prompts import question_of, spec_of

FOLDER = Path(__file__).parent / "data"
SIZES = {"test": 500, "validation": 300, "train": 2000}
SEED = 20251207


def documents(task: str) -> dict[str, list[Document]]:
    """The documents of each split. No two have the same text."""
    rng, texts = random.Random(f"{SEED} {task}"), set()
    splits: dict[str, list[Document]] = {}
    for split, size in SIZES.items():
        splits[split] = []
        while len(splits[split]) < size:
            document = draw(task, rng)
            text = document_text(question_of(task), document.fields)
            if text not in texts:
                texts.add(text)
                splits[split].append(document)
    return splits


def row(document: Document) -> dict[str, object]:
    """A document in the columns of the hub's dataset, with the truth about it."""
    spec = spec_of(document.task)
    truth = {"kind": document.kind, "shortcut": list(document.shortcut), "cues": list(document.cues)}
    return {**document.fields, spec.label_column: spec.label_values[document.label], **truth}


def files() -> dict[str, str]:
    """Path below `FOLDER` -> content of every file."""
    texts = {}
    for task in LEXICONS:
        for split, of_split in documents(task).items():
            texts[f"{task}/{split}.jsonl"] = "".join(jsonl_line(row(document)) + "\n" for document in of_split)
    digests = (f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in sorted(texts.items()))
    return {**texts, "SHA256SUMS": "".join(digests)}


def shipped_rows(task: str, split: str) -> list[dict[str, Any]]:
    """The rows of a shipped split."""
    return list(read_jsonl(FOLDER / task / f"{split}.jsonl"))


@lru_cache(maxsize=1)
def held_out() -> frozenset[str]:
    """The texts of all test and validation splits, which the base must not be trained on."""
    return frozenset(
        document_text(question_of(task), row)
        for task in LEXICONS
        for split in ("test", "validation")
        for row in shipped_rows(task, split)
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
