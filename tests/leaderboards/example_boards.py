"""Boards for tests of the page and the tables: a small literal one with hostile strings, and large random ones."""

from __future__ import annotations

import random

from leaderboards.analysis.aggregate import GROUPS
from leaderboards.board import Board, Cell, Checkpoint, Estimate, Settings, Skipped, Training, Transfer
from tests.leaderboards.board_parts import cell, checkpoint, document, estimate, task, versus
from tests.leaderboards.hostile_text import ATTACK, NAME, QUOTES


def small() -> Board:
    """Three checkpoints, two tasks, three documents."""
    tasks = (
        task("agnews", "attribution", "oneword", trained_on=True),
        task("trec", "attribution", "oneword"),
    )
    training = Training(
        "mini", ("agnews",), ("attribution",), ("oneword",), "word", True, "occlusion", "word/train_info.json"
    )
    control = Training(
        "mini", ("agnews",), ("attribution",), ("oneword",), "random", True, "occlusion", "random/train_info.json"
    )
    base = checkpoint("c0", "mini", None, None, {"all": 0.05, "trained": 0.0, "in distribution": 0.0, "unseen": 0.1})
    word_means = {"all": 0.72, "trained": 0.94, "in distribution": 0.94, "unseen": 0.5}
    word = checkpoint("c1", "mini-word", "c0", training, word_means)
    random_means = {"all": 0.03, "trained": 0.02, "in distribution": 0.02, "unseen": 0.04}
    random_arm = checkpoint("c2", NAME, "c0", control, random_means)
    cells = (
        cell("c0", "agnews_attribution_oneword", 0.0, None),
        cell("c0", "trec_attribution_oneword", 0.1, None, oracle=0.12),
        cell("c1", "agnews_attribution_oneword", 0.94, versus(0.94, "better")),
        cell("c1", "trec_attribution_oneword", 0.5, versus(0.4, "better")),
        cell("c2", "agnews_attribution_oneword", 0.02, versus(0.02, "")),
        cell("c2", "trec_attribution_oneword", 0.04, versus(-0.06, "worse"), plausibility=0.3),
    )
    matrix = (
        Transfer(
            "c1",
            "agnews, attribution, one word",
            False,
            ("agnews_attribution_oneword",),
            estimate(0.94, 0.02),
            {"dataset": estimate(0.4, 0.06)},
            estimate(0.43, 0.07),
        ),
        Transfer(
            "c2",
            "agnews, attribution, one word",
            True,
            ("agnews_attribution_oneword",),
            estimate(0.02, 0.02),
            {"dataset": estimate(-0.06, 0.03)},
            Estimate(None, None, None, 0, "no gain on what it was trained on"),
        ),
    )
    documents = (
        document("agnews_attribution_oneword", "d0", "local sales meets big software", "technology", 4),
        document("agnews_attribution_oneword", "d1", f"storm hits {ATTACK}", "world", 1, hostile=True),
        document("trec_attribution_oneword", "d2", "who wrote oslo", "human", 2, agree=True),
    )
    return Board(
        title="Leaderboard <of> mini",
        created="2026-11-23T21:00:00",
        package="faithful-se 0.1.0",
        settings=Settings(),
        checkpoints=(base, word, random_arm),
        tasks=tasks,
        cells=cells,
        matrix=matrix,
        documents=documents,
        documents_total=600,
        skipped=(Skipped(f"bad/{QUOTES}.json", "cut in the middle: run it again"),),
        notes=("trec was not trained on by any checkpoint.",),
    )


def large(checkpoints: int, datasets: int = 6, documents: int = 40, seed: int = 0, words: int = 30) -> Board:
    """A random board: `datasets` x 3 styles x 2 budgets; `documents` cards per task, with all checkpoints."""
    draw = random.Random(seed)
    tasks = tuple(
        task(f"dataset{i}", style, budget, trained_on=i < 3)
        for i in range(datasets)
        for style in ("attribution", "redaction", "counterfactual")
        for budget in ("oneword", "multiword")
    )
    trained_datasets = ("dataset0", "dataset1")
    rows: list[Checkpoint] = []
    cells: list[Cell] = []
    matrix: list[Transfer] = []
    for i in range(checkpoints):
        name = f"c{i}"
        base = None if i % 20 == 0 else f"c{i - i % 20}"
        arm = ("word", "random", "word", "lowest", "word")[i % 5]
        training = Training("m", trained_datasets, ("attribution",), ("oneword",), arm, True, "ig", "x")
        skill = draw.random() * (0.9 if arm == "word" else 0.2) if base else 0.1
        means = {group: min(1.0, max(0.0, skill + draw.gauss(0, 0.08))) for group in GROUPS}
        model = f"org/model-{i // 20}-{arm}-{i:03d}"
        rows.append(checkpoint(name, model, base, training if base else None, means))
        for column in tasks:
            value = min(1.0, max(0.0, skill + draw.gauss(0, 0.15)))
            marker = "better" if value > 0.2 else "worse" if value < 0.02 else ""
            comparison = versus(value - 0.1, marker) if base else None
            cells.append(cell(name, column.id, value, comparison, plausibility=draw.random()))
        if base:
            on = tuple(f"{dataset}_attribution_oneword" for dataset in trained_datasets)
            off = {kind: estimate(skill / 2, 0.05) for kind in ("style", "dataset", "budget", "several")}
            label = "dataset0, dataset1 · attribution · one word"
            ratio = estimate(draw.random(), 0.1)
            matrix.append(Transfer(name, label, arm != "word", on, estimate(skill, 0.03), off, ratio))
    vocabulary = [f"word{i}" for i in range(2000)]
    cards = tuple(
        document(
            column.id,
            f"{column.id}-{number}",
            " ".join(draw.choices(vocabulary, k=words)),
            "positive",
            draw.randrange(words),
            checkpoints=tuple(row.id for row in rows),
        )
        for column in tasks
        for number in range(documents)
    )
    return Board(
        title="A hundred checkpoints",
        created="2026-11-23T21:00:00",
        package="faithful-se 0.1.0",
        settings=Settings(),
        checkpoints=tuple(rows),
        tasks=tasks,
        cells=tuple(cells),
        matrix=tuple(matrix),
        documents=cards,
        documents_total=1000 * len(tasks),
        skipped=(),
        notes=(),
    )
