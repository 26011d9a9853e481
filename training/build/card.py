"""The dataset card of a build, and the table that the command prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from faithful_se.train_info import CARD_BLOCK
from training.build.report import NOT_SPECIFIC, SPECIFIC, BuildCounts
from training.build.rows import Row
from training.runs.artefacts import BuildSettings

TEMPLATE = Path(__file__).with_name("card.md.jinja")


def dataset_card(counts: BuildCounts, settings: BuildSettings, rows: Iterable[Row | None]) -> str:
    """The dataset card of a build. The first row that is not None is the card's example."""
    from huggingface_hub import DatasetCard, DatasetCardData

    attributions, options = settings["attributions"], settings["options"]
    front_matter = DatasetCardData(
        language="en",
        tags=["faithful-se", "self-explanation", "faithfulness", "trl", "dpo" if options.get("pairs") else "sft"],
        configs=[{"config_name": "default", "data_files": "train.jsonl"}],
    )
    front_matter[CARD_BLOCK] = {
        "model": attributions["model"],
        "method": attributions["method"],
        "datasets": settings["datasets"],
        "options": options,
        "rows": counts.rows,
        "explanations": counts.explanations,
    }
    card = DatasetCard.from_template(
        front_matter,
        template_path=str(TEMPLATE),
        counts=counts,
        settings=settings,
        attributions=attributions,
        options=options,
        data=attributions.get("data", "hub"),
        table="\n".join(yield_table(counts)),
        example=json.dumps(next(row for row in rows if row), ensure_ascii=False, indent=1),
    )
    return str(card)


def yield_table(counts: BuildCounts) -> Iterator[str]:
    """The yield as the lines of a Markdown table."""
    yield "| dataset | style | texts | rows | yield | without a row, by reason |"
    yield "|---|---|---|---|---|---|"
    for dataset, styles in counts.accepted.items():
        for style, rows in styles.items():
            texts = rows + counts.rejected[dataset][style]
            by_frequency = sorted(counts.reasons.get(f"{dataset} {style}", {}).items(), key=lambda pair: -pair[1])
            share = f"{rows / texts if texts else 0:.2f}"
            yield f"| {dataset} | {style} | {texts} | {rows} | {share} | {_listed(dict(by_frequency))} |"
        if words := counts.new_words.get(dataset):
            total, specific = sum(words.values()), words[SPECIFIC]
            yield (
                f"| {dataset} | new word at its position only | {total} | {specific} | {specific / total:.2f} | "
                f"{NOT_SPECIFIC}: {words[NOT_SPECIFIC]} |"
            )
        yield f"| {dataset} | replay | | {counts.replayed.get(dataset, 0)} | | |"
        if held_out := counts.held_out.get(dataset):
            yield f"| {dataset} | left out | {sum(held_out.values())} | | | {_listed(held_out)} |"


def _listed(counts: dict[str, int]) -> str:
    return "; ".join(f"{reason}: {n}" for reason, n in counts.items())
