"""What a build gave: counts, the printed table, and the dataset card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faithful_se.files import parse_json_object

Counts = dict[str, dict[str, int]]
SPECIFIC, NOT_SPECIFIC = "specific", "not specific"

CARD = """\
---
language: en
tags: [faithful-se, self-explanation, faithfulness, trl, sft]
configs:
- config_name: default
  data_files: train.jsonl
---
# Explanations of a model's own answers

{rows} conversational prompt-completion rows for TRL: {explanations} one-turn explanations, {replay} classifications.
Each explanation answers the evaluation's own request about a text, names the word(s) that a feature attribution found,
and {checked}. Arm: `{arm}`. These rows are for the model that they were built with (fingerprint `{model}`): another
model's answers hang on other words.

| | |
|---|---|
| attribution method | `{method}` |
| styles, budget | {styles}; {budget} |
| texts | {texts} |
| kept apart from | the texts of the evaluation ({data}) |
| mask | `{mask}` |
| new word of a counterfactual | {new_word} |
| replay | {share} of the rows, labelled by the model itself, half with one masked word |
| seed | {seed} |

## Yield

{table}

Texts of the evaluation's split, and near-duplicates of them, are left out before anything else. `rejected.jsonl` holds
every text and style without a row, with the reason; `report.json` the counts and the replacement words that
counterfactuals were offered.

## Fields

`prompt`, `completion`: messages; the loss is on the completion. `dataset`, `style` (`classification` for replay),
`budget`, `hash` (of the text), `prediction` (the model's own label), `words` (named, masked or replaced), `new`,
`source` (replacement word and where it is from), `target` (label a counterfactual reaches), `flips` (what the check
said; null where none was made), {elsewhere}`arm`, `method`.

## An example

```json
{example}
```
"""

ELSEWHERE = "`elsewhere` (share of the random places where the new word reaches the target too; null where not asked), "


@dataclass(frozen=True)
class Yield:
    """Counts of a build.

    Attributes:
        accepted: dataset -> style -> rows.
        rejected: dataset -> style -> texts without a row; by reason in `reasons`.
        reasons: ``dataset style`` -> reason -> texts.
        held_out: dataset -> reason -> texts left out for the evaluation's sake.
        replayed: dataset -> classification rows.
        new_words: dataset -> ``specific`` (the new word reaches the target at its place and at none of the random ones)
            or ``not specific`` -> rows. Empty where that was not asked.
    """

    accepted: Counts = field(default_factory=dict)
    rejected: Counts = field(default_factory=dict)
    reasons: Counts = field(default_factory=dict)
    held_out: Counts = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    new_words: Counts = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.explanations + sum(self.replayed.values())

    @property
    def explanations(self) -> int:
        """Rows without replay."""
        return sum(sum(styles.values()) for styles in self.accepted.values())

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"rows": self.rows, "explanations": self.explanations, **self.__dict__}

    @classmethod
    def read(cls, path: Path) -> Yield | None:
        """From `report.json`; None where it is gone or damaged."""
        with suppress(OSError):
            told = parse_json_object(path.read_bytes()) or {}
            if all(isinstance(told.get(name), dict) for name in cls.__dataclass_fields__):
                return cls(**{name: told[name] for name in cls.__dataclass_fields__})
        return None

    def most_rejected(self) -> str:
        """Why most texts have no row, in words."""
        total: Counter[str] = Counter()
        for counts in (*self.reasons.values(), *self.held_out.values()):
            total.update(counts)
        return "; ".join(f"{reason} ({n})" for reason, n in total.most_common(3)) or "there are no texts"


def counted(lines: Iterable[Mapping[str, Any]], held_out: Counts | None = None) -> Yield:
    """Count the lines of shards."""
    found = Yield(held_out=dict(held_out or {}))
    for line in lines:
        dataset, style = line["dataset"], line["style"]
        if style == "classification":
            found.replayed[dataset] = found.replayed.get(dataset, 0) + 1
            continue
        row, kept = line["row"], line["row"] is not None
        for counts, more in ((found.accepted, kept), (found.rejected, not kept)):
            styles = counts.setdefault(dataset, {})
            styles[style] = styles.get(style, 0) + more
        if kept and row.get("elsewhere") is not None:
            words = found.new_words.setdefault(dataset, {SPECIFIC: 0, NOT_SPECIFIC: 0})
            words[SPECIFIC if row["flips"] and not row["elsewhere"] else NOT_SPECIFIC] += 1
        if not kept:
            reasons = found.reasons.setdefault(f"{dataset} {style}", {})
            reasons[line["reason"]] = reasons.get(line["reason"], 0) + 1
    return found


def table(found: Yield) -> Iterator[str]:
    """The yield as a Markdown table."""
    yield "| dataset | style | texts | rows | yield | without a row, by reason |"
    yield "|---|---|---|---|---|---|"
    for dataset, styles in found.accepted.items():
        for style, rows in styles.items():
            texts = rows + found.rejected[dataset][style]
            reasons = sorted(found.reasons.get(f"{dataset} {style}", {}).items(), key=lambda pair: -pair[1])
            told = "; ".join(f"{reason}: {n}" for reason, n in reasons)
            yield f"| {dataset} | {style} | {texts} | {rows} | {rows / texts if texts else 0:.2f} | {told} |"
        if words := found.new_words.get(dataset):
            asked, good = sum(words.values()), words[SPECIFIC]
            yield (
                f"| {dataset} | new word at its place only | {asked} | {good} | {good / asked:.2f} | "
                f"{NOT_SPECIFIC}: {words[NOT_SPECIFIC]} |"
            )
        yield f"| {dataset} | replay | | {found.replayed.get(dataset, 0)} | | |"
        if left := "; ".join(f"{reason}: {n}" for reason, n in found.held_out.get(dataset, {}).items()):
            yield f"| {dataset} | left out | {sum(found.held_out[dataset].values())} | | | {left} |"


def card(found: Yield, told: Mapping[str, Any], rows: Iterable[Mapping[str, Any] | None]) -> str:
    """The dataset card; its example is the first of the rows that is one."""
    attributed, options = told["attributions"], told["options"]
    example = next(row for row in rows if row)
    checked = "changes the model's answer when acted on, by the evaluation's own procedure and rule"
    if options["arm"] in ("random", "lowest"):
        checked = "is a control: of a text whose best word passed the check, it names another word and is not checked"
    elif options["arm"] == "answers":
        checked = "was replaced by the classification alone: a control"
    elif not options["filtered"]:
        checked = "obeys its format; whether it changes the answer is in `flips`, and was no condition"
    new_word, elsewhere = "the first that reaches the target" if options["filtered"] else "the first offered", ""
    if options["specific"]:
        here = "the first that reaches the target at its place and at none of the evaluation's random places"
        new_word, elsewhere = f"{here}; where there is none, {new_word}", ELSEWHERE
    data = attributed.get("data", "hub")
    return CARD.format(
        rows=found.rows,
        explanations=found.explanations,
        replay=sum(found.replayed.values()),
        checked=checked,
        arm=options["arm"],
        model=attributed["model"],
        method=attributed["method"],
        styles=", ".join(options["styles"]),
        budget=options["budget"],
        texts=attributed.get("file") or f"{data}, {attributed.get('split', '')}",
        data=told.get("data", data),
        mask=attributed["options"]["mask"],
        new_word=new_word,
        elsewhere=elsewhere,
        share=options["replay"],
        seed=options["seed"],
        table="\n".join(table(found)),
        example=json.dumps(example, ensure_ascii=False, indent=1),
    )
