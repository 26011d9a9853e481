"""Parts of a board for tests, each from a few numbers."""

from __future__ import annotations

from leaderboards.board import (
    BaseComparison,
    CardEntry,
    Cell,
    Checkpoint,
    DocumentCard,
    Estimate,
    Segment,
    Task,
    Training,
)
from tests.leaderboards.hostile_text import ATTACK, CONTROL_CHARACTERS, QUOTES, REVERSED


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
    versus: BaseComparison | None,
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


def versus(difference: float, marker: str) -> BaseComparison:
    p = 0.0001 if marker else 0.3
    return BaseComparison(
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
    hostile: bool = False,
    agree: bool = False,
    checkpoints: tuple[str, ...] = ("c0", "c1", "c2"),
) -> DocumentCard:
    words = text.split(" ")
    segments: list[Segment] = []
    for position, word in enumerate(words):
        if position:
            segments.append(Segment(" ", None))
        segments.append(Segment(word, position))
    masked = " ".join("[REDACTED]" if i == named else word for i, word in enumerate(words))
    entries = []
    for i, name in enumerate(checkpoints):
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
        if hostile:
            answer = ATTACK
            transcript = (
                *transcript,
                ("assistant", ATTACK),
                ("assistant", REVERSED),
                ("assistant", CONTROL_CHARACTERS),
                ("assistant", QUOTES),
                ("assistant", "lone \ud800 surrogate"),
                ("assistant", "x" * 100_000),
            )
        entries.append(
            CardEntry(
                checkpoint=name,
                prediction=gold,
                explanation=answer,
                valid=not hostile,
                reason="more than one word" if hostile else "",
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
    return DocumentCard(task, key, {"Text": tuple(segments)}, gold, (named,) if hostile else None, tuple(entries))
