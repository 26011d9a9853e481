"""Reading a folder of `faithful-se attribute`: texts, the model's own answers, and the words these hang on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import read_json_object, read_jsonl
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from training.runs.folder import MANIFEST
from training.runs.settings import absolute_data


@dataclass(frozen=True)
class Attributed:
    """A text and its words, the best first.

    Attributes:
        document: the text.
        index: its number in the dataset.
        prediction: the label that the scores are about; None where the text has no attribution.
        ranking: (word key, score), the highest first, each type of word once.
        problem: why there is no attribution.
    """

    document: Document
    index: int
    prediction: str | None
    ranking: tuple[tuple[str, float], ...]
    problem: str = ""

    @property
    def best(self) -> str:
        """The key of the word with the highest score."""
        return self.ranking[0][0]


@dataclass(frozen=True)
class Attributions:
    """A folder of attributions, checked.

    Attributes:
        settings: its manifest: model, method, options, data, split.
        texts: per dataset, in the order of the dataset.
        evaluation: where the texts of the evaluation are, which are kept apart; empty where the settings say so.
    """

    settings: Mapping[str, Any]
    texts: Mapping[str, list[Attributed]]
    evaluation: str = ""

    @property
    def data(self) -> str:
        """Where the texts of the evaluation are."""
        return self.evaluation or str(self.settings.get("data", "hub"))

    def question(self, dataset: str) -> Question:
        """What was asked: the evaluation's own question."""
        return dataset_spec(dataset).question

    def options(self, context: str) -> Options:
        """The options of the evaluation that the rows are for: those the words were scored under."""
        told = self.settings["options"]
        return Options(data=self.data, context=context, mask=told["mask"], unknown=told["unknown"], controls=())


def read_attributions(
    folder: Path,
    datasets: Collection[str] = (),
    without: Collection[str] = (),
    limit: int | None = None,
    data: str = "",
) -> Attributions:
    """Read a finished folder.

    Args:
        folder: what `faithful-se attribute --out` wrote.
        datasets: only these; all by default.
        without: not these (leave one dataset out).
        limit: only the first texts of each dataset.
        data: where the texts of the evaluation are, if elsewhere than the attributions say.

    Raises:
        UsageError: not there, not finished, damaged, an unknown dataset, or nothing left. Says which.
    """
    if not (folder / MANIFEST).is_file():
        begun = (folder / "settings.json").is_file()
        if begun:
            raise UsageError(f"{folder} is not finished: run the same `faithful-se attribute` again")
        raise UsageError(f"{folder} holds no attributions: give what `faithful-se attribute` wrote")
    settings = read_json_object(folder / MANIFEST, "the same `faithful-se attribute` writes it again")
    if not isinstance(settings.get("rows"), dict):  # a build's manifest holds a number
        raise UsageError(f"{folder} holds no attributions: give what `faithful-se attribute` wrote")
    if "file" in settings and "labels" in settings:
        raise UsageError(
            f"{folder}: {settings['file']} was asked about with --labels: no task of the evaluation asks so, and its "
            "explanations cannot be judged; attribute --tasks, or --file with --tasks DATASET"
        )
    found = settings["rows"]
    for name in (*datasets, *without):
        if name not in found:
            raise UsageError(f"{folder}: no attributions of {name}; there are {', '.join(found)}")
    wanted = [name for name in found if name not in without and (not datasets or name in datasets)]
    if not wanted:
        raise UsageError(f"{folder}: no dataset is left: {', '.join(without)} left out of {', '.join(found)}")
    texts = {}
    for name in wanted:
        dataset_spec(name)  # a file of one's own has no task that could verify its explanations
        rows = list(_rows(folder / f"{name}.jsonl"))
        if len(rows) != found[name]:
            raise UsageError(
                f"{folder / name}.jsonl has {len(rows)} rows, {MANIFEST} says {found[name]}: "
                "run the same `faithful-se attribute` again"
            )
        texts[name] = rows if limit is None else rows[:limit]
    place = absolute_data(data) if data else ""
    return Attributions(settings, texts, "" if place == absolute_data(str(settings.get("data", "hub"))) else place)


def _rows(path: Path) -> Iterator[Attributed]:
    remedy = "delete that line, and the same `faithful-se attribute` computes its text again"
    for number, row in enumerate(read_jsonl(path, remedy), 1):
        try:
            ranking = tuple((key, float(score)) for key, score in row["types"].items())
            if row["top"]:  # of equal scores the attribution has chosen one, whatever their order in the mapping
                top = row["top"]["key"]
                ranking = tuple(sorted(ranking, key=lambda pair: (pair[0] != top, -pair[1])))
            document = Document(dict(row["fields"]), row["gold"])
            yield Attributed(document, int(row["index"]), row["prediction"], ranking, str(row["problem"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            what = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise UsageError(f"{path}: line {number} is not a row of attributions ({what}): {remedy}") from error
