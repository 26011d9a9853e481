"""The dataset card of a build, and the table that the command prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from faithful_se.train_info import CARD_BLOCK
from training.build.report import NOT_SPECIFIC, SPECIFIC, BuildCounts
from training.build.rows import Row
from training.runs.artefacts import BuildSettings, RowOptions

TEMPLATE = """\
---
{{ card_data }}
---
# Explanations of a model's own answers

{{ counts.rows }} conversational prompt-completion rows for TRL: {{ counts.explanations }} one-turn explanations and
{{ counts.replayed.values() | sum }} classifications. Each explanation answers the evaluation's own request about a
text, names the word or words that a feature attribution found, and {{ check }}. Arm: `{{ options.arm }}`.
These rows are for the model that they were built with (fingerprint `{{ attributions.model }}`): another model's answers
depend on other words.

| | |
|---|---|
| attribution method | `{{ attributions.method }}` |
| styles, budget | {{ options.styles | join(", ") }}; {{ options.budget }} |
| texts | {{ attributions.file or data ~ ", " ~ attributions.split }} |
| kept apart from | the texts of the evaluation ({{ settings.data or data }}) |
| mask | `{{ attributions.options.mask }}` |
| new word of a counterfactual | {{ new_word }} |
| replay | {{ options.replay }} of the rows, labelled by the model itself, half with one masked word |
| seed | {{ options.seed }} |

## Yield

{{ table }}

Texts of the evaluation's split, and near-duplicates of them, are left out before anything else. `rejected.jsonl` holds
every text and style without a row, with the reason. `report.json` holds the counts and the replacement words that
counterfactuals were offered.

## Fields

`prompt`, `completion`: messages; the loss is on the completion. `dataset`, `style` (`classification` for replay),
`budget`, `hash` (of the text), `prediction` (the model's own label), `words` (named, masked or replaced), `new`,
`source` (replacement word and where it is from), `target` (label that a counterfactual reaches), `flips` (result of
the check; null where there was none), {% if options.specific %}`elsewhere` (share of the random positions where the new
word reaches the target too; null where that was not asked), {% endif %}`arm`, `method`.

## An example

```json
{{ example }}
```
"""


def dataset_card(counts: BuildCounts, settings: BuildSettings, rows: Iterable[Row | None]) -> str:
    """The dataset card.

    Args:
        counts: of the build.
        settings: of the build.
        rows: of the build; the first that is not None is the card's example.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    attributions, options = settings["attributions"], settings["options"]
    front_matter = DatasetCardData(
        language="en",
        tags=["faithful-se", "self-explanation", "faithfulness", "trl", "sft"],
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
        template_str=TEMPLATE,
        counts=counts,
        settings=settings,
        attributions=attributions,
        options=options,
        data=attributions.get("data", "hub"),
        check=_describe_check(options),
        new_word=_describe_new_word(options),
        table="\n".join(yield_table(counts)),
        example=json.dumps(next(row for row in rows if row), ensure_ascii=False, indent=1),
    )
    return str(card)


def _describe_check(options: RowOptions) -> str:
    if options["arm"] in ("random", "lowest"):
        return "is a control: the best word of its text passed the check, but it names another word, unchecked"
    if options["arm"] == "answers":
        return "was replaced by the classification alone: a control"
    if not options["filtered"]:
        return "obeys its format; whether it changes the answer is in `flips`, and was no condition"
    return "changes the model's answer when acted on, by the evaluation's own procedure and rule"


def _describe_new_word(options: RowOptions) -> str:
    first = "the first that reaches the target" if options["filtered"] else "the first offered"
    if not options["specific"]:
        return first
    return (
        "the first that reaches the target at its position and at none of the evaluation's random positions; where "
        f"there is none, {first}"
    )


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
