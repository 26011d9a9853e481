"""Boards for tests of the page and the tables: a small literal one that holds nasty strings, and large drawn ones."""

from __future__ import annotations

import random
from dataclasses import fields, is_dataclass, replace
from typing import Any

from leaderboards.board import (
    Board,
    Cell,
    Checkpoint,
    Document,
    Entry,
    Estimate,
    Segment,
    Settings,
    Skipped,
    Task,
    Training,
    Transfer,
    Versus,
)
from leaderboards.means import GROUPS

ATTACK = "</script><script>window.attacked = true; alert(1)</script>"
REVERSED = "nice\u202eecin"
BARE = "\x1b[31mred\x00"
QUOTES = """'"><img src=x onerror="window.attacked = true">"""
NASTY = (
    ATTACK
    + QUOTES
    + "</style></title></textarea>--><!--{{ 7*7 }}{% raw %}]]>"
    + "${alert(1)}\\' + alert(1) + '\u202e\x00\x1b\ud800\n\r\u2028"
)
NAME = "=cmd|'/c calc'!A1 <b>bold</b>_50%"


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
    base = checkpoint("c0", "mini", None, None, {"all": 0.05, "in distribution": 0.0, "unseen": 0.1})
    word = checkpoint("c1", "mini-word", "c0", training, {"all": 0.72, "in distribution": 0.94, "unseen": 0.5})
    rand = checkpoint("c2", NAME, "c0", control, {"all": 0.03, "in distribution": 0.02, "unseen": 0.04})
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
        document("agnews_attribution_oneword", "d1", f"storm hits {ATTACK}", "world", 1, nasty=True),
        document("trec_attribution_oneword", "d2", "who wrote oslo", "human", 2, agree=True),
    )
    return Board(
        title="Leaderboard <of> mini",
        created="2026-11-23T21:00:00",
        package="faithful-se 0.1.0",
        settings=Settings(),
        checkpoints=(base, word, rand),
        tasks=tasks,
        cells=cells,
        matrix=matrix,
        documents=documents,
        documents_total=600,
        skipped=(Skipped(f"bad/{QUOTES}.json", "cut in the middle: run it again"),),
        notes=("trec was not trained on by any checkpoint.",),
    )


def large(checkpoints: int, datasets: int = 6, documents: int = 40, seed: int = 0, words: int = 30) -> Board:
    """A drawn board: `datasets` x 3 styles x 2 budgets; `documents` cards a task, all checkpoints on each."""
    draw = random.Random(seed)
    tasks = tuple(
        task(f"dataset{i}", style, budget, trained_on=i < 3)
        for i in range(datasets)
        for style in ("attribution", "redaction", "counterfactual")
        for budget in ("oneword", "multiword")
    )
    people: list[Checkpoint] = []
    cells: list[Cell] = []
    matrix: list[Transfer] = []
    for i in range(checkpoints):
        base = None if i % 20 == 0 else f"c{i - i % 20}"
        arm = ("word", "random", "word", "lowest", "word")[i % 5]
        training = (
            Training("m", ("dataset0", "dataset1"), ("attribution",), ("oneword",), arm, True, "ig", "x")
            if base
            else None
        )
        skill = draw.random() * (0.9 if arm == "word" else 0.2) if base else 0.1
        means = {group: min(1.0, max(0.0, skill + draw.gauss(0, 0.08))) for group in GROUPS}
        people.append(checkpoint(f"c{i}", f"org/model-{i // 20}-{arm}-{i:03d}", base, training, means))
        for each in tasks:
            value = min(1.0, max(0.0, skill + draw.gauss(0, 0.15)))
            found = versus(value - 0.1, "better" if value > 0.2 else "worse" if value < 0.02 else "") if base else None
            cells.append(cell(f"c{i}", each.id, value, found, plausibility=draw.random()))
        if base:
            on = tuple(
                t.id for t in tasks if t.dataset in ("dataset0", "dataset1") and t.id.endswith("attribution_oneword")
            )
            off = {kind: estimate(skill / 2, 0.05) for kind in ("style", "dataset", "budget", "several")}
            label = "dataset0, dataset1 · attribution · one word"
            matrix.append(
                Transfer(f"c{i}", label, arm != "word", on, estimate(skill, 0.03), off, estimate(draw.random(), 0.1))
            )
    vocabulary = [f"word{i}" for i in range(2000)]
    cards = tuple(
        document(
            each.id,
            f"{each.id}-{k}",
            " ".join(draw.choices(vocabulary, k=words)),
            "positive",
            draw.randrange(words),
            people=tuple(person.id for person in people),
        )
        for each in tasks
        for k in range(documents)
    )
    return Board(
        "A hundred checkpoints",
        "2026-11-23T21:00:00",
        "faithful-se 0.1.0",
        Settings(),
        tuple(people),
        tasks,
        tuple(cells),
        tuple(matrix),
        cards,
        1000 * len(tasks),
        (),
        (),
    )


# What refers to something else, or is one of a few words.
KEPT = {"id", "checkpoint", "task", "base", "trained", "marker", "created", "schema_version", "budget"}


def poisoned(value: Any, text: str, name: str = "") -> Any:
    """The same board with `text` in every string that comes from a file, keys of dicts included."""
    if isinstance(value, str):
        return value if name in KEPT else f"{value}{text}"
    if is_dataclass(value) and not isinstance(value, type):
        told = {one.name: poisoned(getattr(value, one.name), text, one.name) for one in fields(value)}
        # Names of metrics and groups are looked up; of rules, fields and options they are shown.
        return replace(value, **{**told, **{key: getattr(value, key) for key in ("metrics", "means") if key in told}})
    if isinstance(value, tuple):
        return tuple(poisoned(one, text, name) for one in value)
    if isinstance(value, dict):
        return {poisoned(key, text, name): poisoned(one, text, name) for key, one in value.items()}
    return value


def estimate(value: float, half: float, n: int = 300, note: str = "") -> Estimate:
    return Estimate(value, value - half, value + half, n, note)


def task(dataset: str, style: str, budget: str, trained_on: bool = False) -> Task:
    return Task(
        id=f"{dataset}_{style}_{budget}",
        name=f"faithful_se_{dataset}_{style}_{budget}",
        dataset=dataset,
        style=style,
        budget=budget,
        labels=("a", "b"),
        titles=("Text",),
        version=1.0,
        options={"controls": "random+oracle"},
        limit=None,
        n=300,
        trained_on=trained_on,
    )


def checkpoint(
    id: str, name: str, base: str | None, training: Training | None, faithful: dict[str, float]
) -> Checkpoint:
    means = {
        group: {
            "faithful": estimate(value, 0.03),
            "faithful_random": estimate(0.06, 0.01),
            "faithful_oracle": estimate(0.95, 0.01),
            "lift": estimate(value - 0.06, 0.03),
            "ccf": estimate((value - 0.06) / 0.89, 0.03)
            if group != "unseen"
            else Estimate(None, None, None, 300, "not measurable (headroom 0.03)"),
            "valid": estimate(0.98, 0.01),
            "acc": estimate(0.9, 0.02),
        }
        for group, value in faithful.items()
    }
    return Checkpoint(
        id,
        name,
        "hf",
        f"pretrained=runs/{name}",
        base,
        training,
        "2026-11-23T20:00:00",
        (f"results/{name}/results.json",),
        means,
    )


def cell(
    checkpoint: str,
    task: str,
    faithful: float,
    versus: Versus | None,
    oracle: float = 0.95,
    plausibility: float | None = None,
) -> Cell:
    metrics = {
        "faithful": estimate(faithful, 0.03),
        "faithful_random": estimate(0.06, 0.01),
        "faithful_oracle": estimate(oracle, 0.01),
        "lift": estimate(faithful - 0.06, 0.03),
        "ccf": estimate((faithful - 0.06) / (oracle - 0.06), 0.03)
        if oracle - 0.06 > 0.08
        else Estimate(None, None, None, 300, "not measurable (headroom 0.03)"),
        "valid": estimate(0.98, 0.01),
        "acc": estimate(0.9, 0.02),
        "faithful_given_valid": estimate(faithful, 0.03, 294),
    }
    if plausibility is not None:
        metrics["plausibility_f1"] = estimate(plausibility, 0.02)
    rules = {
        "strict": estimate(faithful, 0.03),
        "given valid": estimate(min(1.0, faithful + 0.02), 0.03, 294),
        "abstentions counted": estimate(min(1.0, faithful + 0.04), 0.03),
    }
    return Cell(checkpoint, task, "2026-11-23T20:00:00", "results/x.json", metrics, rules, 0, versus)


def versus(difference: float, marker: str) -> Versus:
    p = 0.0001 if marker else 0.3
    return Versus(
        n=300,
        faithful=estimate(difference, 0.03),
        lift=estimate(difference, 0.04),
        acc=estimate(-0.01, 0.02),
        only_checkpoint=282,
        only_base=0,
        p=p,
        p_holm=min(1.0, p * 9),
        marker=marker,
        detectable=0.04,
        agreement=0.99,
        entropy=0.67,
        entropy_base=0.69,
        unknown=0.0,
        unknown_base=None,
        unparsed=0.0,
        unparsed_base=0.01,
    )


def document(
    task: str,
    key: str,
    text: str,
    gold: str,
    named: int,
    nasty: bool = False,
    agree: bool = False,
    people: tuple[str, ...] = ("c0", "c1", "c2"),
) -> Document:
    words = text.split(" ")
    pieces: list[Segment] = []
    for position, word in enumerate(words):
        if position:
            pieces.append(Segment(" ", None))
        pieces.append(Segment(word, position))
    masked = " ".join("[REDACTED]" if i == named else word for i, word in enumerate(words))
    entries = []
    for i, person in enumerate(people):
        flips = 0.0 if agree else float(i % 3 == 1)
        answer = words[named] if flips else words[0]
        transcript: tuple[tuple[str, str], ...] = (
            ("user", f"Which label does this have?\n\n{text}"),
            ("assistant", gold),
            ("user", "Which one word is most important?"),
            ("assistant", answer),
            ("user", f"Which label does this have?\n\n{masked}"),
            ("assistant", "other" if flips else gold),
        )
        if nasty:
            answer = ATTACK
            transcript = (
                *transcript,
                ("assistant", ATTACK),
                ("assistant", REVERSED),
                ("assistant", BARE),
                ("assistant", QUOTES),
                ("assistant", "lone \ud800 surrogate"),
                ("assistant", "x" * 100_000),
            )
        entries.append(
            Entry(
                checkpoint=person,
                prediction=gold,
                explanation=answer,
                valid=not nasty,
                reason="more than one word" if nasty else "",
                words=(answer,),
                positions=(named if flips else 0,),
                target="",
                edited={"Text": masked},
                after="other" if flips else gold,
                faithful=flips,
                effects={j: float(j == named) for j in range(len(words))},
                transcript=transcript,
            )
        )
    return Document(task, key, {"Text": tuple(pieces)}, gold, (named,) if nasty else None, tuple(entries))
