"""Invented documents in the layout of `--metadata data=DIR`, so that tests and benchmarks need no download."""

from __future__ import annotations

import json
import random
from pathlib import Path

VERBS = ["lost", "won", "opened", "closed", "loves", "hates", "plays", "runs", "sells", "buys"]
NOUNS = ["rain", "sun", "game", "team", "market", "bank", "phone", "train", "coffee", "song", "dog", "child", "street"]
OTHERS = ["the", "a", "my", "this", "near", "after", "before", "again", "today", "quiet", "loud", "cold", "warm", "new"]
WORDS = [*VERBS, *NOUNS, *OTHERS]


def sentence(rng: random.Random, length: int) -> str:
    """A sentence of `length` different words."""
    return " ".join(rng.sample(WORDS, length)).capitalize() + "."


def write_data(folder: Path, documents: int, *, splits: tuple[str, ...] = ("test",)) -> Path:
    """Write sentiment140, snli and ag_news with `documents` rows per split."""
    for split in splits:
        rng = random.Random(split)
        rows = {
            "sentiment140": lambda i, rng=rng: {"text": sentence(rng, 6 + i % 9), "sentiment": (0, 4)[i % 2]},
            "snli": lambda i, rng=rng: {
                "premise": sentence(rng, 6 + i % 7),
                "hypothesis": sentence(rng, 5),
                "label": i % 3,
            },
            "ag_news": lambda i, rng=rng: {"text": sentence(rng, 14 + i % 16), "label": i % 4},
        }
        for name, row in rows.items():
            path = folder / name / f"{split}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(row(i)) + "\n" for i in range(documents)), encoding="utf-8")
    return folder


def texts_of(folder: Path, limit: int = 2000) -> list[str]:
    """The texts of a data folder, to train a tokenizer on."""
    texts: list[str] = []
    for path in sorted(folder.glob("*/test.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines()[:limit]:
            texts += [value for value in json.loads(line).values() if isinstance(value, str)]
    return texts
