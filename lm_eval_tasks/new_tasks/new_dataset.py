"""A dataset that is about to be written: its declaration, and the rows of its splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lm_eval_tasks.dataset_spec import DatasetSpec
from lm_eval_tasks.declaration import SPLITS

Row = dict[str, Any]

# Folders that `new` writes hold the rows: nothing is read from the hub.
NO_HUB = "none"


@dataclass(frozen=True)
class Declaration:
    """What a `_dataset_yaml` declares. CONTRIBUTING.md, "Add a dataset", explains the keys.

    Attributes:
        dataset: name of the dataset in task names.
        noun: what a text is called in the prompts.
        question: the classification question, without its labels.
        fields: the text columns.
        titles: what is written before each field.
        label_column: the column of the gold label.
        labels: the labels, in the order of the prompt; the column holds them as they are written here.
        further: other keys under `metadata.faithful_se`, such as `language`.
    """

    dataset: str
    noun: str
    question: str
    fields: tuple[str, ...]
    titles: tuple[str, ...]
    label_column: str
    labels: tuple[str, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)

    def config(self) -> dict[str, Any]:
        """What the YAML holds."""
        declared = {
            "dataset": self.dataset,
            "folder": self.dataset,
            "noun": self.noun,
            "question": self.question,
            "fields": list(self.fields),
            "titles": list(self.titles),
            "label_column": self.label_column,
            "label_values": list(self.labels),
            "labels": list(self.labels),
            "drop_label_values": [],
            **self.further,
        }
        return {"dataset_path": NO_HUB, "test_split": "test", "metadata": {"version": 1.0, "faithful_se": declared}}

    def spec(self) -> DatasetSpec:
        """The declaration as the tasks read it.

        Raises:
            UsageError: a mistake, as the tasks would report it.
        """
        return DatasetSpec.from_config(self.config(), self.dataset)


@dataclass(frozen=True)
class NewDataset:
    """A declaration, the rows of its splits, and where they come from.

    Attributes:
        declaration: what the rows are and what is asked about them.
        splits: train, validation and test -> rows, in the order of the files. Test is there always.
        source: where the rows come from, for the README of the folder.
        notes: what the user should know, one line each.
    """

    declaration: Declaration
    splits: Mapping[str, list[Row]]
    source: str
    notes: tuple[str, ...] = ()

    def rows(self) -> list[Row]:
        """The rows of all splits."""
        return [row for split in SPLITS for row in self.splits.get(split, ())]
