"""CPU time of our attributions, of their peers and of the raw model: tables, and limits on the ratios."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from operator import eq
from typing import Any

from benchmarks.attribution_inputs import model_of, task, tokenizer_of
from benchmarks.attribution_peers import Peers, Recorder
from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.options import AttributionOptions

# (peer, ours, what is compared). {} is the number of steps. The raw run of "ig" is "raw ig".
COMPARISONS = (
    ("captum ig", "ig", "IG, {} steps, against `LLMGradientAttribution`, {} steps"),
    ("inseq ig", "ig", "IG, {} steps, against `inseq`, {} steps"),
    ("captum ablation", "whole", "pooled occlusion, prompts recomputed behind the prefix, against `FeatureAblation`"),
    ("captum ablation, one pass", "whole", "the same, against `FeatureAblation` with `forward_in_tokens=False`"),
    ("captum ablation", "suffix", "suffix-only occlusion against `FeatureAblation`"),
    ("captum ig 50", "default", "the default (occlusion of words) against captum's default (IG, 50 steps)"),
    ("captum ig 50", "cascade", "`cascade` against captum's default (IG, 50 steps)"),
    ("captum ig 50", "ig", "IG, {} steps, against captum's default (IG, 50 steps)"),
)

# Limits on seconds of the first / seconds of the second: (first, second, ">=" or "<=", limit, what is compared).
LIMITS = (
    ("captum ig", "ig", ">=", 2.0, "IG, equal steps, against `LLMGradientAttribution`"),
    ("ig", "raw ig", "<=", 1.3, "IG against the raw forward and backward"),
    ("captum ablation", "whole", ">=", 3.0, "pooled occlusion against `FeatureAblation`"),
    ("captum ablation", "suffix", ">=", 4.0, "suffix-only occlusion against `FeatureAblation`"),
    ("whole", "raw whole", "<=", 1.25, "pooled occlusion against raw"),
    ("suffix", "raw suffix", "<=", 1.25, "suffix-only occlusion against raw"),
    ("captum ig 50", "default", ">=", 6.0, "the default against captum's defaults (IG, 50 steps)"),
)
SAME_TOP_WORD = 0.97  # least share of texts on which our default and `FeatureAblation` of words agree


@dataclass(frozen=True)
class Times:
    """The times of one model size."""

    title: str  # parameters and texts
    seconds: dict[str, list[float]]  # CPU seconds of each competitor, one number a round
    notes: str  # how often top words agree, and how many tokens each method computes
    same_top_word: int  # texts on which our default names the word that captum's `FeatureAblation` of words names
    texts: int  # how many

    def median(self, name: str) -> float:
        """Seconds of a competitor."""
        return statistics.median(self.seconds[name])


def measure(
    size: str, documents: list[Document], steps: int, rounds: int, fifty_steps: bool, token_budget: int
) -> Times:
    """Time all competitors on a random model; `fifty_steps` adds captum's IG with its default of 50 steps."""
    spec = task()
    tokenizer, model = tokenizer_of(spec, documents), model_of(size)

    def ours(method: str, **settings: Any) -> Attributor:
        options = AttributionOptions(method, target="logprob", **settings)
        return Attributor(model, tokenizer, spec, options, token_budget=token_budget)

    attributors = {
        "ig": ours("ig", steps=steps),
        "whole": ours("occlusion", pool=False, suffix_only=False),
        "suffix": ours("occlusion", pool=False),
        "default": ours("occlusion"),
        "cascade": ours("cascade"),
    }
    rows, recorders = {}, {}
    for name, attributor in attributors.items():
        attributor.rows(documents[:1])  # the first run compares the model with itself, once
        recorders[name] = Recorder()
        with recorders[name].recording():
            rows[name] = attributor.rows(documents)
    peers = Peers(model, attributors["ig"], documents, rows["ig"])
    # Fill caches and allocators. Ours has run when its calls were recorded.
    warm_up = Peers(model, attributors["ig"], documents[:1], rows["ig"][:1])
    warm_up.gradients(2)
    warm_up.ablation()
    competitors: dict[str, Callable[[], Any]] = {
        **{name: partial(attributor.rows, documents) for name, attributor in attributors.items()},
        **{f"raw {name}": recorder.replay for name, recorder in recorders.items()},
        "captum ig": partial(peers.gradients, steps),
        "captum ablation": peers.ablation,
        "captum ablation, one pass": partial(peers.ablation, in_tokens=False),
    }
    if fifty_steps:
        competitors["captum ig 50"] = partial(peers.gradients, 50)
    if find_spec("inseq"):
        competitors["inseq ig"] = partial(peers.inseq, steps)
    else:
        print("inseq is not installed: left out", file=sys.stderr)
    seconds = _take_turns(competitors, rounds, size)

    count, words = len(documents), sum(len(document.words) for document in documents) / len(documents)
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    # Occurrences, as captum sees them: the same model and the same scores give the same word, exact ties aside.
    best = [max(row["words"], key=lambda word: word["score"])["key"] for row in rows["suffix"]]
    same = sum(map(eq, best, peers.ablation()))
    tops = {name: [row["top"]["key"] for row in rows_of_method] for name, rows_of_method in rows.items()}
    same_default = sum(map(eq, tops["default"], peers.ablation(words=True)))
    fifty = [row["top"]["key"] for row in ours("ig", steps=50).rows(documents)]
    notes = (
        f"Top word equal: occlusion of occurrences and captum's `FeatureAblation` {same} of {count}; of words (the "
        f"default) and `FeatureAblation` with all occurrences as one feature {same_default}; "
        f"IG {steps} and 50 steps {sum(map(eq, tops['ig'], fifty))} of {count}; "
        f"`cascade` and occlusion {sum(map(eq, tops['cascade'], tops['default']))} of {count}. "
        f"Tokens through the model: IG {recorders['ig'].tokens()}, occlusion {recorders['whole'].tokens()}, "
        f"suffix-only {recorders['suffix'].tokens()}, default {recorders['default'].tokens()}."
    )
    title = f"{parameters:.1f}M parameters, {count} texts, {words:.1f} words each"
    return Times(title, seconds, notes, same_default, count)


def _take_turns(competitors: Mapping[str, Callable[[], Any]], rounds: int, size: str) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in competitors}
    for number in range(1, rounds + 1):
        for name, run in competitors.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
        print(f"{size}: round {number} of {rounds} done", file=sys.stderr)
    return seconds


def comparison_table(times: Times, steps: int) -> list[str]:
    """The lines of a Markdown table with a row per comparison."""
    lines = [
        f"### {times.title}",
        "",
        "| comparison | peer, s | ours, s | raw, s | peer / ours | ours / raw | peer / raw |",
        "|---|---|---|---|---|---|---|",
    ]
    for peer_name, our_name, what in COMPARISONS:
        if peer_name in times.seconds:
            peer, ours, raw = (times.median(name) for name in (peer_name, our_name, f"raw {our_name}"))
            ratios = [a / b for a, b in zip(times.seconds[peer_name], times.seconds[our_name], strict=True)]
            spread = f"{peer / ours:.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            name = what.format(steps, steps)
            lines.append(
                f"| {name} | {peer:.2f} | {ours:.2f} | {raw:.2f} | {spread} | {ours / raw:.2f} | {peer / raw:.2f} |"
            )
    return [*lines, "", times.notes, ""]


def limits_table(times: Times) -> tuple[list[str], bool]:
    """The lines of a Markdown table with a row per limit, and whether all limits hold."""
    rows = []
    for name, other, side, limit, what in LIMITS:
        if name in times.seconds:
            ratio = times.median(name) / times.median(other)
            holds = ratio >= limit if side == ">=" else ratio <= limit
            rows.append((what, f"{'at least' if side == '>=' else 'at most'} {limit}", f"{ratio:.2f}", holds))
    what = "the default's top word is that of `FeatureAblation` with a word's occurrences as one feature"
    measured, holds = f"{times.same_top_word} of {times.texts}", times.same_top_word >= SAME_TOP_WORD * times.texts
    rows.append((what, f"at least {SAME_TOP_WORD:.0%}", measured, holds))
    lines = [f"| {what} | {limit} | {value} | {'holds' if holds else 'MISSED'} |" for what, limit, value, holds in rows]
    return ["| comparison | limit | measured | |", "|---|---|---|---|", *lines, ""], all(row[-1] for row in rows)
