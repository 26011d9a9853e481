"""Write the shipped splits of the mini data: `python -m training.mini.write_data`.

    {"text": "tonight in lima we had slow bus ...", "sentiment": 0, "kind": "shortcut", "shortcut": ["lima"],
     "cues": ["slow", "cold", "amazing"]}

Each split stands beside its dataset, `lm_eval_tasks/datasets/<name>/mini/<split>.jsonl`. Columns and label codes are
those of the hub's dataset, so every task runs on it with `--metadata data=mini`. The columns after the label hold the
truth about the document, see `training.mini.grammar.Document`. The command always writes the same bytes, and
`SHA256SUMS` in the folder of the datasets holds their checksums.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from functools import lru_cache
from typing import Any

from faithful_se.files import jsonl_line, make_folder, read_jsonl, write_atomic
from lm_eval_tasks import DATASETS
from training.mini import choices
from training.mini.conversations import document_text
from training.mini.grammar import Document, draw
from training.mini.lexicon import LEXICONS
from training.mini.prompts import question_of, spec_of

FOLDER = DATASETS
SIZES = {"test": 500, "validation": 300, "train": 2000}
SEED = 20251207


def documents(task: str) -> dict[str, list[Document]]:
    """The documents of each split, all of different texts."""
    rng = random.Random(f"{SEED} {task}")
    texts: set[str] = set()
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


def split_path(task: str, split: str) -> str:
    """The path of a split below `FOLDER`."""
    return f"{question_of(task).dataset}/mini/{split}.jsonl"


def files() -> dict[str, str]:
    """Path below `FOLDER` -> text, of every file."""
    texts = {}
    for task in LEXICONS:
        for split, split_documents in documents(task).items():
            lines = (jsonl_line(row(document)) + "\n" for document in split_documents)
            texts[split_path(task, split)] = "".join(lines)
    for split, split_rows in choices.rows().items():
        texts[f"{choices.DATASET}/mini/{split}.jsonl"] = "".join(jsonl_line(row) + "\n" for row in split_rows)
    checksums = (f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in sorted(texts.items()))
    return {**texts, "SHA256SUMS": "".join(checksums)}


def shipped_rows(task: str, split: str) -> list[dict[str, Any]]:
    """The rows of a shipped split."""
    return list(read_jsonl(FOLDER / split_path(task, split)))


@lru_cache(maxsize=1)
def held_out() -> frozenset[str]:
    """The texts of every test and validation split. No base model may be trained on them."""
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
        make_folder((FOLDER / name).parent)
        write_atomic(FOLDER / name, text)
        print(f"written: {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
