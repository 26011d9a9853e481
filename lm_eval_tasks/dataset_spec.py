"""One dataset as its YAML declares it: what is asked, where its rows are, and the document that a row holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithfulness_metrics.words import words_of
from lm_eval_tasks.choices import LETTERS, ChoiceColumns
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data_files import files_of_split
from lm_eval_tasks.declaration import check_declaration
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_reading.names import read_synonyms
from lm_eval_tasks.languages import ENGLISH
from lm_eval_tasks.options import OF_CHOICES, Options
from lm_eval_tasks.rationales import READERS

# Positions of the words that people marked; None where nobody did.
Rationale = tuple[int, ...] | None

# The value of `data` for rows that lie beside the declaration.
OWN = "own"


@dataclass(frozen=True)
class DatasetSpec:
    """One dataset, as its YAML declares it."""

    question: Question  # what the model is asked
    folder: str  # name of its folder under `data=DIR`
    label_column: str  # column of the gold label
    label_values: tuple[Any, ...]  # code of each label, in label order
    # codes of rows to leave out: no gold label, or a class that the question does not offer
    drop_label_values: tuple[Any, ...]
    hub: tuple[str, str | None, str | None]  # repository, config and revision on the hub
    splits: tuple[tuple[str, str], ...] = ()  # name on the hub of train, validation, test, where it differs
    # where a row's own choices are (multiple choice). `label_column` then says which is right, and `label_values` is
    # empty
    choices: ChoiceColumns | None = None
    # how to read the words that people marked, a key of `rationales.READERS`; None where nobody did
    rationale: str | None = None
    home: str = ""  # the folder of the declaration, where rows lie beside it
    defaults: tuple[tuple[str, str], ...] = ()  # options whose default is the dataset's own, as `--metadata` has them

    @classmethod
    def from_config(cls, config: Mapping[str, Any], where: str = "", home: str | Path = "") -> DatasetSpec:
        """Read the configuration of a task, or of a dataset (`_dataset_yaml`).

        `where` is the file or task that messages name; by default the task. `home` is the folder that it is in.

        Raises:
            UsageError: a mistake in the declaration.
        """
        check_declaration(where or str(config.get("task", "the task")), config)
        declared = config["metadata"]["faithful_se"]
        kwargs = config.get("dataset_kwargs") or {}
        return cls(
            question=Question(
                dataset=declared["dataset"],
                noun=declared["noun"],
                question=declared["question"],
                fields=tuple(declared["fields"]),
                titles=tuple(declared["titles"]),
                labels=tuple(declared.get("labels") or ()),
                synonyms=read_synonyms(declared),
                words_of=Options.words_of if declared.get("choices") else "",
                language=declared.get("language", ENGLISH),
                prompts=tuple((declared.get("prompts") or {}).items()),
                answers=tuple((key, tuple(values)) for key, values in (declared.get("answers") or {}).items()),
            ),
            folder=declared["folder"],
            label_column=declared["label_column"],
            label_values=tuple(declared.get("label_values") or ()),
            drop_label_values=tuple(declared["drop_label_values"]),
            hub=(config["dataset_path"], config.get("dataset_name"), kwargs.get("revision")),
            splits=tuple((declared.get("hub_splits") or {}).items()),
            choices=ChoiceColumns.from_declaration(declared),
            rationale=declared.get("rationale"),
            defaults=tuple((name, str(declared[name])) for name in vars(Options()) if name in declared),
            home=str(Path(home).resolve()) if home and files_of_split(Path(home), "test") else "",
        )

    @property
    def has_rationales(self) -> bool:
        """Whether people marked words of the text. They marked none of the choices."""
        return bool(self.rationale) and self.question.words_of != "choices"

    def data(self, wanted: str) -> str:
        """Where the rows are: as wanted, or ``own`` where they lie beside the declaration.

        A folder that is wanted, and that holds this dataset, has precedence.
        """
        if not self.home or (wanted not in ("hub", "mini", OWN) and any(map(Path.is_dir, self.folders(wanted)))):
            return wanted
        return OWN

    def folders(self, data: str) -> list[Path]:
        """Where the files of the splits may be, in order of precedence; `data` is a folder, or ``own``."""
        if data == OWN and self.home:
            return [Path(self.home)]
        return [Path(data).expanduser() / name for name in dict.fromkeys((self.folder, self.question.dataset))]

    def document(self, row: Mapping[str, Any]) -> Document:
        """The document that a row holds."""
        fields = {name: "" if row[name] is None else str(row[name]) for name in self.question.fields}
        rationale = READERS[self.rationale](row, words_of(fields)) if self.rationale else None
        if self.choices:
            return self._with_choices(fields, row, rationale)
        return Document(fields, self.question.labels[self.label_values.index(row[self.label_column])], (), rationale)

    def _with_choices(self, fields: dict[str, str], row: Mapping[str, Any], rationale: Rationale) -> Document:
        assert self.choices is not None
        texts, words_of_ = list(map(str, self.choices.texts(row))), self.question.words_of
        choices = dict(zip(LETTERS, texts, strict=False))
        labels = tuple(texts) if self.question.answer_with == "text" else tuple(choices)
        place = self.choices.place(row, row[self.label_column])
        gold = None if place is None else labels[place]
        if words_of_ == "question":
            return Document(fields, gold, labels, rationale, context=choices)
        if words_of_ == "choices":  # the words that people marked are those of the question
            return Document(choices, gold, labels, None, context=fields)
        return Document({**fields, **choices}, gold, labels, rationale)

    def with_options(self, options: Options) -> DatasetSpec:
        """The dataset as the options ask about it: whose words count in multiple choice, and what its labels are.

        Raises:
            UsageError: an option of multiple choice, and the dataset's labels are the same in all rows.
        """
        if self.choices:
            question = replace(self.question, words_of=options.words_of, answer_with=options.answer_with)
            return replace(self, question=question)
        for name in OF_CHOICES:
            if (value := getattr(options, name)) != getattr(Options, name):
                raise UsageError(
                    f"{self.question.dataset}: {name}={value} is for multiple choice, whose labels are the row's own: "
                    "leave it out"
                )
        return self
