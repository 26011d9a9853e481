"""CPU time of ours, of the peers and of the raw model: tables, and what they are held to."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from benchmarks.attribution_peers import Peers
from benchmarks.attribution_raw import Recorder
from benchmarks.attribution_world import model_of, task, tokenizer_of
from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions

# peer, ours, what is compared; {} is the number of steps. Each has a raw run named after ours.
COMPARISONS = (
    ("captum ig", "ig", "IG, {} steps, against `LLMGradientAttribution`, {} steps"),
    ("inseq ig", "ig", "IG, {} steps, against `inseq`, {} steps"),
    (
        "captum ablation",
        "whole",
        "pooled occlusion, every prompt recomputed behind the prefix, against `FeatureAblation`",
    ),
    ("captum ablation, one pass", "whole", "the same, against `FeatureAblation` with `forward_in_tokens=False`"),
    ("captum ablation", "suffix", "suffix-only occlusion against `FeatureAblation`"),
    ("captum ig 50", "default", "the default (occlusion of words) against captum's default (IG, 50 steps)"),
    ("captum ig 50", "cascade", "`cascade` against captum's default (IG, 50 steps)"),
    ("captum ig 50", "ig", "IG, {} steps, against captum's default (IG, 50 steps)"),
)

# The first by the second in seconds, at least or at most.
HELD = (
    ("captum ig", "ig", ">=", 2.0, "IG, equal steps, against `LLMGradientAttribution`"),
    ("ig", "raw ig", "<=", 1.3, "IG against the raw forward and backward"),
    ("captum ablation", "whole", ">=", 3.0, "pooled occlusion against `FeatureAblation`"),
    ("captum ablation", "suffix", ">=", 4.0, "suffix-only occlusion against `FeatureAblation`"),
    ("whole", "raw whole", "<=", 1.25, "pooled occlusion against raw"),
    ("suffix", "raw suffix", "<=", 1.25, "suffix-only occlusion against raw"),
    ("captum ig 50", "default", ">=", 6.0, "the default against captum's defaults (IG, 50 steps)"),
)
SAME_WORD = 0.97


@dataclass(frozen=True)
class Measured:
    """One size.

    Attributes:
        title: parameters and texts.
        times: CPU seconds per competitor, one a round.
        notes: on top words and tokens.
        same: texts whose top word by the default is that of captum's `FeatureAblation` of words.
        count: texts.
    """

    title: str
    times: dict[str, list[float]]
    notes: str
    same: int
    count: int

    def seconds(self, name: str) -> float:
        """The median of the rounds."""
        return statistics.median(self.times[name])

    def ratios(self, one: str, other: str) -> list[float]:
        """Of each round, ascending."""
        return sorted(a / b for a, b in zip(self.times[one], self.times[other], strict=True))


def measure(
    size: str, documents: list[Document], *, steps: int, rounds: int, fifty: bool, token_budget: int
) -> Measured:
    """Let them take turns.

    Args:
        size: of the model.
        documents: texts.
        steps: of Integrated Gradients.
        rounds: how often each runs.
        fifty: captum's Integrated Gradients at its default of 50 steps too, the slowest.
        token_budget: see `Attributor`.
    """
    spec = task()
    fast, model = tokenizer_of(spec, documents), model_of(size)

    def ours(method: str, **settings: Any) -> Attributor:
        options = AttributionOptions(method, target="logprob", **settings)
        return Attributor(model, fast, spec, options, token_budget=token_budget)

    attributors = {
        "ig": ours("ig", steps=steps),
        "whole": ours("occlusion", pool=False, suffix_only=False),
        "suffix": ours("occlusion", pool=False),
        "default": ours("occlusion"),
        "cascade": ours("cascade"),
    }
    rows, recorded = {}, {}
    for name, attributor in attributors.items():
        attributor.rows(documents[:1])  # the check against the whole model, once
        with Recorder() as recorder:
            rows[name] = attributor.rows(documents)
        recorded[name] = recorder
    peers = Peers(model, attributors["ig"], documents, rows["ig"])
    tops: list[str] = []
    work: dict[str, Callable[[], Any]] = {
        **{name: (lambda a=attributor: a.rows(documents)) for name, attributor in attributors.items()},
        **{f"raw {name}": recorder.replay for name, recorder in recorded.items()},
        "captum ig": lambda: peers.gradients(steps),
        "captum ablation": lambda: tops.__setitem__(slice(None), peers.ablation()),
        "captum ablation, one pass": lambda: peers.ablation(in_tokens=False),
        **({"captum ig 50": lambda: peers.gradients(50)} if fifty else {}),
        **({"inseq ig": lambda: peers.inseq(steps)} if find_spec("inseq") else {}),
    }
    if "inseq ig" not in work:
        print("inseq is not installed: left out", file=sys.stderr)
    peers.warm_up()
    times: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(rounds):
        for name, run in work.items():
            times[name].append(_cpu_seconds(run))
        print(f"{size}: round {round_ + 1} of {rounds} done", file=sys.stderr)

    count, words = len(documents), sum(len(document.words) for document in documents) / len(documents)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    # Occurrences, as captum sees them: the same model, the same scores, so exact ties aside the same word.
    best = [max(row["words"], key=lambda word: word["score"])["key"] for row in rows["suffix"]]
    same = sum(mine == top for mine, top in zip(best, tops, strict=True))
    pooled = sum(row["top"]["key"] == top for row, top in zip(rows["default"], peers.ablation(words=True), strict=True))
    more = ours("ig", steps=50).rows(documents)
    notes = (
        f"Top word equal: occlusion of occurrences and captum's `FeatureAblation` {same} of {count}; of words (the "
        f"default) and `FeatureAblation` with all occurrences as one feature {pooled}; "
        f"IG {steps} and 50 steps {_agreement(rows['ig'], more)}; "
        f"`cascade` and occlusion {_agreement(rows['cascade'], rows['default'])}. "
        f"Tokens through the model: IG {recorded['ig'].tokens()}, occlusion {recorded['whole'].tokens()}, "
        f"suffix-only {recorded['suffix'].tokens()}, default {recorded['default'].tokens()}."
    )
    title = f"{parameters:.1f}M parameters, {count} texts, {words:.1f} words each"
    return Measured(title, times, notes, pooled, count)


def table(found: Measured, steps: int) -> list[str]:
    """The comparisons, in Markdown."""
    lines = [
        f"### {found.title}",
        "",
        "| comparison | peer, s | ours, s | raw, s | peer / ours | ours / raw | peer / raw |",
        "|---|---|---|---|---|---|---|",
    ]
    for peer, mine, what in COMPARISONS:
        if peer in found.times:
            a, b, c = (found.seconds(name) for name in (peer, mine, f"raw {mine}"))
            ratios = found.ratios(peer, mine)
            spread = f"{a / b:.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
            name = what.format(steps, steps)
            lines.append(f"| {name} | {a:.2f} | {b:.2f} | {c:.2f} | {spread} | {b / c:.2f} | {a / c:.2f} |")
    return [*lines, "", found.notes, ""]


def held(found: Measured) -> tuple[list[str], bool]:
    """What is held to, in Markdown, and whether all of it holds."""
    lines, good = ["| held to | limit | measured | |", "|---|---|---|---|"], True
    for one, other, side, limit, what in HELD:
        if one not in found.times:
            continue
        ratio = found.seconds(one) / found.seconds(other)
        holds = ratio >= limit if side == ">=" else ratio <= limit
        good = good and holds
        sign = "at least" if side == ">=" else "at most"
        lines.append(f"| {what} | {sign} {limit} | {ratio:.2f} | {'holds' if holds else 'MISSED'} |")
    holds = found.same >= SAME_WORD * found.count
    what = "the default's top word is that of `FeatureAblation` with a word's occurrences as one feature"
    lines.append(
        f"| {what} | at least {SAME_WORD:.0%} | {found.same} of {found.count} | {'holds' if holds else 'MISSED'} |"
    )
    return [*lines, ""], good and holds


def _agreement(one: list[Any], other: list[Any]) -> str:
    equal = sum(a["top"]["key"] == b["top"]["key"] for a, b in zip(one, other, strict=True))
    return f"{equal} of {len(one)}"


def _cpu_seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
