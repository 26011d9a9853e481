"""Read a folder of `faithful-se attribute`: texts, the model's own answers, and the words these depend on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faithful_se.differences import differences
from faithful_se.errors import UsageError
from faithful_se.files import read_json_object, read_numbered_jsonl
from lm_eval_tasks.data import DatasetSpec, dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from training.attribution.folder import OF_TEXTS
from training.attribution.prompt.chat_template import read_template_args, template_option
from training.runs.artefacts import AttributionManifest, words_problem
from training.runs.folder import MANIFEST
from training.runs.settings import absolute_data

NO_ATTRIBUTIONS = "holds no attributions: give what `faithful-se attribute` wrote"


@dataclass(frozen=True)
class AttributedText:
    """A text with its words ranked."""

    document: Document
    index: int  # in the dataset
    prediction: str | None  # the label that the scores explain; None if the text has no attribution
    ranking: tuple[tuple[str, float], ...]  # (word key, score), the highest score first, each type of word once
    problem: str = ""  # why there is no attribution

    @property
    def best(self) -> str:
        """The key of the word with the highest score."""
        return self.ranking[0][0]


@dataclass(frozen=True)
class Attributions:
    """A folder of attributions, checked."""

    manifest: AttributionManifest
    texts: Mapping[str, list[AttributedText]]  # by dataset, in its order
    evaluation: str = ""  # where the evaluation's texts are, which are left out; empty where the manifest says it
    include_path: str = ""  # the folder of datasets outside the package; empty for none

    def dataset(self, name: str) -> DatasetSpec:
        """A dataset of the folder; a `UsageError` where there is none of that name, as for files of users."""
        dataset = dataset_spec(name, self.include_path)
        words_of = self.manifest["options"].get("words_of", Options.words_of)
        return dataset.with_options(Options(words_of=words_of)) if dataset.choices else dataset

    @property
    def data(self) -> str:
        """Where the evaluation's texts are: ``hub``, ``mini`` or a folder."""
        return self.evaluation or self.manifest.get("data", "hub")

    @property
    def template_args(self) -> dict[str, Any]:
        """The arguments of the chat template, which are the evaluation's too."""
        return dict(self.manifest.get("chat_template_args", {}))

    def check_template_args(self, requested: str) -> None:
        """Refuse other arguments of the chat template than the attribution had; "" asks for none.

        Raises:
            UsageError: names both.
        """
        if requested and read_template_args(requested) != self.template_args:
            recorded = template_option(self.template_args) if self.template_args else "no --chat-template-args"
            raise UsageError(
                f"--chat-template-args {requested}: the words were attributed with {recorded}, another prompt: "
                "leave the option out, or run faithful-se attribute with it"
            )

    def check_tokenizer(self, answering: Mapping[str, Any]) -> str:
        """Refuse another tokenizer or chat template than the words were attributed with.

        Returns:
            A warning where the attributions do not say which it was; else "".

        Raises:
            UsageError: names what differs.
        """
        recorded = {name: value for name, value in self.manifest.items() if name in OF_TEXTS}
        changed = [name for name, _, _ in differences(recorded, {name: answering.get(name) for name in recorded})]
        if changed:
            raise UsageError(
                f"the words were attributed with another {changed[0].replace('_', ' ')} than this model now has "
                f"({', '.join(changed)}): give the model as it was, or run faithful-se attribute on this one"
            )
        return "" if recorded else "the attributions do not say with which tokenizer: they are of an older version"

    def classifier(self, wanted: str) -> str:
        """The classifier of the tasks that the rows train for: the one that is wanted, if the attributions fit it.

        Attributions rank labels. What is generated is mostly the label that is ranked first, without a prior.

        Raises:
            UsageError: the attributions are of another ranking.
        """
        own = self.manifest["options"].get("classifier", "loglikelihood")
        if not wanted:
            return own if own == "calibrated" else "generate"
        if wanted != own and (wanted != "generate" or own == "calibrated"):
            raise UsageError(
                f"--classifier {wanted}: the words were scored for the answers of classifier={own}: give that, or "
                f"attribute again with --classifier {'calibrated' if wanted == 'calibrated' else 'loglikelihood'}"
            )
        return wanted

    def task(self, dataset: DatasetSpec, style: str, budget: str, context: str, classifier: str) -> TaskSpec:
        """The task that the rows train for: as the words were scored, with the same examples and prior."""
        options, name = self.manifest["options"], dataset.question.dataset
        prior = self.manifest.get("label_prior", {}).get(name)
        turns = self.manifest.get("examples", {}).get(name, [])
        task_options = Options(
            data=self.data,
            classifier=classifier,
            context=context,
            mask=options["mask"],
            unknown=options["unknown"],
            unit=options.get("unit", Options.unit),
            controls=(),
            prior=options.get("prior", Options.prior),
            prior_texts=options.get("prior_texts", Options.prior_texts),
            words_of=options.get("words_of", Options.words_of),
        )
        if classifier == "calibrated" and not prior:
            raise UsageError(f"the attributions of {name} hold no prior of the labels: attribute again")
        return TaskSpec(
            dataset.question,
            style,
            budget,
            task_options,
            options.get("system"),
            examples=tuple((turn["role"], turn["content"]) for turn in turns),
            prior=prior if classifier == "calibrated" else None,
        )


def read_attributions(
    folder: Path,
    datasets: Collection[str] = (),
    without: Collection[str] = (),
    limit: int | None = None,
    data: str = "",
    include_path: str = "",
) -> Attributions:
    """Read a finished folder.

    Args:
        folder: what `faithful-se attribute --out` wrote.
        datasets: only these; all by default.
        without: not these.
        limit: only the first texts of each dataset.
        data: where the evaluation's texts are, if not where the manifest says.
        include_path: the folder of datasets outside the package, if not where the manifest says.

    Raises:
        UsageError: not there, not finished, damaged, an unknown dataset, or no dataset left.
    """
    manifest = _read_manifest(folder)
    rows = manifest["rows"]
    for name in (*datasets, *without):
        if name not in rows:
            raise UsageError(f"{folder}: no attributions of {name}; there are {', '.join(rows)}")
    selected = [name for name in rows if name not in without and (not datasets or name in datasets)]
    if not selected:
        raise UsageError(f"{folder}: no dataset is left: {', '.join(without)} left out of {', '.join(rows)}")
    texts = {}
    include_path = include_path or manifest.get("include_path", "")
    for name in selected:
        dataset_spec(
            name, include_path
        )  # other names are those of users' files, which no task of the evaluation could judge
        of_dataset = list(_read_texts(folder / f"{name}.jsonl"))
        if len(of_dataset) != rows[name]:
            raise UsageError(
                f"{folder / name}.jsonl has {len(of_dataset)} rows, {MANIFEST} says {rows[name]}: "
                "run the same `faithful-se attribute` again"
            )
        texts[name] = of_dataset if limit is None else of_dataset[:limit]
    evaluation = absolute_data(data) if data else ""
    if evaluation == absolute_data(manifest.get("data", "hub")):
        evaluation = ""
    return Attributions(manifest, texts, evaluation, include_path)


def _read_manifest(folder: Path) -> AttributionManifest:
    if not (folder / MANIFEST).is_file():
        if (folder / "settings.json").is_file():
            raise UsageError(f"{folder} is not finished: run the same `faithful-se attribute` again")
        raise UsageError(f"{folder} {NO_ATTRIBUTIONS}")
    manifest = read_json_object(folder / MANIFEST, "the same `faithful-se attribute` writes it again")
    if not isinstance(manifest.get("rows"), dict):  # the manifest of a build has a number here
        raise UsageError(f"{folder} {NO_ATTRIBUTIONS}")
    if "file" in manifest and "labels" in manifest:
        raise UsageError(
            f"{folder}: {manifest['file']} was attributed with --labels: no task of the evaluation asks this question, "
            "so its explanations cannot be judged; attribute --tasks, or --file with --tasks DATASET"
        )
    return cast(AttributionManifest, manifest)


def _read_texts(path: Path) -> Iterator[AttributedText]:
    remedy = "delete that line, and the same `faithful-se attribute` computes its text again"
    for number, row in read_numbered_jsonl(path, remedy):
        try:
            ranking = tuple((key, float(score)) for key, score in row["types"].items())
            if row["top"]:  # of words with equal scores the attribution chose one, whatever their order in the mapping
                top = row["top"]["key"]
                ranking = tuple(sorted(ranking, key=lambda pair: (pair[0] != top, -pair[1])))
            scoring = row.get("options", {})
            labels, context = tuple(row.get("labels", ())), dict(row.get("context", {}))
            document = Document(
                dict(row["fields"]),
                row["gold"],
                labels,
                context=context,
                unit=scoring.get("unit", Document.unit),
                language=scoring.get("language", Document.language),
            )
            text = AttributedText(document, int(row["index"]), row["prediction"], ranking, str(row["problem"]))
            problem = words_problem(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            detail = f"it has no {error}" if isinstance(error, KeyError) else str(error)
            raise UsageError(f"{path}: line {number} is not a row of attributions ({detail}): {remedy}") from error
        if problem:
            raise UsageError(f"{path}: line {number}: {problem}")
        yield text
